"""History re-drawn: block bootstrap of the rows of daily returns."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from scenarios.extras import require
from scenarios.prices.history import HistorySource
from scenarios.prices.paths import Array

Method = Literal["stationary", "circular"]


def bootstrap_rows(
    sample: int, days: int, paths: int, block: float, method: Method, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Which row of a sample each day takes, shape (paths, days).

    `stationary`: blocks of geometric length with mean `block`, p = 1/block (Politis and Romano
    1994); `circular`: blocks of exactly `block` rows (Politis and Romano 1992). Both start at any
    row with equal chance and wrap from the last row to the first. A block of 1 is the iid
    bootstrap.

    Args:
        sample: number of rows to draw from.
        days, paths: size of what is drawn.
        block: (mean) length of a block in days, 1 or more.
        method: see above; `circular` rounds `block` to a whole number.
        rng: source of the draws.
    """
    day = np.arange(days)
    if method == "circular":
        begins = np.broadcast_to(day % max(round(block), 1) == 0, (paths, days))
    else:
        begins = rng.random((paths, days)) < 1 / block
    latest = np.maximum.accumulate(np.where(begins, day, 0), axis=1)
    firsts = rng.integers(sample, size=(paths, days))
    rows = np.take_along_axis(firsts, latest, axis=1)
    rows += day - latest
    rows %= sample
    return np.asarray(rows, dtype=np.intp)


def block_length(returns: Array, method: Method) -> float:
    """Block length that the data ask for (Politis and White 2004, corrected 2009), in days.

    The longest that any token asks for, of its returns and of their squares: margin calls depend
    on how long volatility lasts, of which returns alone show little.

    Args:
        returns: log-returns, shape (days, tokens).
        method: the bootstrap it is for.

    Raises:
        InputError: the package arch is not installed.
    """
    require("arch", "prices", "prices.block: give a length in days; choosing it from the data")
    from arch.bootstrap import optimal_block_length

    moving = returns[:, np.ptp(returns, axis=0) > 0]
    if not moving.size:
        return 1.0
    lengths = optimal_block_length(np.hstack([moving, moving**2]))[method]
    return float(np.clip(np.nanmax(lengths), 1.0, len(returns)))


class BootstrapSource(HistorySource):
    """Returns of a history, re-drawn in blocks (`bootstrap_rows`).

    Whole days are drawn, so tokens keep their correlation of the same day.
    """

    source: Literal["bootstrap"] = "bootstrap"
    method: Method = "stationary"
    block: float | None = Field(default=None, ge=1)
    """(Mean) length of a block in days; chosen by the data if not given (package arch)."""

    def log_returns(self, days: int, paths: int, rng: np.random.Generator) -> Array:
        """Daily log-returns, shape (paths, days, tokens), every row of which is in the history.

        Raises:
            InputError: the history cannot be used, or `block` is not given and arch not installed.
        """
        returns, block = self.recorded_returns(), self.block
        if block is None:
            block = self._kept(self.method, lambda: block_length(returns, self.method))
        return np.asarray(
            returns[bootstrap_rows(len(returns), days, paths, block, self.method, rng)]
        )
