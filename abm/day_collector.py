"""Mesa's collector for a market, whose statistics of a day are made all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mesa

from abm.columns import DAYS

if TYPE_CHECKING:
    from abm.model import CollateralMarket


class DayCollector(mesa.DataCollector):
    """Keeps the statistics of each day, to be had with `get_model_vars_dataframe()`.

    Asking a reporter for each of them, as Mesa does, would cost a fifth of a small market's day.
    """

    def __init__(self) -> None:
        """Make room for the columns of `abm.columns.DAYS`."""
        super().__init__()
        self.model_vars: dict[str, list[float]] = {
            name: [] for name in DAYS if name not in ("day", "date")
        }

    def collect(self, model: CollateralMarket) -> None:
        """Add the day that the market has just measured."""
        for name, kept in self.model_vars.items():
            kept.append(model.today[name])
