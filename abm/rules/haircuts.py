"""Haircuts that follow risk, and the tools against their procyclicality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from abm.rules.risk import (
    SESSIONS_A_YEAR,
    ewma_volatility,
    filtered_returns,
    historical_var,
    normal_var,
    stressed_returns,
)
from abm.rules.rule import Rule, Seen
from scenarios.agreement import CollateralAgreement
from scenarios.checking import checked
from scenarios.haircuts import HaircutModel

Floats = npt.NDArray[np.float64]


class RiskHaircut(Rule):
    """Sets the haircut of agreements to the value at risk of their collateral.

    A scenario names it in `rules` as `abm.rules.haircuts:RiskHaircut`, with the fields of
    `HaircutModel` as parameters. It knows published prices, and closes before the window where the
    source of prices has some; nothing of what comes after today.
    """

    rewrites = ("haircut",)

    def __init__(self, **parameters: Any):
        """Take the parameters.

        Raises:
            InputError: one of them is none of `HaircutModel`, or has no such value.
        """
        self.given = checked(HaircutModel, parameters, "rules: RiskHaircut")
        self.for_new_loans = self.given.loans == "new"
        self._buffered: dict[CollateralAgreement, Floats] = {}
        self._in_force: dict[CollateralAgreement, tuple[float, int]] = {}

    def today(self, agreement: CollateralAgreement, seen: Seen) -> Mapping[str, float]:
        """The haircut in force today; none before `minimum` sessions are known."""
        given = self.given
        tokens = agreement.eligible(seen.tokens, "")
        columns = [seen.tokens.index(token) for token in tokens if token in seen.tokens]
        returns = np.diff(np.log(seen.closes[:, columns]), axis=0)
        if len(returns) < given.minimum or not columns:
            return {}
        risk = value_at_risk(returns, given) * np.sqrt(given.margin_period_of_risk)
        buffered = drawn_down(risk, given.buffer, self._buffered.get(agreement))
        self._buffered[agreement] = buffered
        clipped = np.clip(buffered, given.floor, given.cap)
        haircut = float(clipped.max() if given.across == "largest" else clipped.mean())
        week = int(_week(seen.dates[-1]))
        before, of_week = self._in_force.get(agreement, (None, None))
        if before is None or self._is_due(haircut, before, week != of_week):
            self._in_force[agreement] = haircut, week
        return {"haircut": self._in_force[agreement][0]}

    def _is_due(self, haircut: float, before: float, new_week: bool) -> bool:
        match self.given.reset:
            case "daily":
                return True
            case "weekly":
                return new_week
            case _:
                return abs(haircut - before) > self.given.threshold * before


def value_at_risk(returns: Floats, given: HaircutModel) -> Floats:
    """Value at risk of a day of each token, with stressed observations and the floor of years.

    Args:
        returns: log-returns of sessions, shape (sessions, tokens), the last one today's.
        given: the model.
    """
    weight = given.stressed_weight
    stressed = stressed_returns(returns, given.stressed_days)
    if given.model == "ewma":
        recent = ewma_volatility(returns, given.decay)[-1] ** 2
        mixed = (1 - weight) * recent + weight * (stressed**2).mean(axis=0)
        risk = normal_var(np.sqrt(mixed), given.confidence)
    else:
        past = returns[-given.lookback :]
        if given.model == "filtered":
            past = filtered_returns(returns, given.decay, given.lookback)
        risk = historical_var(past, given.confidence, stressed, weight)
    if given.floor_years:
        sessions = max(round(given.floor_years * SESSIONS_A_YEAR), 1)
        longest = np.sqrt((returns[-sessions:] ** 2).mean(axis=0))
        risk = np.maximum(risk, normal_var(longest, given.confidence))
    return risk


def drawn_down(risk: Floats, buffer: float, before: Floats | None) -> Floats:
    """Haircuts with a buffer on top, which is drawn down while risk rises and filled up after.

    What was in force stays as long as it is at least the risk and at most the risk and the buffer.

    Args:
        risk: without the buffer, shape (tokens,).
        buffer: as a fraction of the risk.
        before: what was in force on the day before; None on the first day.
    """
    full = (1 + buffer) * risk
    return full if before is None else np.clip(before, risk, full)


def _week(day: np.datetime64) -> np.int64:
    """Number of the week, which begins on a Monday: day 0 of numpy's was a Thursday."""
    return (day.astype("datetime64[D]").astype(np.int64) + 3) // 7
