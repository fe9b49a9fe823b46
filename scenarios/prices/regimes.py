"""Two-state regime switching: calm and turbulent markets that last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from scenarios.prices.gbm import DiffusionParameters
from scenarios.prices.model_source import Correlation, ModelSource, PerToken
from scenarios.prices.paths import Array, factor
from scenarios.table import Table


@dataclass(frozen=True)
class RegimeParameters:
    """Two diffusions and the chances of changing between them.

    Attributes:
        calm, turbulent: drift, volatility and correlation while in the state.
        leave_calm, leave_turbulent: chance of changing state from one day to the next.
        start: first day's state; `stationary` draws it from the long-run distribution.
    """

    calm: DiffusionParameters
    turbulent: DiffusionParameters
    leave_calm: float
    leave_turbulent: float
    start: Literal["calm", "turbulent", "stationary"] = "stationary"

    @property
    def turbulent_share(self) -> float:
        """Long-run share of turbulent days, π = p/(p + q)."""
        return self.leave_calm / (self.leave_calm + self.leave_turbulent)


def regime_states(
    params: RegimeParameters, days: int, paths: int, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Which days are turbulent, shape (paths, days): a two-state Markov chain."""
    draws = rng.random((days, paths))
    states = np.empty((days, paths), dtype=bool)
    if not days:
        return states.T
    share = {"calm": 0.0, "turbulent": 1.0}.get(params.start, params.turbulent_share)
    states[0] = draws[0] < share
    for day in range(1, days):
        leave = np.where(states[day - 1], params.leave_turbulent, params.leave_calm)
        states[day] = states[day - 1] ^ (draws[day] < leave)
    return states.T


def regime_returns(
    params: RegimeParameters, days: int, paths: int, rng: np.random.Generator
) -> Array:
    """Log-returns under two-state regime switching, shape (paths, days, tokens).

    On a day in state s, `r = μₛ - σₛ²/2 + σₛ·z` with z correlated as in that state; all tokens
    share the state, a Markov chain (Hamilton 1989; Hardy 2001, regime-switching log-normal).
    Squared returns are autocorrelated as (1 - p - q)ᵏ.
    """
    turbulent = regime_states(params, days, paths, rng)[..., None]
    draws = rng.standard_normal((paths, days, len(params.calm.volatility)))
    calm, wild = (
        (draws @ factor(state.correlation).T) * state.volatility
        + (state.drift - state.volatility**2 / 2)
        for state in (params.calm, params.turbulent)
    )
    return np.asarray(np.where(turbulent, wild, calm))


class Regime(Table):
    """One state of the market."""

    drift: PerToken = 0.0
    volatility: PerToken
    correlation: Correlation = 0.0


class RegimeSource(ModelSource):
    """Two-state regime switching (`regime_returns`)."""

    source: Literal["regimes"] = "regimes"
    calm: Regime
    turbulent: Regime
    leave_calm: float = Field(gt=0, le=1)
    """Chance that a calm day is followed by a turbulent one; calm lasts 1/leave_calm days."""
    leave_turbulent: float = Field(gt=0, le=1)
    """Chance that a turbulent day is followed by a calm one."""
    start: Literal["calm", "turbulent", "stationary"] = "stationary"

    def parameters(self) -> RegimeParameters:
        """The parameters as arrays over the tokens."""
        calm, turbulent = (
            DiffusionParameters.checked(
                len(self.tokens), state.drift, state.volatility, state.correlation, where
            )
            for state, where in ((self.calm, "calm."), (self.turbulent, "turbulent."))
        )
        return RegimeParameters(calm, turbulent, self.leave_calm, self.leave_turbulent, self.start)

    def log_returns(self, days: int, paths: int, rng: np.random.Generator) -> Array:
        """Daily log-returns, shape (paths, days, tokens)."""
        return regime_returns(self.parameters(), days, paths, rng)
