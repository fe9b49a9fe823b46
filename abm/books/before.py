"""What lenders stand to lose in the morning: after the day's prices and before any movement."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.compiled import compiled, inlined
from abm.books.loan_book import Account

Floats = npt.NDArray[np.float64]

LENT, HELD, SHORT_LENT, SHORT_HELD = range(4)
"""Of loans under one agreement: what is lent, what the collateral counts for; both of those short
of what is required."""


class Before(NamedTuple):
    """Sums over the accounts that are margined, at the day's prices and before any movement.

    In money units. Whole numbers, so that their sums are the same in any order up to 2^53 units.
    """

    by_agreement: Floats
    """Shape (agreements, 4): `LENT`, `HELD`, `SHORT_LENT`, `SHORT_HELD`."""
    by_borrower: Floats
    """What each borrower's loans are worth above their collateral, shape (participants,)."""
    taken: npt.NDArray[np.bool_]
    """Whether the day's have been taken already, shape (1,)."""


def new_before(agreements: int, participants: int) -> Before:
    """Room for a day's, of which nothing is known yet."""
    return Before(np.zeros((agreements, 4)), np.zeros(participants), np.zeros(1, np.bool_))


@compiled
def begin_day(before: Before) -> None:
    """Forget the day before."""
    before.by_agreement[:] = 0
    before.by_borrower[:] = 0
    before.taken[0] = False


@inlined
def note_before(before: Before, account: Account, value: int, counts: int) -> None:
    """Add an account with open loans, by what its collateral is worth and what it counts for.

    Nothing is added if the day is taken.
    """
    if before.taken[0]:
        return
    sums = before.by_agreement[account.agreement]
    exposure = account.exposure
    sums[LENT] += exposure
    sums[HELD] += counts
    if counts < account.required:
        sums[SHORT_LENT] += exposure
        sums[SHORT_HELD] += counts
    if value < exposure:
        before.by_borrower[account.borrower] += exposure - value
