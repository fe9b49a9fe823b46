"""What participants have decided for themselves, as a compiled pass reads it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

BY_DEFAULT, NOTHING = -1, -2


class Answers(NamedTuple):
    """Who decides alone, and what those have decided who were asked together."""

    alone: npt.NDArray[np.bool_]
    """Whether a participant is asked for each account by itself and left out of the pass, shape
    (participants,); empty if nobody is."""
    decided: npt.NDArray[np.int64]
    """For each account `BY_DEFAULT`, `NOTHING` or the row of `chosen`; empty if nobody decided."""
    chosen: Ints
    """Tokens to move, shape (answers, tokens)."""


def nobody(tokens: int) -> Answers:
    """Nobody decides for itself."""
    return Answers(np.zeros(0, np.bool_), np.zeros(0, np.int64), np.zeros((0, tokens), np.int64))
