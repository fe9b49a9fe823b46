"""How haircuts move with the market, after Murphy, Vasios and Vause (2014).

A scenario names these among its `measures`, as `abm.measures.procyclicality:haircut`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from abm.books import tally
from abm.measures.measure import FLOW, LEVEL, MONEY, PEAK, SHARE, daily

Floats = npt.NDArray[np.float64]


def peak_to_trough(series: Floats) -> float:
    """Largest over smallest of a series; not a number if the smallest is 0."""
    return float(series.max() / series.min()) if series.min() > 0 else float("nan")


def largest_rise(series: Floats, days: int) -> float:
    """Largest rise from one day to another at most `days` later; 0 if it never rises."""
    lags = range(1, min(days, len(series) - 1) + 1)
    return max([0.0, *(float((series[lag:] - series[:-lag]).max()) for lag in lags)])


def haircuts(market: Any) -> Floats:
    """Mean haircut of each day so far, shape (days,): agreements weighted with today's exposure.

    Of an agreement with a margin percentage `m` it is `1 - 1/m`, which asks for as much.
    """
    accounts = market.books.accounts
    number = len(market.books.terms)
    exposure = np.bincount(accounts.agreement, accounts.exposure.astype(np.float64), number)
    weights = exposure / exposure.sum() if exposure.sum() else np.full(number, 1 / number)
    return market.agreements.haircuts @ weights


@daily(SHARE, LEVEL, label="haircut")
def haircut(market: Any) -> float:
    """Mean haircut of the agreements, weighted with their exposure."""
    return float(haircuts(market)[-1])


@daily("ratio", PEAK, label="haircut, peak to trough")
def haircut_peak_to_trough(market: Any) -> float:
    """Largest over smallest haircut of the days so far, agreements weighted with today's exposure
    (Murphy, Vasios and Vause 2014)."""
    return peak_to_trough(haircuts(market))


@daily(SHARE, PEAK, label="largest rise of the haircut over 5 days")
def haircut_rise_5(market: Any) -> float:
    """Largest rise of the haircut over 5 days or fewer of the days so far (Murphy, Vasios and Vause
    2014)."""
    return largest_rise(haircuts(market), 5)


@daily(SHARE, PEAK, label="largest rise of the haircut over 20 days")
def haircut_rise_20(market: Any) -> float:
    """Largest rise of the haircut over 20 days or fewer of the days so far."""
    return largest_rise(haircuts(market), 20)


@daily(MONEY, FLOW, label="value called because of haircuts")
def calls_by_haircuts(market: Any) -> float:
    """Value called from borrowers that yesterday's haircuts would not have called for; below 0
    where they would have called for more."""
    return float(market.agreements.called_by_rules) * market.unit


@daily(MONEY, FLOW, label="value called because of prices")
def calls_by_prices(market: Any) -> float:
    """Value called from borrowers that yesterday's haircuts would have called for, too: because of
    prices, or because calls are unmet."""
    called = market.books.totals[tally.DELIVERY_CALL_VALUE] * market.unit
    return float(called) - float(market.agreements.called_by_rules) * market.unit
