"""How what loans earn and cost reaches balance sheets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books.sheet import EARNED, Sheet
from abm.day.day import Setting

Ints = npt.NDArray[np.int64]


class Payments:
    """Pays in cash outside the ledger what `[fees]` counts, a morning later."""

    def __init__(self, market: Setting, sheet: Sheet):
        """Nothing paid yet."""
        self._market, self._sheet = market, sheet
        self._paid = np.zeros_like(sheet.debt)

    def pay(self) -> None:
        """Pay what has been earned and is owed since the last time, each participant one sum.

        Who cannot pay from cash outside, credit and wallet is advanced the rest, as debt; whoever
        is in default all of it.
        """
        market, sheet = self._market, self._sheet
        if market.earnings is None:
            return
        sums: Ints = market.earnings.by_participant - self._paid
        self._paid += sums
        ledger, number = market.books.ledger, len(sums)
        owed = np.maximum(-sums, 0)
        able = np.where(market.standing.default_day < 0, owed, 0)
        there = np.minimum(able, np.maximum(ledger.capacity[:number, -1], 0))
        wallet = np.minimum(able - there, ledger.balance[:number, -1])
        ledger.capacity[:number, -1] += np.maximum(sums, 0) - there
        ledger.balance[:number, -1] -= wallet
        ledger.burned[-1] += wallet.sum()
        sheet.debt[:] += owed - there - wallet
        sheet.flows[:, EARNED] += sums
