"""The loan book: every loan and every margin account as a row in columns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

PENDING, OPEN_LOAN, SETTLED, CLOSED_OUT = range(4)
LOAN_STATES = ("pending", "open", "settled", "closed out")

ACTIVE, LIQUIDATING, CLOSED = range(3)
ACCOUNT_STATES = ("active", "liquidating", "closed")

NEVER = np.int64(2**31 - 1)
"""The day on which an open-ended loan matures."""


class Loans(NamedTuple):
    """One row a loan, sorted by `loan_id`."""

    loan_id: Ints
    account: Ints
    """Row of the margin account that secures the loan."""
    lent: Ints
    """Quantity lent of each token, shape (loans, tokens)."""
    opened: Ints
    """Day on which the loan begins."""
    maturity: Ints
    """Day on which it settles; `NEVER` for an open loan that is not recalled."""
    term: Ints
    """Days from a roll or replacement to the next maturity."""
    recall_fails: Ints
    """Days for which the borrower has failed to return what was lent."""
    state: npt.NDArray[np.int8]


class Accounts(NamedTuple):
    """One row a margin account: the collateral of one loan, or of all loans of a pair.

    Sorted by the first loan they secure. Values are whole numbers of the smallest money unit. The
    collateral itself is in the ledger.
    """

    lender: Ints
    borrower: Ints
    agreement: Ints
    state: npt.NDArray[np.int8]
    open_loans: Ints
    exposure: Ints
    """Market value of what is lent, `L`."""
    required: Ints
    """Collateral value that the lender must hold, `R`, rounded up."""
    upper: Ints
    """No call while the collateral value is at most this ..."""
    lower: Ints
    """... and at least this."""
    slack: npt.NDArray[np.float64]
    """`required` less its value before rounding up, at the haircut: in money of coverage."""
    value: Ints
    """Market value of the collateral, measured as the paper does (section 2.3.4)."""
    advanced: Ints
    """Tokens of the first priority that the lender issued beyond the collateral it held."""
    unmet: Ints
    """Market value of collateral that today's call did not bring."""
    unmet_days: Ints
    calls: Ints
    """Margin calls so far; likewise deliveries and returns."""
    deliveries: Ints
    returns: Ints
    returning: Ints
    """Tokens instructed to go back and not yet settled, shape (lag, accounts, tokens)."""
    reused: Ints
    """Tokens that the lender posted further along, shape (accounts, tokens), or no rows if nobody
    may."""
    by_lender: Ints
    """Accounts sorted by lender, where any may be re-used; else empty."""
    lender_start: Ints
    """Where each lender's accounts begin in `by_lender`."""
    reusable: Ints
    """Tokens that a participant may still post further today, shape (participants, tokens)."""


def new_loans(count: int, tokens: int) -> Loans:
    """Empty rows for `count` loans."""
    return Loans(
        loan_id=np.zeros(count, np.int64),
        account=np.zeros(count, np.int64),
        lent=np.zeros((count, tokens), np.int64),
        opened=np.zeros(count, np.int64),
        maturity=np.full(count, NEVER, np.int64),
        term=np.zeros(count, np.int64),
        recall_fails=np.zeros(count, np.int64),
        state=np.full(count, PENDING, np.int8),
    )


def new_accounts(
    lender: Ints,
    borrower: Ints,
    agreement: Ints,
    tokens: int,
    participants: int,
    longest_lag: int = 0,
    reuse: bool = False,
) -> Accounts:
    """Rows for margin accounts of these parties, without loans yet."""
    count = len(lender)
    by_lender = np.argsort(lender, kind="stable") if reuse else np.zeros(0, np.int64)
    starts = np.searchsorted(lender[by_lender], np.arange(participants + 1 if reuse else 0))
    return Accounts(
        lender=lender.astype(np.int64),
        borrower=borrower.astype(np.int64),
        agreement=agreement.astype(np.int64),
        state=np.full(count, ACTIVE, np.int8),
        open_loans=np.zeros(count, np.int64),
        exposure=np.zeros(count, np.int64),
        required=np.zeros(count, np.int64),
        upper=np.zeros(count, np.int64),
        lower=np.zeros(count, np.int64),
        slack=np.zeros(count, np.float64),
        value=np.zeros(count, np.int64),
        advanced=np.zeros(count, np.int64),
        unmet=np.zeros(count, np.int64),
        unmet_days=np.zeros(count, np.int64),
        calls=np.zeros(count, np.int64),
        deliveries=np.zeros(count, np.int64),
        returns=np.zeros(count, np.int64),
        returning=np.zeros((longest_lag, count, tokens), np.int64),
        reused=np.zeros((count if reuse else 0, tokens), np.int64),
        by_lender=by_lender.astype(np.int64),
        lender_start=starts.astype(np.int64),
        reusable=np.zeros((participants if reuse else 0, tokens), np.int64),
    )
