"""A lender that rolls its loans as long as their collateral covers them, and then ends them."""

import numpy as np

from abm.agents import Lender
from abm.model import CollateralMarket


class Rolling(Lender):
    def choose_at_maturity(self, loans):
        return np.where(loans.coverage >= 1, "roll", "settle")


if __name__ == "__main__":
    terms = {"loan.maturity": 10, "loan.at_maturity": "settle"}
    market = CollateralMarket(
        "network-random-bipartite", rng=1, behaviours={"lender": Rolling}, **terms
    ).run()
    print(market.summary()["loans_rolled"], "rolled,", market.summary()["loans_settled"], "settled")
