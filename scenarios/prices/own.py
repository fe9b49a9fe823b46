"""Prices from a function of the user's own."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from scenarios.errors import InputError
from scenarios.own import Own, load
from scenarios.prices.panel import PricePanel
from scenarios.prices.source import PriceSource, Window
from scenarios.prices.trading_days import WEEKDAYS, trading_days


class OwnSource(PriceSource):
    """Prices that a function of the user's own draws or reads.

    It is called with `days` (trading days, a `DatetimeIndex`), `tokens` (their names), `rng` (the
    only source of randomness that it may use) and the `parameters`, and gives prices in money:
    an array of shape (days, tokens), or a DataFrame with a column a token.
    """

    source: Literal["own"] = "own"
    use: str
    """The function, as `module:name`."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Handed over by name."""
    exchange: str = WEEKDAYS
    """`weekdays`, or the code of an exchange whose trading days to follow (XTKS, XNYS)."""

    def panel(self, window: Window, rng: np.random.Generator) -> PricePanel:
        """A panel of what the function gives for the trading days of the window."""
        days = trading_days(window, self.exchange)
        own = Own(use=self.use, parameters=self.parameters)
        given = own.call(
            load(self.use, "prices.use"), "prices", days=days, tokens=self.tokens, rng=rng
        )
        if isinstance(given, pd.DataFrame):
            given = self._columns(given, days)
        try:
            close = np.asarray(given, np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"prices: {self.use} gave no array of prices ({error})") from None
        shape = (len(days), len(self.tokens))
        if close.shape != shape:
            raise InputError(
                f"prices: {self.use} gave an array of shape {close.shape}; expected {shape}"
            )
        if not (np.isfinite(close) & (close > 0)).all():
            raise InputError(f"prices: {self.use} gave a price that is not above zero")
        return PricePanel(days, self.tokens, close, self.use)

    def _columns(self, given: pd.DataFrame, days: pd.DatetimeIndex) -> pd.DataFrame:
        """The tokens' columns of a table.

        Raises:
            InputError: one is missing, or the rows are of other days.
        """
        missing = [token for token in self.tokens if token not in given.columns]
        if missing:
            raise InputError(f"prices: {self.use} gave no column {', '.join(missing)}")
        if isinstance(given.index, pd.DatetimeIndex) and not given.index.equals(days):
            raise InputError(f"prices: {self.use} gave prices of other days than those asked for")
        return given[list(self.tokens)]
