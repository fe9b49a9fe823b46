"""GARCH(1,1) with constant correlation: volatility that clusters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np
from pydantic import model_validator

from scenarios.errors import InputError
from scenarios.kept import Kept, shared
from scenarios.prices.gbm import DiffusionParameters
from scenarios.prices.history import History
from scenarios.prices.model_source import Correlation, ModelSource, PerToken
from scenarios.prices.panel import PricePanel
from scenarios.prices.paths import Array, correlated_normals, per_token
from scenarios.prices.source import Window


@dataclass(frozen=True)
class GarchParameters:
    """A GARCH(1,1) process for each token, with constant correlation of innovations.

    Attributes:
        diffusion: drift, *long-run* volatility √(ω/(1-a-b)), and correlation of innovations.
        arch: weight a of yesterday's squared shock, shape (tokens,).
        garch: weight b of yesterday's variance, shape (tokens,); a + b < 1.
        today: volatility of the first day, shape (tokens,).
    """

    diffusion: DiffusionParameters
    arch: Array
    garch: Array
    today: Array

    @property
    def omega(self) -> Array:
        """ω = σ²(1 - a - b), shape (tokens,)."""
        return np.asarray(self.diffusion.volatility**2 * (1 - self.arch - self.garch))


def garch_returns(
    params: GarchParameters, days: int, paths: int, rng: np.random.Generator
) -> Array:
    """Log-returns of GARCH(1,1) with constant correlation, shape (paths, days, tokens).

    `r = μ - σ²/2 + ε`, `ε(t) = h(t)·z(t)`, `h²(t+1) = ω + a·ε²(t) + b·h²(t)`, with z normal and
    correlated across tokens (Bollerslev 1986 and 1990, CCC). σ is the long-run volatility.
    Kurtosis is 3(1-(a+b)²)/(1-(a+b)²-2a²) where that is positive.
    """
    draws = correlated_normals(params.diffusion.correlation, days, paths, rng)
    # Days first: the recursion then works on contiguous rows, one pass a day for all paths.
    shocks = np.ascontiguousarray(draws.swapaxes(0, 1))
    variance = np.broadcast_to(params.today**2, (paths, len(params.today))).copy()
    omega = params.omega
    for day in range(days):
        shock = shocks[day]
        shock *= np.sqrt(variance)
        variance *= params.garch
        variance += omega
        variance += params.arch * shock**2
    base = params.diffusion
    shocks += base.drift - base.volatility**2 / 2
    return np.asarray(shocks.swapaxes(0, 1))


class GarchSource(ModelSource):
    """GARCH(1,1) with constant correlation (`garch_returns`), given or fitted.

    Give `volatility`, `arch` and `garch`; or a `history`, to which the parameters are then fitted
    (package arch), today's volatility included.
    """

    source: Literal["garch"] = "garch"
    drift: PerToken = 0.0
    volatility: PerToken | None = None
    """Long-run standard deviation of the daily log-return."""
    correlation: Correlation = 0.0
    arch: PerToken | None = None
    """a, the weight of yesterday's squared shock; daily stocks: 0.05 to 0.15."""
    garch: PerToken | None = None
    """b, the weight of yesterday's variance; daily stocks: 0.8 to 0.95, a + b below 1."""
    today: PerToken | None = None
    """Volatility of the first day; the long-run one by default."""
    history: History | None = None
    """Closing prices to fit the parameters to."""

    @model_validator(mode="before")
    @classmethod
    def _given_or_fitted(cls, values: object) -> object:
        if isinstance(values, dict):
            given = [name for name in ("volatility", "arch", "garch") if values.get(name) is None]
            fitted = values.get("history") is not None
            if fitted and set(values) & {"volatility", "arch", "garch", "correlation", "today"}:
                raise InputError("history: fits all parameters; leave out volatility, arch, garch")
            if given and not fitted:
                raise InputError(f"{given[0]}: missing; give it, or a history to fit it to")
        return values

    def _check_parameters(self) -> None:
        if self.history is None:
            super()._check_parameters()

    def from_anywhere(self) -> Self:
        """The same model, its first day's volatility being the long-run one."""
        return self.model_copy(update={"today": None})

    def parameters(self) -> GarchParameters:
        """The parameters as arrays over the tokens.

        Raises:
            InputError: a length or value that cannot be, or a history that cannot be fitted.
        """
        n = len(self.tokens)
        if self.history is not None:
            fitted, _ = _fitted(self.history, self.tokens)
            long_run = fitted.diffusion
            diffusion = DiffusionParameters.checked(
                n, self.drift, long_run.volatility, long_run.correlation
            )
            return replace(fitted, diffusion=diffusion)
        a = per_token(self.arch, n, "arch", low=0.0)
        b = per_token(self.garch, n, "garch", low=0.0)
        if (a + b >= 1).any():
            raise InputError(f"arch + garch: must stay below 1; got {float((a + b).max()):g}")
        base = DiffusionParameters.checked(n, self.drift, self.volatility or 0.0, self.correlation)
        today = base.volatility if self.today is None else per_token(self.today, n, "today", 0.0)
        return GarchParameters(base, a, b, today)

    def log_returns(self, days: int, paths: int, rng: np.random.Generator) -> Array:
        """Daily log-returns, shape (paths, days, tokens)."""
        given = self.history is None  # and not in a file, which may change
        params = shared(self).get("parameters", self.parameters) if given else self.parameters()
        return garch_returns(params, days, paths, rng)

    def panel(self, window: Window, rng: np.random.Generator) -> PricePanel:
        """One path on the trading days of the window, in the currency of the history unless other
        tokens' columns stand for these tokens."""
        panel = super().panel(window, rng)
        if self.history is None or self.history.columns:
            return panel
        return replace(panel, currencies=_fitted(self.history, self.tokens)[1])


_FITS = Kept(16)
"""A fit takes longer than a run: the runs of one process share it."""


def _fitted(
    history: History, tokens: tuple[str, ...]
) -> tuple[GarchParameters, tuple[str | None, ...]]:
    """The parameters that fit a history, and the currencies that it is in."""

    def fit() -> tuple[GarchParameters, tuple[str | None, ...]]:
        from scenarios.prices.calibration.garch_estimate import estimate_garch

        panel = history.panel(tokens)
        return GarchSource(**estimate_garch(panel).fields).parameters(), panel.currencies

    return _FITS.get((*history.key, tokens), fit)
