"""The loan book: every loan and every margin account as a row of a record array.

Records rather than one array a column: the compiled passes take few arguments that way and find all
of a row in one place. `accounts.required` is a column all the same, in Python and compiled, and
`accounts[a].required` one number, whose address a compiled pass works out once a row.
"""

from __future__ import annotations

from typing import Protocol, TypeVar, cast

import numpy as np
import numpy.typing as npt

from abm.books.records import Records

Ints = npt.NDArray[np.int64]

PENDING, OPEN_LOAN, SETTLED, CLOSED_OUT = range(4)
LOAN_STATES = ("pending", "open", "settled", "closed out")

AT_MATURITY = ("settle", "roll", "replace")
"""What becomes of a loan on the day on which it is due."""

ACTIVE, LIQUIDATING, CLOSED = range(3)
ACCOUNT_STATES = ("active", "liquidating", "closed")

NEVER = 2**31 - 1
"""The day on which an open-ended loan matures."""


Whole = TypeVar("Whole")
Real = TypeVar("Real")


class Loans(Protocol):
    """One row a loan, sorted by `loan_id`."""

    loan_id: Ints
    account: Ints
    """Row of the margin account that secures the loan."""
    opened: Ints
    """Day on which the loan begins."""
    maturity: Ints
    """Day on which it settles; `NEVER` for an open loan that is not recalled."""
    tenor: Ints
    """Days from a roll or replacement to the next maturity."""
    recall_fails: Ints
    """Days for which the borrower has failed to return what was lent."""
    state: Ints

    def __len__(self) -> int: ...
    def copy(self) -> Loans:
        """The same rows, for keeping."""


class AccountColumns(Protocol[Whole, Real]):
    """What is kept of a margin account: the collateral of one loan, or of all loans of a pair.

    Values are whole numbers of the smallest money unit. The collateral itself is in the ledger.
    """

    lender: Whole
    borrower: Whole
    agreement: Whole
    state: Whole
    open_loans: Whole
    exposure: Whole
    """Market value of what is lent, `L`."""
    required: Whole
    """Collateral value that the lender must hold, `R`, rounded up."""
    upper: Whole
    """No call while the collateral value is at most this ..."""
    lower: Whole
    """... and at least this."""
    slack: Real
    """`required` less its value before rounding up, at the haircut: in money of coverage."""
    value: Whole
    """Market value of the collateral, measured as the paper does (section 2.3.4)."""
    advanced: Whole
    """Tokens of the first priority that the lender issued beyond the collateral it held."""
    unmet: Whole
    """Market value of collateral that today's call did not bring."""
    unmet_days: Whole
    calls: Whole
    """Margin calls so far; likewise deliveries and returns."""
    deliveries: Whole
    returns: Whole


class Account(AccountColumns[int, float], Protocol):
    """One margin account: a handle on its row."""


class Accounts(AccountColumns[Ints, npt.NDArray[np.float64]], Protocol):
    """One row a margin account, sorted by the first loan they secure."""

    def __len__(self) -> int: ...
    def __getitem__(self, a: int) -> Account: ...
    def copy(self) -> Accounts:
        """The same rows, for keeping."""


_WIDTHS = {
    "loan_id": "i8",
    "account": "u4",
    "lender": "u4",
    "borrower": "u4",
    "agreement": "u4",
    "exposure": "i8",
    "required": "i8",
    "upper": "i8",
    "lower": "i8",
    "slack": "f8",
    "value": "i8",
    "advanced": "i8",
    "unmet": "i8",
}
"""Columns that need 64 bits; 32 are enough for rows, days and counts."""


def _columns(layout: type) -> list[tuple[str, str]]:
    return [(name, _WIDTHS.get(name, "i4")) for name in layout.__annotations__]


class LoanRecords(Records, columns=_columns(Loans)):
    """`Loans` as they are kept."""


class AccountRecords(Records, columns=_columns(AccountColumns)):
    """`Accounts` as they are kept."""


def new_loans(count: int) -> Loans:
    """Rows for `count` loans that are not open yet and never mature."""
    loans = cast(Loans, LoanRecords.zeros(count))
    loans.maturity[:] = NEVER
    return loans


def first_loans(loans: Loans, accounts: int) -> Ints:
    """Identifier of the first loan of each margin account, shape (accounts,)."""
    first = np.empty(accounts, np.int64)
    # Loans are sorted by identifier: of several that go to one place the last to come stays.
    first[loans.account[::-1]] = loans.loan_id[::-1]
    return first


def new_accounts(lender: Ints, borrower: Ints, agreement: Ints) -> Accounts:
    """Active margin accounts without loans yet; parties are rows, shape (accounts,)."""
    accounts = cast(Accounts, AccountRecords.zeros(len(lender)))
    accounts.lender, accounts.borrower, accounts.agreement = lender, borrower, agreement
    return accounts
