"""Prices from a file, used as they are."""

from __future__ import annotations

from typing import Literal

import numpy as np

from scenarios.prices.calendars import on_calendar
from scenarios.prices.panel import PricePanel
from scenarios.prices.price_file import PriceFile
from scenarios.prices.source import PriceSource, Window


class FileSource(PriceFile, PriceSource):
    """Closing prices read from a CSV or Parquet file, wide or tidy (`read_prices`)."""

    source: Literal["file"] = "file"
    tokens: tuple[str, ...] = ()
    """The columns to use, in this order; every column of the file but those of exchange
    rates by default."""

    @property
    def is_one_history(self) -> bool:
        """Prices as they were."""
        return True

    def panel(self, window: Window, rng: np.random.Generator) -> PricePanel:
        """All days of the file, for the tokens asked for.

        Raises:
            InputError: the file cannot be read, lacks a token, or does not cover the window.
        """
        prices = self.read(self.tokens)
        on_calendar(prices, window.start, window.end, window.calendar)
        return prices
