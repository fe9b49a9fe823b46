"""What lenders would lose if their borrowers defaulted in the morning: after prices, before moves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.compiled import inlined
from abm.books.loan_book import Account

Floats = npt.NDArray[np.float64]

LENT, HELD, SHORT_LENT, SHORT_HELD = range(4)
"""Of loans under one agreement: what is lent, the collateral; both of those short of required."""


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
    """Nothing yet."""
    return Before(np.zeros((agreements, 4)), np.zeros(participants), np.zeros(1, np.bool_))


@inlined
def note_before(before: Before, account: Account, value: int) -> None:
    """Add an account with open loans whose collateral is worth this."""
    sums = before.by_agreement[account.agreement]
    exposure = account.exposure
    sums[LENT] += exposure
    sums[HELD] += value
    if value < account.required:
        sums[SHORT_LENT] += exposure
        sums[SHORT_HELD] += value
        if value < exposure:
            before.by_borrower[account.borrower] += exposure - value
