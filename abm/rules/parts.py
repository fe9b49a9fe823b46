"""Parts of what there is, rounded down, by the decimals that a scenario states."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scenarios.agreement import exact

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def parts_of(quantities: Ints, rates: Floats, divide: bool = False) -> Ints:
    """Quantities times their rates, rounded down: 0.7 of 90 is 63, which floats make 62.

    Args:
        quantities: shape (participants,).
        rates: of each, of which there are few different ones.
        divide: over the rates instead.
    """
    result = np.zeros_like(quantities)
    for rate in np.unique(rates).tolist():
        rows, part = rates == rate, 1 / exact(rate) if divide else exact(rate)
        # Python's integers have no end.
        wide = quantities[rows].astype(object)
        result[rows] = wide * part.numerator // part.denominator
    return result
