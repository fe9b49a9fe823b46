"""What every source of prices has in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import numpy as np

from scenarios.assets import AssetClass
from scenarios.prices.calendars import Calendar
from scenarios.prices.panel import PricePanel
from scenarios.table import Table


@dataclass(frozen=True)
class Window:
    """The days that a simulation wants: from `start` to the day before `end`."""

    start: date
    end: date
    calendar: Calendar = "causal"


class PriceSource(Table):
    """The `[prices]` table of a scenario; one subclass a source, told apart by `source`.

    A new source is one file with one subclass, listed in `scenarios.prices.SOURCES`.
    """

    tokens: tuple[str, ...]
    """The tokens that get a price, in this order."""

    def model_post_init(self, context: Any, /) -> None:
        """Count `source` as given: a dump of what was set must say which source it is."""
        self.model_fields_set.add("source")

    @property
    def is_one_history(self) -> bool:
        """Whether every path is the same: prices as they were, nothing drawn."""
        return False

    @abstractmethod
    def panel(self, window: Window, rng: np.random.Generator) -> PricePanel:
        """A panel of `tokens` that covers the window.

        Sources that draw at random use `rng` alone, so that the same seed gives the same prices
        whatever else a scenario draws. Nothing is fetched from a network here.

        Raises:
            InputError: the source cannot serve this window or these tokens.
        """

    def past(self, window: Window) -> PricePanel | None:
        """Closes of `tokens` before those that `panel` has, the last of them on the session before;
        None if there are none. Rules that look back know them; nothing is drawn at random.

        Raises:
            InputError: they cannot be read.
        """
        return None

    def with_classes(self, assets: Mapping[str, AssetClass], cash: str) -> Self:
        """The source as it is in a scenario with these classes of assets and this cash token.

        Raises:
            ValueError: it draws prices from the classes, and cannot from these.
        """
        return self
