"""Value at risk of a day: how far prices have fallen, and how volatile they are.

`returns` are log-returns from session to session, shape (sessions, tokens), the last one today's.
What is given is of shape (tokens,), in fractions of the price.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

Floats = npt.NDArray[np.float64]

SESSIONS_A_YEAR = 252

SEED = 10
"""Returns whose volatility the first filtered one is divided by."""


def ewma_volatility(returns: Floats, decay: float) -> Floats:
    """Volatility that each session begins with, shape (sessions + 1, tokens); the last is today's.

    Exponentially weighted mean of the squared returns before (J.P. Morgan/Reuters 1996,
    RiskMetrics), its weights scaled to a sum of 1 however few there are; nan before the first.
    """
    squares = lfilter([1.0], [1.0, -decay], returns**2, axis=0)
    weights = lfilter([1.0], [1.0, -decay], np.ones(len(returns)))
    known = np.sqrt(squares / weights[:, None])
    return np.vstack([np.full((1, returns.shape[1]), np.nan), known])


def normal_var(volatility: Floats, confidence: float) -> Floats:
    """Value at risk of normal returns without a mean."""
    return NormalDist().inv_cdf(confidence) * volatility


def stressed_returns(returns: Floats, days: int) -> Floats:
    """The sessions in a row with the largest sum of squares, for each token its own.

    Shape (days, tokens); all sessions if there are fewer.
    """
    if len(returns) <= days:
        return returns
    sums = np.cumsum(np.vstack([np.zeros((1, returns.shape[1])), returns**2]), axis=0)
    first = np.argmax(sums[days:] - sums[:-days], axis=0)
    return np.take_along_axis(returns, first + np.arange(days)[:, None], axis=0)


def filtered_returns(returns: Floats, decay: float, lookback: int) -> Floats:
    """Past returns over the volatility of their day, times today's, shape (some, tokens).

    Filtered historical simulation (Hull and White 1998; Barone-Adesi, Giannopoulos and Vosper
    1999) with an exponentially weighted volatility. A return on a day without volatility is 0.
    """
    volatility = ewma_volatility(returns, decay)
    begin = max(len(returns) - lookback, min(SEED, len(returns) - 1))
    before = volatility[begin:-1]
    past = np.divide(returns[begin:], before, out=np.zeros_like(before), where=before > 0)
    return past * volatility[-1]


def historical_var(
    returns: Floats, confidence: float, stressed: Floats | None = None, weight: float = 0.0
) -> Floats:
    """The smallest loss that at least `confidence` of all losses do not exceed; 0 for a gain.

    Args:
        returns: those that all have the same weight, shape (sessions, tokens).
        confidence: level.
        stressed: further ones, which have this part of all weight together.
        weight: from 0 to 1.
    """
    if stressed is None or weight == 0:
        losses, weights = -returns, np.full(len(returns), 1 / len(returns))
    else:
        losses = -np.vstack([returns, stressed])
        weights = np.concatenate(
            [
                np.full(len(returns), (1 - weight) / len(returns)),
                np.full(len(stressed), weight / len(stressed)),
            ]
        )
    order = np.argsort(losses, axis=0)
    reached = np.cumsum(weights[order], axis=0)
    # Of sums of weights that are equal but for rounding the first counts.
    first = np.argmax(reached >= confidence - 1e-12, axis=0)
    quantile = np.take_along_axis(losses, np.take_along_axis(order, first[None], axis=0), axis=0)[0]
    return np.maximum(quantile, 0.0)
