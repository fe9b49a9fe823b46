"""What is not returned when it is due, what is bought in, and what purchases do to prices.

A scenario names these among its `measures`, as `abm.measures.fails:failing`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from abm.books.loan_book import ACTIVE, OPEN_LOAN
from abm.measures.measure import COUNT, FLOW, LEVEL, MONEY, daily
from scenarios.errors import InputError

Ints = npt.NDArray[np.int64]


def _failing(market: Any) -> Ints:
    """Rows of the loans whose borrower has failed to return them."""
    loans, accounts = market.books.loans, market.books.accounts
    late = np.flatnonzero((loans.state == OPEN_LOAN) & (loans.recall_fails > 0))
    return late[accounts.state[loans.account[late]] == ACTIVE]


def _outside(market: Any) -> Any:
    if market.sheet is None:
        raise InputError(
            f"{market.scenario.name}: measures of purchases need balance sheets: nothing is bought"
            " without a table [balance]"
        )
    return market.phases.balance.outside


@daily(COUNT, LEVEL, label="loans failing to be returned")
def failing(market: Any) -> float:
    """Loans that are overdue, as their borrowers could not return what was lent."""
    return float(len(_failing(market)))


@daily(MONEY, LEVEL, label="value failing to be returned")
def failing_value(market: Any) -> float:
    """Market value of what is lent by these loans."""
    lent = market.books.lent[_failing(market)]
    return float((lent @ market.prices).sum() * market.unit)


@daily(MONEY, FLOW, label="buy-ins")
def bought_in(market: Any) -> float:
    """What was paid for tokens that lenders bought in on their borrowers' account."""
    return float(_outside(market).bought_in * market.unit)


@daily(MONEY, FLOW, label="purchases above the price before")
def purchase_impact(market: Any) -> float:
    """What purchases outside the ledger, buy-ins among them, have cost more than at the prices
    before the trades of their moment."""
    return float(_outside(market).above * market.unit)
