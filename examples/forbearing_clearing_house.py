"""A clearing house that gives everybody three more days before it declares a default."""

from abm.agents import ClearingHouse
from abm.model import CollateralMarket


class Forbearing(ClearingHouse):
    def declare_default(self, participant, days):
        return days > 4


if __name__ == "__main__":
    market = CollateralMarket(
        "dealers-under-stress", rng=1, behaviours={"clearing_house": Forbearing}
    ).run()
    print(market.summary()["defaults"], "defaults")
