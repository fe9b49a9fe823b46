"""A dealer that posts on less of the collateral it received, the more it has lent."""

from abm.agents import Dealer
from abm.model import CollateralMarket


class Cautious(Dealer):
    def choose_reuse(self):
        return 1.0 if self.exposure < 5_000_000 else 0.25


if __name__ == "__main__":
    title = {"agreement.transfer": "title", "agreement.reuse_rate": 1.0}
    behaviours = {"dealer": Cautious}
    market = CollateralMarket("dealers-under-stress", rng=1, behaviours=behaviours, **title).run()
    print(f"{market.summary()['reused_value']:,.0f} of collateral posted further")
