"""A borrower that keeps back half of every token it holds, whatever it is called for."""

from abm.agents import Borrower
from abm.model import CollateralMarket


class Hoarding(Borrower):
    def choose_delivery(self, call):
        return {
            token: min(quantity, int(call.held[token]) // 2)
            for token, quantity in call.default.items()
        }


if __name__ == "__main__":
    market = CollateralMarket(
        "dealers-under-stress", rng=1, behaviours={"borrower": Hoarding}
    ).run()
    print(market.summary()["defaults"], "defaults")
