"""What loans add to the balance sheets of lenders, for capital at a leverage ratio.

A scenario names the measure as `abm.measures.capital:leverage_assets` among its `measures`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from abm.books.loan_book import OPEN_LOAN
from abm.measures.measure import LEVEL, MONEY, daily


@daily(MONEY, LEVEL, label="assets that loans add to lenders' sheets")
def leverage_assets(market: Any) -> float:
    """Cash lent, and cash held as collateral of securities lent: what loans add to the assets of
    lenders. Securities lent stay on their owner's sheet, and securities received are not on it
    (Basel Framework, LEV30, securities financing transactions)."""
    loans = market.books.loans
    is_open = loans.state == OPEN_LOAN
    lends = is_open & market.books.lent[:, :-1].any(axis=1)
    against = np.zeros(len(market.books.accounts), np.bool_)
    against[loans.account[lends]] = True
    cash = market.books.lent[is_open, -1].sum() + market.ledger.collateral[against, -1].sum()
    return float(cash * market.unit)
