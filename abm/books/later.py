"""Loans that begin after day 0, as compiled passes read them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.compiled import inlined

Ints = npt.NDArray[np.int64]


class Later(NamedTuple):
    """Loans in the order in which they begin, those of one day by their row."""

    rows: Ints
    """Among all loans."""
    start: Ints
    """Day on which each begins."""
    posted: Ints
    """What secures each by the terms of day 0 and at the true prices of its own, shape (loans,
    tokens)."""


@inlined
def begun_by(later: Later, day: int, begun: int) -> int:
    """How many loans have begun by the end of a day, if `begun` have before."""
    while begun < len(later.start) and later.start[begun] <= day:
        begun += 1
    return begun
