"""Mesa's collector for a market, whose statistics of a day are made all at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Protocol

import mesa

from abm.measures.measure import Measure


class Measured(Protocol):
    """A market that has just measured a day."""

    today: Mapping[str, float]
    """Its measures by name."""


class DayCollector(mesa.DataCollector):
    """Keeps the statistics of each day, to be had with `get_model_vars_dataframe()`.

    Mesa asks a reporter for the first of them and keeps its own books of that; the others are added
    beside it. Asking a reporter for each would take a fifth of a small market's day.
    """

    def __init__(self, measures: Iterable[Measure]) -> None:
        """Make room for some measures."""
        first, *self._others = (measure.name for measure in measures)
        super().__init__(model_reporters={first: partial(_today, first)})
        for name in self._others:
            self.model_vars[name] = []

    def collect(self, model: Measured) -> None:
        """Add the day that the market has just measured."""
        super().collect(model)
        for name in self._others:
            self.model_vars[name].append(model.today[name])


def _today(name: str, market: Measured) -> float:
    """What a market has just measured."""
    return market.today[name]
