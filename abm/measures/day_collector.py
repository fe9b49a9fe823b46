"""Mesa's collector for a market, whose statistics of a day are made all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mesa

from abm.measures.columns import DAYS

if TYPE_CHECKING:
    from abm.model import CollateralMarket


class DayCollector(mesa.DataCollector):
    """Keeps the statistics of each day, to be had with `get_model_vars_dataframe()`.

    Mesa asks a reporter for the first of them and keeps its own books of that; the others are added
    beside it. Asking a reporter for each would take a fifth of a small market's day.
    """

    def __init__(self) -> None:
        """Make room for the columns of `abm.measures.columns.DAYS`."""
        first, *self._others = (name for name in DAYS if name not in ("day", "date"))
        super().__init__(model_reporters={first: lambda market: market.today[first]})
        for name in self._others:
            self.model_vars[name] = []

    def collect(self, model: CollateralMarket) -> None:
        """Add the day that the market has just measured."""
        super().collect(model)
        for name in self._others:
            self.model_vars[name].append(model.today[name])
