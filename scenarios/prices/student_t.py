"""Multivariate Student-t returns: fat tails that strike all tokens on the same day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from scenarios.prices.gbm import DiffusionParameters, DiffusionSource
from scenarios.prices.paths import Array, correlated_normals


@dataclass(frozen=True)
class StudentTParameters:
    """A diffusion's parameters and the degrees of freedom ν > 2 of its tails."""

    diffusion: DiffusionParameters
    degrees_of_freedom: float


def student_t_returns(
    params: StudentTParameters, days: int, paths: int, rng: np.random.Generator
) -> Array:
    """Log-returns with multivariate Student-t innovations, shape (paths, days, tokens).

    `r = μ - σ²/2 + σ·z·√((ν-2)/χ²)` with one χ² draw of ν degrees of freedom a day: a t variable
    rescaled by √((ν-2)/ν), so that σ is the standard deviation whatever ν. Kurtosis is
    3(ν-2)/(ν-4) for ν > 4 (McNeil, Frey and Embrechts, *Quantitative Risk Management*, ch. 6).

    The term -σ²/2 is kept from the normal case. The exact mean of exp(r) does not exist under
    t tails, so `drift` is the mean log-return plus σ²/2 and not the growth of the mean price.
    """
    nu, base = params.degrees_of_freedom, params.diffusion
    returns = correlated_normals(base.correlation, days, paths, rng)
    returns *= np.sqrt((nu - 2) / rng.chisquare(nu, (paths, days, 1)))
    returns *= base.volatility
    returns += base.drift - base.volatility**2 / 2
    return returns


class StudentTSource(DiffusionSource):
    """Multivariate Student-t returns (`student_t_returns`)."""

    source: Literal["student_t"] = "student_t"
    degrees_of_freedom: float = Field(gt=2)
    """ν, shared by all tokens; above 2, so that a volatility exists. Daily stocks: 3 to 6."""

    def log_returns(self, days: int, paths: int, rng: np.random.Generator) -> Array:
        """Daily log-returns, shape (paths, days, tokens)."""
        params = StudentTParameters(self.diffusion(), self.degrees_of_freedom)
        return student_t_returns(params, days, paths, rng)
