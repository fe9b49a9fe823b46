"""A lender that gives nothing back while it is owed a call on any other loan."""

from abm.agents import Lender
from abm.model import CollateralMarket


class Keeping(Lender):
    def choose_return(self, call):
        accounts = self.model.books.accounts
        owed = accounts.unmet_days[accounts.lender == self.row].any()
        return {} if owed else call.default


if __name__ == "__main__":
    market = CollateralMarket(
        "dealers-under-stress",
        rng=1,
        behaviours={"lender": Keeping},
        **{"agreement.grace_days": 20},
    ).run()
    print(f"{market.summary()['returned_value']:,.0f} returned")
