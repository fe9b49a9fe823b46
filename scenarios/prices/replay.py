"""A stretch of history, happening again to today's prices."""

from __future__ import annotations

from typing import Literal

import numpy as np

from scenarios.errors import InputError
from scenarios.prices.history import HistorySource, before, log_returns_of
from scenarios.prices.panel import PricePanel
from scenarios.prices.paths import Array
from scenarios.prices.source import Window


class ReplaySource(HistorySource):
    """The daily returns of a history in their order, applied to `initial` prices.

    The first return is taken on the second trading day. Nothing is drawn at random: every path is
    the same. `history.columns` lets an old crisis strike tokens that did not exist then.
    """

    source: Literal["replay"] = "replay"

    @property
    def is_one_history(self) -> bool:
        """Prices as they were."""
        return True

    def past(self, window: Window) -> PricePanel | None:
        """What the file has before the first close of the history, at today's level."""
        first = self.recorded().dates[0]
        whole = self.history.model_copy(update={"start": None, "end": first.date()})
        if whole.read().dates.searchsorted(first) < 2:
            return None
        return before(whole.panel(self.tokens), self._initial(), window)

    def log_returns(self, days: int, paths: int, rng: np.random.Generator) -> Array:
        """The history's first `days` log-returns, shape (paths, days, tokens), for every path.

        Raises:
            InputError: the history cannot be used or is shorter than the window.
        """
        recorded = self.recorded()
        returns = log_returns_of(recorded)
        if days > len(returns):
            raise InputError(
                f"{recorded.origin}: {len(returns)} daily returns from"
                f" {recorded.dates[0]:%Y-%m-%d} to {recorded.dates[-1]:%Y-%m-%d};"
                f" the window has {days}: shorten it or choose a longer history"
            )
        return np.broadcast_to(returns[:days], (paths, days, len(self.tokens)))
