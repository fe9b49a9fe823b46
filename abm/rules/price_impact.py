"""How sales and purchases move prices."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scenarios.stress import PriceImpact

Ints = npt.NDArray[np.int64]


class MarketImpact:
    """The mark that trades leave on prices: part of it stays, the rest fades.

    One object holds it for the whole market: whoever sells to or buys from the outside market tells
    it with `trade`, as often as it likes on a day, and everybody's marks of the day move
    (`applied_to`). Selling `q` of a token lowers its logarithmic price by `b · q / depth`
    (Cifuentes, Ferrucci and Shin 2005), buying `q` raises it by as much; of that, `permanent` stays
    and the rest is multiplied by `decay` every day.
    """

    def __init__(self, rules: PriceImpact | None, tokens: tuple[str, ...]):
        """Without rules, trades move nothing. The last token is cash, which never moves."""
        self._kept = np.zeros(len(tokens))
        self._fading = np.zeros(len(tokens))
        self._rules = rules
        self._sensitivity = np.zeros(len(tokens))
        if rules is None:
            return
        depth = rules.depth
        if isinstance(depth, dict):
            depths = np.array([depth.get(token, np.inf) for token in tokens])
        else:
            depths = np.full(len(tokens), depth)
        depths[-1] = np.inf
        self._sensitivity = rules.b / depths

    def next_day(self) -> None:
        """Let the fading part fade."""
        if self._rules is not None:
            self._fading *= self._rules.decay

    def trade(self, quantities: Ints) -> None:
        """Note what is sold (positive) and bought (negative), in tokens, shape (tokens,)."""
        if self._rules is not None:
            move = self._sensitivity * quantities
            self._kept += self._rules.permanent * move
            self._fading += (1 - self._rules.permanent) * move

    def applied_to(self, prices: Ints) -> Ints:
        """Prices with the mark of all trades so far, one unit at least, shape (tokens,)."""
        if self._rules is None:
            return prices
        factor = np.exp(-(self._kept + self._fading))
        return np.maximum(np.rint(prices * factor), 1).astype(np.int64)
