"""A borrower short of collateral that serves its largest call first."""

from abm.agents import Borrower
from abm.model import CollateralMarket


class LargestFirst(Borrower):
    def rank_calls(self, calls):
        return -calls.missing


if __name__ == "__main__":
    market = CollateralMarket(
        "dealers-under-stress", rng=1, behaviours={"borrower": LargestFirst}
    ).run()
    print(market.summary()["unmet_calls"], "calls unmet")
