"""What lenders stand to lose at three moments: in the morning, after the day, and in close-outs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.before import HELD, LENT, SHORT_HELD, SHORT_LENT
from abm.books.books import Books
from abm.books.loan_book import ACTIVE
from abm.books.standing import Standing
from abm.books.tally import UNMET_CALLS

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

BASIS_POINTS = 10_000
"""A whole in basis points."""


class CloseOuts(NamedTuple):
    """Accounts in close-out, in money units at published prices; shape (accounts in close-out,)."""

    rows: Ints
    lent: Ints
    value: Ints
    """What is left of their collateral, and what the rest of it has fetched."""

    @property
    def uncollateralised(self) -> Ints:
        """What is lent above that, account by account."""
        return np.maximum(self.lent - self.value, 0)

    @property
    def gap(self) -> float:
        """What there is less what is lent, over all of them; nothing is called with a haircut."""
        return float((self.value - self.lent).sum()) if len(self.rows) else 0.0


NO_CLOSE_OUTS = CloseOuts(*np.zeros((3, 0), np.int64))


def close_outs(books: Books, prices: Ints, closing: Mapping[int, int]) -> CloseOuts:
    """Value the accounts that are being closed out.

    Args:
        books: the market.
        prices: published prices of the day, in money units, shape (tokens,).
        closing: what the collateral of each has fetched so far, by row.
    """
    if not closing:
        return NO_CLOSE_OUTS
    rows, fetched = np.array(list(closing.items()), np.int64).T
    held = books.ledger.balance[books.ledger.collateral_row + rows]
    if len(books.reused):
        held = held + books.reused[rows]
    issued = books.accounts.advanced[rows] * prices[_first(books, rows)]
    return CloseOuts(rows, books.accounts.exposure[rows], held @ prices - issued + fetched)


class Morning(NamedTuple):
    """After the day's prices and before any movement, in money units."""

    lent: float
    gap: float
    """After haircut, of the accounts that are margined; likewise `shortfall`."""
    shortfall: float
    by_borrower: Floats
    """Uncollateralised exposure to each participant, close-outs included, shape (participants,)."""

    @property
    def uncollateralised(self) -> float:
        """Uncollateralised exposure to all of them."""
        return float(self.by_borrower.sum())


def morning(books: Books, closing: CloseOuts) -> Morning:
    """What the morning came to: from what the passes have noted, and the close-outs as they stood.

    A shortfall is `L - (1-α)·C` where that is above zero. It is summed up by agreement, in whole
    numbers, so that no account's rounding is in it.
    """
    gap = shortfall = 0.0
    for t, sums in enumerate(books.before.by_agreement.tolist()):
        term = books.terms[t]
        ratio = int(term.required_denominator), int(term.required_numerator)
        gap += _after_haircut(sums[HELD], sums[LENT], ratio)
        shortfall -= _after_haircut(sums[SHORT_HELD], sums[SHORT_LENT], ratio)
    by_borrower = books.before.by_borrower.copy()
    lent = float(books.before.by_agreement[:, LENT].sum())
    if len(closing.rows):
        np.add.at(by_borrower, books.accounts.borrower[closing.rows], closing.uncollateralised)
        lent += float(closing.lent.sum())
    return Morning(lent, gap, shortfall, by_borrower)


def wrong_way_share(books: Books, by_borrower: Floats, standing: Standing) -> float:
    """Part of the morning's exposure that is to those in default or with a call that is unmet.

    Args:
        books: the market at the end of the day.
        by_borrower: uncollateralised exposure to each participant in the morning.
        standing: who is in default.
    """
    total = float(by_borrower.sum())
    if not total:
        return float("nan")
    failing = standing.default_day >= 0
    if books.totals[UNMET_CALLS]:
        accounts = books.accounts
        left = (accounts.unmet > 0) & (accounts.state == ACTIVE)
        failing[accounts.borrower[left]] = True
    return float(by_borrower[failing].sum()) / total


def basis_points(part: float, whole: float) -> float:
    """A part of a whole in basis points; not a number of nothing."""
    return BASIS_POINTS * part / whole if whole else float("nan")


def _after_haircut(held: float, lent: float, ratio: tuple[int, int]) -> float:
    """`(1-α)·C - L`, exact to the rounding of its own size; `ratio` is 1-α as a fraction."""
    return (int(held) * ratio[0] - int(lent) * ratio[1]) / ratio[1]


def _first(books: Books, rows: Ints) -> Ints:
    """Column of the first priority of some accounts."""
    return books.priority[books.accounts.agreement[rows], 0].astype(np.int64)
