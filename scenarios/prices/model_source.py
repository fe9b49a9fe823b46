"""What the price models have in common as sources of a scenario."""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from scenarios.errors import InputError
from scenarios.prices.panel import PricePanel
from scenarios.prices.paths import Array, per_token, price_paths
from scenarios.prices.source import PriceSource, Window
from scenarios.prices.trading_days import WEEKDAYS, trading_days

PerToken = float | tuple[float, ...]
"""One number for all tokens, or one for each."""

Correlation = float | tuple[tuple[float, ...], ...]
"""One number for all pairs of tokens, or a matrix row by row."""


class ModelSource(PriceSource):
    """Prices drawn from a model of daily log-returns; one trading day is the unit of time.

    A subclass adds its parameters and `log_returns`.
    """

    tokens: tuple[str, ...] = Field(min_length=1)
    initial: PerToken
    """Prices of the first day, in money."""
    tick: float = Field(default=0.01, gt=0)
    """Smallest price step, in money."""
    exchange: str = WEEKDAYS
    """`weekdays`, or the code of an exchange whose trading days to follow (XTKS, XNYS)."""

    @abstractmethod
    def log_returns(self, days: int, paths: int, rng: np.random.Generator) -> Array:
        """Daily log-returns, shape (paths, days, tokens).

        Raises:
            InputError: a parameter has the wrong length or an impossible value.
        """

    @model_validator(mode="after")
    def _parameters_fit_together(self) -> ModelSource:
        if len(set(self.tokens)) < len(self.tokens):
            raise InputError(f"tokens: {', '.join(self.tokens)}: each name may appear once")
        self._check_parameters()
        return self

    def _check_parameters(self) -> None:
        """Refuse what cannot be drawn from. Reads no file: a scenario is checked before it runs."""
        per_token(self.initial, len(self.tokens), "initial", low=self.tick)
        self.log_returns(0, 0, np.random.default_rng(0))

    def from_anywhere(self) -> Self:
        """The same model without memory of a particular first day: where time series begin."""
        return self

    def _initial(self) -> Array:
        return per_token(self.initial, len(self.tokens), "initial")

    def paths(self, days: int, paths: int, rng: np.random.Generator) -> Array:
        """Prices, shape (paths, days, tokens); the first day's are `initial`."""
        returns = self.log_returns(days - 1, paths, rng)
        return price_paths(self._initial(), returns, self.tick)

    def panel(self, window: Window, rng: np.random.Generator) -> PricePanel:
        """One path on the trading days of the window."""
        days = trading_days(window, self.exchange)
        close = self.paths(len(days), 1, rng)[0]
        origin = f"prices.source {getattr(self, 'source', type(self).__name__)}"
        if not np.isfinite(close).all():
            raise InputError(f"{origin}: prices grow without bound; lower volatility or drift")
        return PricePanel(days, self.tokens, close, origin)
