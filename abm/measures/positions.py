"""Long and short positions in securities, and short interest.

A scenario names these among its `measures`, as `abm.measures.positions:short_interest`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from abm.books.loan_book import OPEN_LOAN
from abm.measures.measure import LEVEL, MONEY, RATIO, SHARE, daily

Ints = npt.NDArray[np.int64]


def net_positions(market: Any) -> Ints:
    """What each participant owns of each token less what it owes, on the ledger.

    It owns what is in its wallet and in accounts of which it is the lender, what it has lent, what
    it has posted and what is on its way there; it owes what it has borrowed, and what it has to
    give back of collateral, posted further or not. Summed over participants that is all that is on
    the ledger, but for what the outside market holds: each claim is somebody else's debt.

    Returns:
        tokens, shape (participants, tokens); below zero for who owes more than it owns.
    """
    books, ledger, accounts = market.books, market.ledger, market.books.accounts
    net = ledger.wallets[: len(market.population.names)].copy()
    posted = ledger.collateral + books.reused if len(books.reused) else ledger.collateral.copy()
    first = books.priority[accounts.agreement, 0]
    posted[np.arange(len(accounts)), first] -= accounts.advanced
    under_way = ledger.in_transit.reshape(-1, *posted.shape).sum(axis=0)
    np.add.at(net, accounts.lender, ledger.collateral - posted)
    np.add.at(net, accounts.borrower, posted + under_way)
    rows = np.flatnonzero(market.books.loans.state == OPEN_LOAN)
    of = books.loans.account[rows]
    np.add.at(net, accounts.lender[of], books.lent[rows])
    np.subtract.at(net, accounts.borrower[of], books.lent[rows])
    return net


def on_loan(market: Any) -> Ints:
    """Tokens on loan, a token lent n times counted n times, shape (tokens,)."""
    lent: Ints = market.books.lent[market.books.loans.state == OPEN_LOAN].sum(axis=0)
    return lent


@daily(MONEY, LEVEL)
def short_interest(market: Any) -> float:
    """Market value of securities on loan: one share that is lent n times counts n times."""
    return float((on_loan(market) * market.prices)[:-1].sum() * market.unit)


@daily(MONEY, LEVEL)
def short_positions(market: Any) -> float:
    """Market value of securities that participants owe beyond what they own of them on the
    ledger: what was sold or posted out of borrowed tokens."""
    short = np.minimum(net_positions(market), 0).sum(axis=0)
    return float(-(short * market.prices)[:-1].sum() * market.unit)


@daily(SHARE, RATIO, label="short interest over what is outstanding")
def short_interest_ratio(market: Any) -> float:
    """Short interest over the market value of securities on the ledger; empty if there is none."""
    arrays = market.ledger.arrays
    outstanding = ((arrays.minted - arrays.burned) * market.prices)[:-1].sum()
    lent = (on_loan(market) * market.prices)[:-1].sum()
    return float(lent / outstanding) if outstanding else float("nan")
