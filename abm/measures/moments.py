"""What lenders stand to lose at three moments: in the morning, after the day, and in close-outs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.books import Books

Ints = npt.NDArray[np.int64]

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
    rows, fetched = np.array([*closing], np.int64), np.array([*closing.values()], np.int64)
    held = books.ledger.balance[books.ledger.collateral_row + rows]
    if len(books.reused):
        held = held + books.reused[rows]
    issued = books.accounts.advanced[rows] * prices[_first(books, rows)]
    return CloseOuts(rows, books.accounts.exposure[rows], held @ prices - issued + fetched)


def _first(books: Books, rows: Ints) -> Ints:
    """Column of the first priority of some accounts."""
    return books.priority[books.accounts.agreement[rows], 0].astype(np.int64)
