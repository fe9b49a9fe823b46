"""A stretch of recorded prices, and what the sources that draw on one have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import TypeVar

import numpy as np
import pandas as pd

from scenarios.errors import InputError
from scenarios.kept import Kept
from scenarios.prices.model_source import ModelSource, PerToken
from scenarios.prices.panel import PricePanel
from scenarios.prices.paths import Array, per_token
from scenarios.prices.price_file import PriceFile
from scenarios.prices.source import Window

Value = TypeVar("Value")


class History(PriceFile):
    """Closing prices of a file, from `start` to `end`, both included."""

    start: date | None = None
    end: date | None = None
    columns: tuple[str, ...] = ()
    """The column that stands for each token, in the order of the tokens; by default the column
    of the same name."""

    @property
    def key(self) -> tuple[object, ...]:
        """A name for these closes, which others do not have, as long as the file stays."""
        return (*self.content, self.start, self.end, self.columns, *self.conversion)

    def panel(self, tokens: tuple[str, ...]) -> PricePanel:
        """The closes, one column a token.

        Raises:
            InputError: the file cannot be read or lacks a column, `columns` does not pair with
                the tokens, or fewer than three days remain.
        """
        columns = self.columns or tokens
        if len(columns) != len(tokens):
            raise InputError(
                f"history.columns: {len(columns)} columns for {len(tokens)} tokens;"
                " name one for each"
            )
        prices = self.read(dict.fromkeys(columns))
        inside = np.ones(len(prices.dates), dtype=bool)
        if self.start is not None:
            inside &= prices.dates >= pd.Timestamp(self.start)
        if self.end is not None:
            inside &= prices.dates <= pd.Timestamp(self.end)
        if inside.sum() < 3:
            raise InputError(
                f"{prices.origin}: {inside.sum()} days from {self.start or 'its beginning'}"
                f" to {self.end or 'its end'}; a history needs 3 or more"
                f" (it has {prices.dates[0]:%Y-%m-%d} to {prices.dates[-1]:%Y-%m-%d})"
            )
        # One column may stand for several tokens.
        of = [prices.tokens.index(name) for name in columns]
        volume = None if prices.volume is None else prices.volume[inside][:, of]
        close, currencies = prices.close[inside][:, of], prices.select(columns).currencies
        return PricePanel(prices.dates[inside], tokens, close, prices.origin, currencies, volume)


def before(recorded: PricePanel, initial: Array, window: Window) -> PricePanel:
    """A record without its last close, in place of which come the first prices of a window.

    Args:
        recorded: closes up to the first day of the window.
        initial: prices of that day, shape (tokens,).
        window: whose first day it is.
    """
    close = recorded.close[:-1] / recorded.close[-1] * initial
    dates = pd.bdate_range(
        end=pd.Timestamp(window.start) - pd.Timedelta(days=1), periods=len(close)
    )
    return PricePanel(dates, recorded.tokens, close, recorded.origin)


_FOUND = Kept(64)


def log_returns_of(panel: PricePanel) -> Array:
    """Log-returns from each day to the next, shape (days - 1, tokens)."""
    return np.asarray(np.diff(np.log(panel.close), axis=0))


class HistorySource(ModelSource):
    """A source whose returns come from recorded prices."""

    history: History
    initial: PerToken | None = None  # type: ignore[assignment]
    """Prices of the first day; by default the last closes of the history."""

    def recorded(self) -> PricePanel:
        """The history's closes, one column for each token of this source; not to be changed."""
        return self._kept("recorded", lambda: self.history.panel(self.tokens))

    def recorded_returns(self) -> Array:
        """Log-returns of the history from each day to the next, shape (days - 1, tokens)."""
        return self._kept("returns", lambda: log_returns_of(self.recorded()))

    def _kept(self, what: str, make: Callable[[], Value]) -> Value:
        """What is worked out once for this history, as long as its file stays as it is."""
        return _FOUND.get((what, *self.history.key, self.tokens), make)

    def panel(self, window: Window, rng: np.random.Generator) -> PricePanel:
        """One path on the trading days of the window; every day trades what the history did on
        average, if that is known. It is in the currency of the history, unless other tokens'
        columns stand for these tokens, whose `initial` prices are then in money."""
        panel, traded = super().panel(window, rng), self.recorded().volume
        if self.initial is None or not self.history.columns:
            panel = replace(panel, currencies=self.recorded().currencies)
        if traded is None:
            return panel
        return replace(panel, volume=np.tile(traded.mean(axis=0), (len(panel.dates), 1)))

    def past(self, window: Window) -> PricePanel | None:
        """The history up to its last close, at the level at which the window begins, and on the
        weekdays before it: the record from which returns are drawn is what is known."""
        return before(self.recorded(), self._initial(), window)

    def _check_parameters(self) -> None:
        if self.initial is not None:
            per_token(self.initial, len(self.tokens), "initial", low=self.tick)

    def _initial(self) -> Array:
        if self.initial is None:
            last: Array = self.recorded().close[-1]
            return last
        return per_token(self.initial, len(self.tokens), "initial")
