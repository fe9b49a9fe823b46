"""A lender that recalls in stress: every open-ended loan whose collateral no longer covers it."""

from abm.agents import Lender
from abm.model import CollateralMarket


class Recalling(Lender):
    def choose_recalls(self, loans):
        return loans.coverage < 1


if __name__ == "__main__":
    market = CollateralMarket("dealers-under-stress", rng=1, behaviours={"lender": Recalling}).run()
    print(market.summary()["recalls"], "recalls")
