"""Do paths of a model look like the data? Moments, clusters of volatility, tails."""

from __future__ import annotations

import numpy as np
import pandas as pd

from scenarios.prices.calibration.estimates import Fit
from scenarios.prices.calibration.likelihood import returns_to_fit
from scenarios.prices.model_source import ModelSource
from scenarios.prices.panel import PricePanel
from scenarios.prices.paths import Array

LAGS = (1, 5, 20)
"""Days between the squared returns whose correlation is compared."""

STATISTICS = (
    "mean",
    "standard deviation",
    "skewness",
    "kurtosis",
    *(f"autocorrelation of squares, lag {lag}" for lag in LAGS),
    "1 % quantile",
    "99 % quantile",
    "worst day",
)
"""Names of what `statistics` computes, in its order."""


def squares_autocorrelation(returns: Array, lag: int) -> Array:
    """Autocorrelation of squared returns over days, shape (..., tokens), of (..., days, tokens)."""
    squares = returns**2
    squares = squares - squares.mean(axis=-2, keepdims=True)
    return np.asarray(
        (squares[..., :-lag, :] * squares[..., lag:, :]).sum(axis=-2) / (squares**2).sum(axis=-2)
    )


def statistics(returns: Array) -> Array:
    """What is compared, shape (statistics, ..., tokens), of returns (..., days, tokens).

    Skewness and kurtosis are the standardised third and fourth central moments; 0 and 3 for the
    normal.
    """
    mean = returns.mean(axis=-2)
    centred = returns - mean[..., None, :]
    deviation = np.sqrt((centred**2).mean(axis=-2))
    standard = centred / deviation[..., None, :]
    low, high = np.quantile(returns, [0.01, 0.99], axis=-2)
    return np.stack(
        [
            mean,
            deviation,
            (standard**3).mean(axis=-2),
            (standard**4).mean(axis=-2),
            *(squares_autocorrelation(returns, lag) for lag in LAGS),
            low,
            high,
            returns.min(axis=-2),
        ]
    )


def simulate(fit: Fit[ModelSource], days: int, paths: int, seed: int) -> Array:
    """Log-returns of a fitted model, shape (paths, days, tokens)."""
    return fit.source.from_anywhere().log_returns(days, paths, np.random.default_rng(seed))


def compare(
    fit: Fit[ModelSource], panel: PricePanel, paths: int = 400, seed: int = 1
) -> pd.DataFrame:
    """Statistics of the data beside those of paths of the model that are as long.

    Returns:
        A row for each token and statistic. Columns: token, statistic, data, model (median over
        paths), low and high (5 % and 95 % of paths), inside (whether the data lie between).
    """
    returns = returns_to_fit(panel)
    data = statistics(returns)
    drawn = statistics(simulate(fit, len(returns), paths, seed))
    low, middle, high = np.quantile(drawn, [0.05, 0.5, 0.95], axis=1)
    rows = [
        (token, statistic, data[i, j], middle[i, j], low[i, j], high[i, j])
        for j, token in enumerate(panel.tokens)
        for i, statistic in enumerate(STATISTICS)
    ]
    table = pd.DataFrame(rows, columns=["token", "statistic", "data", "model", "low", "high"])
    table["inside"] = table["data"].between(table["low"], table["high"])
    return table
