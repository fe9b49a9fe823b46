"""Rows of a table, found by what one of its columns holds."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


class Rows:
    """Rows of a table by the value of one of its columns; sorted on first use."""

    def __init__(self, column: Ints, values: int):
        """Index a column that holds values from 0 to `values` - 1."""
        self._column, self._values = column, values

    @cached_property
    def _index(self) -> tuple[Ints, Ints]:
        order = np.argsort(self._column, kind="stable")
        return order, np.searchsorted(self._column[order], np.arange(self._values + 1))

    def rows(self, value: int) -> Ints:
        """Rows in which the column has this value, in order, shape (rows,)."""
        order, start = self._index
        return order[start[value] : start[value + 1]]
