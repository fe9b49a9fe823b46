"""A lender that funds nobody longer whom a bad day could cost a third of its equity."""

from abm.agents import Lender
from abm.model import CollateralMarket


class Running(Lender):
    @classmethod
    def choose_withdrawals_in_columns(cls, loans):
        return loans.borrower_leverage * 2 * loans.volatility > 1 / 3


if __name__ == "__main__":
    changes = {"balance.borrower.outside": 1.0, "balance.borrower.leverage": 10.0}
    behaviours = {"lender": Running}
    market = CollateralMarket("network-random-bipartite", rng=1, behaviours=behaviours, **changes)
    print(market.run().summary()["withdrawals"], "loans withdrawn")
