"""Correlated geometric Brownian motion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from scenarios.prices.model_source import Correlation, ModelSource, PerToken
from scenarios.prices.paths import Array, correlated_normals, correlation_matrix, per_token


@dataclass(frozen=True)
class DiffusionParameters:
    """Drift and covariance of daily returns.

    Attributes:
        drift: expected growth a day, shape (tokens,): E[P(t+1)] = P(t)·exp(drift).
        volatility: standard deviation of the daily log-return, shape (tokens,).
        correlation: of same-day log-returns, shape (tokens, tokens).
    """

    drift: Array
    volatility: Array
    correlation: Array

    @classmethod
    def checked(
        cls,
        tokens: int,
        drift: npt.ArrayLike,
        volatility: npt.ArrayLike,
        correlation: npt.ArrayLike,
        where: str = "",
    ) -> DiffusionParameters:
        """Spread single numbers over the tokens and check the rest.

        Raises:
            InputError: naming `where` and the field.
        """
        return cls(
            per_token(drift, tokens, f"{where}drift"),
            per_token(volatility, tokens, f"{where}volatility", low=0.0),
            correlation_matrix(correlation, tokens, f"{where}correlation"),
        )


def gbm_returns(
    params: DiffusionParameters, days: int, paths: int, rng: np.random.Generator
) -> Array:
    """Log-returns of geometric Brownian motion, shape (paths, days, tokens).

    `r = μ - σ²/2 + σ·z` with z standard normal, correlated across tokens and independent over
    days (Black and Scholes 1973; Hull, *Options, Futures, and Other Derivatives*, ch. 14).
    """
    returns = correlated_normals(params.correlation, days, paths, rng)
    returns *= params.volatility
    returns += params.drift - params.volatility**2 / 2
    return returns


class DiffusionSource(ModelSource):
    """A model with a drift, a volatility and a correlation of daily returns."""

    drift: PerToken = 0.0
    """Expected growth a trading day; 0 for a fair game."""
    volatility: PerToken
    """Standard deviation of the log-return of one trading day."""
    correlation: Correlation = 0.0
    """Of same-day log-returns: one number for all pairs, or a matrix."""

    def diffusion(self) -> DiffusionParameters:
        """The parameters as arrays over the tokens."""
        return DiffusionParameters.checked(
            len(self.tokens), self.drift, self.volatility, self.correlation
        )


class GbmSource(DiffusionSource):
    """Correlated geometric Brownian motion (`gbm_returns`)."""

    source: Literal["gbm"] = "gbm"

    def log_returns(self, days: int, paths: int, rng: np.random.Generator) -> Array:
        """Daily log-returns, shape (paths, days, tokens)."""
        return gbm_returns(self.diffusion(), days, paths, rng)
