"""Tails and concentration: what `abm.measures` compiles, and `analysis` calls as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

TAIL = 0.025
"""Part of the outcomes over which expected shortfall is the mean (Basel III's 97.5 % level)."""


def tail_mean(largest: Floats, number: float) -> float:
    """Expected shortfall of a sample: the mean of its `number` largest losses.

    `number`, the tail's part of the sample, need not be whole: the smallest of them counts with
    its fraction, which makes it a coherent measure of risk (Acerbi and Tasche 2002, definition
    2.6).

    Args:
        largest: the ceil(number) largest losses, in any order; at least one.
        number: above 0.
    """
    total, least = 0.0, largest[0]
    for loss in largest:
        total += loss
        least = min(least, loss)
    return float((total - (len(largest) - number) * least) / number)


def concentration(values: npt.NDArray[Any]) -> float:
    """Herfindahl-Hirschman index: the sum of squared shares; 0 where there is nothing.

    Args:
        values: amounts, shape (n,), none below 0.
    """
    total, squares = 0.0, 0.0
    for value in values:
        total += value
        squares += value * value
    return squares / (total * total) if total > 0 else 0.0
