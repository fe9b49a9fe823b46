"""A dealer that posts on less, the more it has lent."""

from abm.agents import Dealer
from abm.model import CollateralMarket


class Cautious(Dealer):
    def choose_reuse(self):
        return 1.0 if self.exposure < 10_000_000 else 0.25


if __name__ == "__main__":
    market = CollateralMarket("dealers-under-stress", rng=1, behaviours={"dealer": Cautious}).run()
    print(f"{market.summary()['collateral_velocity_max']:.3f} times each token at most")
