"""Measures the days on which somebody had to be asked; the others are measured as they run."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books.books import Books
from abm.books.ledger import Holdings
from abm.measures.daily import WRITTEN, new_desk, write_day
from abm.measures.moments import CloseOuts
from abm.measures.statistics import longest_reuse_chain

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Recorder:
    """Writes down what the books of a market come to at the end of a day."""

    def __init__(self, books: Books, default_day: Ints, unit: float):
        """Measure a market.

        Args:
            books: the market's.
            default_day: of each participant, below 0 for none.
            unit: the smallest money unit.
        """
        self._books, self._default_day, self._unit = books, default_day, unit
        self._desk = new_desk(len(default_day), len(books.accounts), books.lent.shape[1])

    def day(
        self, prices: Ints, held: Holdings, closing_before: CloseOuts, closing: CloseOuts
    ) -> tuple[Floats, Floats]:
        """What `WRITTEN` names, shape (1, numbers), and the exposure to each participant.

        Args:
            prices: published ones in money units.
            held: what accounts hold, as `Ledger.check_conservation` has counted it.
            closing_before: what was being closed out in the morning.
            closing: what is being closed out at the end of the day.

        Returns:
            Measures in money, and the uncollateralised exposure in the morning in money units,
            shape (1, participants).
        """
        written, by_borrower = np.zeros((1, len(WRITTEN))), np.zeros((1, len(self._default_day)))
        self._desk.held[:] = held
        write_day(
            self._books,
            prices,
            self._unit,
            closing_before,
            closing,
            self._default_day,
            longest_reuse_chain(self._books),
            self._desk,
            written[0],
            by_borrower[0],
        )
        return written, by_borrower
