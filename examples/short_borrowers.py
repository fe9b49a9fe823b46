"""A measure of one's own: how many borrowers owe a call at the end of a day."""

import numpy as np

from abm.books.loan_book import ACTIVE
from abm.measures.measure import daily
from abm.model import CollateralMarket


@daily("count", "peak", label="borrowers that owe a call")
def short_borrowers(market):
    """Borrowers with a call that has not been met."""
    accounts = market.books.accounts
    owed = (accounts.unmet_days > 0) & (accounts.state == ACTIVE)
    return len(np.unique(accounts.borrower[owed]))


if __name__ == "__main__":
    market = CollateralMarket("dealers-under-stress", rng=1, measures=[short_borrowers]).run()
    print(market.days_frame()["short_borrowers"].max(), "at most on one day")
    print(market.summary()["short_borrowers_max"], "in the summary")
