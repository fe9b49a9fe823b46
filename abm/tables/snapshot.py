"""The books of a market as they stood on one day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from abm.books.books import Books
from abm.books.ledger import Ledger
from abm.books.loan_book import OPEN_LOAN, Accounts, Loans
from abm.measures.moments import close_outs
from abm.measures.statistics import gaps_and_exposures

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Closing(Protocol):
    """The day, as far as a snapshot looks at it."""

    @property
    def closing(self) -> Mapping[int, int]:
        """Accounts in close-out by row, and what their collateral has fetched so far."""


class Kept(Protocol):
    """What a snapshot keeps of a market."""

    books: Books
    ledger: Ledger

    @property
    def phases(self) -> Closing:
        """What moves tokens."""

    @property
    def prices(self) -> Ints:
        """Published prices of the day, in money units, shape (tokens,)."""


@dataclass(frozen=True)
class Snapshot:
    """The books as they stood on one day, for the tables of loans and participants."""

    loans: Loans
    accounts: Accounts
    exposure: Ints
    """Market value of each open loan, 0 for the others."""
    gaps: Floats
    """Gap of each margin account; likewise its uncollateralised exposure."""
    uncollateralised: Floats
    claims: Ints
    """Tokens that the lender of each account holds or has posted further."""
    wallets: Ints
    prices: Ints

    @classmethod
    def of(cls, market: Kept, copy: bool = True) -> Snapshot:
        """The market's books today; copied, so that they stay so."""
        books = market.books
        # What a lender posted further still belongs to the claim.
        claims = market.ledger.collateral + (books.reused if len(books.reused) else 0)
        loans, accounts, wallets = books.loans, books.accounts, market.ledger.wallets
        if copy:
            loans, accounts, wallets = loans.copy(), accounts.copy(), wallets.copy()
        exposure = np.where(loans.state == OPEN_LOAN, books.lent @ market.prices, 0)
        closing = close_outs(books, market.prices, market.phases.closing)
        measured = gaps_and_exposures(books, closing)
        return cls(loans, accounts, exposure, *measured, claims, wallets, market.prices)
