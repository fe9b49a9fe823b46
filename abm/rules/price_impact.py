"""How sales and purchases move prices."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scenarios.prices.panel import LARGEST_PRICE
from scenarios.stress import AnyImpact

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

POWER = {"exponential": 1, "square-root": 2}
"""By the kind of impact the power of its mark that is proportional to what is sold."""


class MarketImpact:
    """The mark that trades leave on prices: part of it stays, the rest fades.

    One object holds it for the whole market: whoever sells to or buys from the outside market tells
    it with `trade`, as often as it likes on a day, and everybody's marks of the day move
    (`applied_to`).

    The mark is a function of what has been sold, net of what was bought, and not of the parts in
    which it was. The logarithmic price is lower by `x` (exponential: Cifuentes, Ferrucci and Shin
    2005) or by `sqrt(x)` (square-root law: Tóth et al. 2011), where `x` adds up what was sold times
    the sensitivity of its day; below zero, higher by as much. Two such sums are kept: one for ever,
    with the weight that makes the mark of a sale `permanent` of the whole; the other with the
    weight of the rest, and losing every day as much as makes its mark `decay` of the day before.
    """

    def __init__(self, rules: AnyImpact | None, sensitivity: Floats):
        """Without rules, trades move nothing.

        Args:
            rules: of the impact.
            sensitivity: of each token, a row a day, or one for all: `b / depth`, or `Y² σ² / V`;
                0 for cash, which never moves.
        """
        self._kept = np.zeros(sensitivity.shape[1])
        self._fading = np.zeros(sensitivity.shape[1])
        self._rules, self._sensitivity, self._day = rules, sensitivity, 0
        self._factor: Floats | None = None
        """What the mark makes of a price; asked for much more often than it changes."""
        if rules is not None:
            self._power = POWER[rules.kind]
            self._stays = rules.permanent**self._power
            self._fades = (1 - rules.permanent) ** self._power
            self._decay = rules.decay**self._power

    def next_day(self) -> None:
        """Let the fading part fade."""
        if self._rules is not None:
            self._day = min(self._day + 1, len(self._sensitivity) - 1)
            self._fading *= self._decay
            self._factor = None

    @property
    def has_moved(self) -> bool:
        """Whether prices bear the mark of any trade."""
        return bool(self._kept.any() or self._fading.any())

    def trade(self, quantities: Ints) -> None:
        """Note what is sold (positive) and bought (negative), in tokens, shape (tokens,)."""
        if self._rules is not None:
            move = self._sensitivity[self._day] * quantities
            self._kept += self._stays * move
            self._fading += self._fades * move
            self._factor = None

    def applied_to(self, prices: Ints) -> Ints:
        """Prices with the mark of all trades so far, shape (tokens,).

        One unit at least, and never so large that a float could not hold them.
        """
        if self._rules is None:
            return prices
        if self._factor is None:
            self._factor = self._factor_today()
        moved = np.rint(np.minimum(prices * self._factor, LARGEST_PRICE - 1))
        return np.maximum(moved, 1).astype(np.int64)

    def _factor_today(self) -> Floats:
        if self._power == 1:
            mark = self._kept + self._fading
        else:
            mark = _root(self._kept) + _root(self._fading)
        return np.asarray(np.exp(-np.maximum(mark, -700.0)))


def _root(x: Floats) -> Floats:
    return np.asarray(np.sign(x) * np.sqrt(np.abs(x)))
