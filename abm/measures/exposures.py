"""What is kept of each day about each borrower: the exposure to it that nothing covers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LEVEL = 0.975
"""Of the quantile that is told beside the mean: that of Basel's potential future exposure."""


class Exposures:
    """Uncollateralised exposure to each participant in the morning of each day.

    Kept as what is not zero: on most days most borrowers are covered.
    """

    def __init__(self, participants: int) -> None:
        """Nothing yet, for so many participants."""
        self.participants = participants
        self._days: list[tuple[int, Ints, Floats]] = []

    def add(self, first: int, by_borrower: Floats) -> None:
        """Keep days in a row from the first of them on.

        Args:
            first: the day.
            by_borrower: exposures in money, shape (days, participants).
        """
        days, rows = np.nonzero(by_borrower)
        values = by_borrower[days, rows]
        ends = np.searchsorted(days, np.arange(len(by_borrower) + 1)).tolist()
        for number, (begin, end) in enumerate(pairwise(ends)):
            self._days.append((first + number, rows[begin:end], values[begin:end]))

    def mean(self) -> Floats:
        """Mean over the days so far, shape (participants,): the expected exposure."""
        total = np.zeros(self.participants)
        for _, rows, values in self._days:
            total[rows] += values
        return total / max(len(self._days), 1)

    def quantile(self, level: float = LEVEL) -> Floats:
        """Quantile over the days so far, shape (participants,); interpolated as numpy does."""
        number = len(self._days)
        found = np.zeros(self.participants)
        rows = np.concatenate([np.zeros(0, np.int64), *(rows for _, rows, _ in self._days)])
        if not len(rows):
            return found
        values = np.concatenate([values for _, _, values in self._days])
        order = np.argsort(rows, kind="stable")
        rows, starts = np.unique(rows[order], return_index=True)
        for row, some in zip(rows, np.split(values[order], starts[1:]), strict=True):
            zeros = np.zeros(number - len(some))
            found[row] = np.quantile(np.concatenate([zeros, some]), level)
        return found

    def frame(self, names: Sequence[str], chosen: Sequence[int]) -> pd.DataFrame:
        """One row a day and chosen participant, these given by their rows."""
        rows = np.asarray(chosen, np.int64)
        days, values = [day for day, _, _ in self._days], np.zeros((len(self._days), len(rows)))
        full = np.zeros(self.participants)
        for line, (_, there, some) in zip(values, self._days, strict=True):
            full[there] = some
            line[:] = full[rows]
            full[there] = 0
        who = np.array(names, dtype=object)[rows]
        return pd.DataFrame(
            {
                "day": np.repeat(np.array(days, np.int64), len(rows)),
                "participant": np.tile(who, len(days)),
                "uncollateralised_before": values.ravel(),
            }
        )
