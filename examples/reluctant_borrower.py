"""A borrower that meets small calls only."""

from abm.agents import Borrower
from abm.model import CollateralMarket


class Reluctant(Borrower):
    def meet_call(self, call):
        return call.missing < 200_000


if __name__ == "__main__":
    market = CollateralMarket(
        "network-random-bipartite", rng=1, behaviours={"borrower": Reluctant}
    ).run()
    print(market.summary()["unmet_calls"], "calls unmet")
