"""Merton's jump diffusion, with jumps common to all tokens or each token's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from scenarios.errors import InputError
from scenarios.prices.gbm import DiffusionParameters, DiffusionSource, gbm_returns
from scenarios.prices.model_source import PerToken
from scenarios.prices.paths import Array, per_token


@dataclass(frozen=True)
class MertonParameters:
    """A diffusion and the jumps on top of it.

    Attributes:
        diffusion: drift, volatility and correlation of the continuous part.
        intensity: expected jumps a day, shape (tokens,); with common jumps all the same.
        jump_mean: mean of the jump of the log-price, shape (tokens,).
        jump_volatility: its standard deviation, shape (tokens,).
        common: jumps arrive at all tokens at once and share one normal draw for their size.
    """

    diffusion: DiffusionParameters
    intensity: Array
    jump_mean: Array
    jump_volatility: Array
    common: bool


def merton_returns(
    params: MertonParameters, days: int, paths: int, rng: np.random.Generator
) -> Array:
    """Log-returns of Merton's jump diffusion, shape (paths, days, tokens).

    `r = μ - σ²/2 - λk + σ·z + Σ J`, with Poisson(λ) jumps J ~ N(m, s²) a day and
    `k = exp(m + s²/2) - 1`, so that prices still grow by exp(μ) on average (Merton 1976).
    Variance is σ² + λ(m² + s²).
    """
    tokens = len(params.diffusion.volatility)
    mean, spread = params.jump_mean, params.jump_volatility
    returns = gbm_returns(params.diffusion, days, paths, rng)
    # The sum of n normal jumps is one normal draw with mean n·m and deviation √n·s.
    if params.common:
        jumps = rng.poisson(params.intensity[0], (paths, days, 1))
    else:
        jumps = rng.poisson(params.intensity, (paths, days, tokens))
    sizes = rng.standard_normal(jumps.shape)
    sizes *= np.sqrt(jumps)
    returns += jumps * mean + sizes * spread
    returns -= params.intensity * np.expm1(mean + spread**2 / 2)
    return returns


class MertonSource(DiffusionSource):
    """Merton's jump diffusion (`merton_returns`).

    `volatility` and `correlation` are those of the continuous part; jumps come on top.
    """

    source: Literal["merton"] = "merton"
    intensity: PerToken
    """Expected jumps a trading day: 0.02 is about five a year."""
    jump_mean: PerToken = 0.0
    """Mean jump of the log-price: -0.05 is about minus 5 %."""
    jump_volatility: PerToken = 0.0
    """Standard deviation of the jump of the log-price."""
    jumps: Literal["common", "own"] = "common"
    """Whether a jump strikes all tokens on the same day, or each for itself."""

    def parameters(self) -> MertonParameters:
        """The parameters as arrays over the tokens.

        Raises:
            InputError: a length or value that cannot be, or common jumps at unequal intensities.
        """
        n = len(self.tokens)
        intensity = per_token(self.intensity, n, "intensity", low=0.0)
        if self.jumps == "common" and np.ptp(intensity) > 0:
            raise InputError("intensity: common jumps have one; give one number, or jumps = 'own'")
        return MertonParameters(
            self.diffusion(),
            intensity,
            per_token(self.jump_mean, n, "jump_mean"),
            per_token(self.jump_volatility, n, "jump_volatility", low=0.0),
            self.jumps == "common",
        )

    def log_returns(self, days: int, paths: int, rng: np.random.Generator) -> Array:
        """Daily log-returns, shape (paths, days, tokens)."""
        return merton_returns(self.parameters(), days, paths, rng)
