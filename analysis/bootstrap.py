"""Bootstrap confidence intervals of statistics of independent rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

Floats = npt.NDArray[np.float64]
Statistic = Callable[[Floats], Any]
"""Takes (rows, columns), gives one number a column."""

RESAMPLES = 2000
CONFIDENCE = 0.95

LARGE = 1000
"""Rows beyond which the mean's interval is the normal one."""


def mean_interval(
    values: npt.ArrayLike,
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Floats:
    """Bias-corrected and accelerated bootstrap intervals of means (Efron 1987).

    Rows are drawn with replacement, the same ones in every column. Beyond 1,000 rows the bootstrap
    is no different from its limit, the normal interval, which is then given. With one row, or a
    missing value in a column, there is no interval (NaN); of equal values it is that value.

    Args:
        values: shape (rows, columns).
        confidence: probability that the interval is to cover.
        resamples: number of resamples.
        seed: of their draw.

    Returns:
        shape (2, columns): lower and upper bounds.
    """
    rows = np.asarray(values, np.float64)
    n = len(rows)
    if n < 2:
        return np.full((2, rows.shape[1]), np.nan)
    centre = rows.mean(axis=0)
    if n > LARGE:
        half = ndtri((1 + confidence) / 2) * rows.std(axis=0, ddof=1) / np.sqrt(n)
        return np.stack([centre - half, centre + half])
    # Centred, so that a large common level costs no digits.
    drawn = resample_counts(n, resamples, seed) @ (rows - centre) / n
    left_out = -(rows - centre) / (n - 1)
    return centre + bca_bounds(drawn, np.zeros(rows.shape[1]), left_out, confidence)


@lru_cache(maxsize=4)
def resample_counts(n: int, resamples: int, seed: int) -> Floats:
    """How often each of n rows is drawn, shape (resamples, n); kept, as designs share it."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float64)


def statistic_interval(
    values: npt.ArrayLike,
    statistic: Statistic,
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Floats:
    """Percentile bootstrap intervals of any statistic of rows (Efron 1979).

    Args:
        values: shape (rows, ...); whole rows are drawn, so what depends on one another, as the
            days of a run, belongs into one row.
        statistic: gives a number or an array of numbers for rows.
        confidence: probability that the interval is to cover.
        resamples: number of resamples.
        seed: of their draw.

    Returns:
        shape (2, ...) with the shape of the statistic: lower and upper bounds; NaN for one row.
    """
    rows = np.asarray(values, np.float64)
    n = len(rows)
    estimate = np.asarray(statistic(rows), np.float64)
    if n < 2:
        return np.full((2, *estimate.shape), np.nan)
    rng = np.random.default_rng(seed)
    drawn = np.stack([statistic(rows[rng.integers(0, n, n)]) for _ in range(resamples)])
    tail = (1 - confidence) / 2
    bounds: Floats = np.quantile(drawn, [tail, 1 - tail], axis=0)
    return bounds


def bca_bounds(
    drawn: Floats, estimate: Floats, left_out: Floats, confidence: float = CONFIDENCE
) -> Floats:
    """Bounds of a bias-corrected and accelerated interval (Efron 1987, section 4).

    Args:
        drawn: the statistic of each resample, shape (resamples, columns).
        estimate: the statistic of the sample, shape (columns,).
        left_out: the statistic without each row, shape (rows, columns).
        confidence: probability that the interval is to cover.

    Returns:
        shape (2, columns).
    """
    # A resample with the same rows must count as equal, whatever the last digits say.
    hair = 1e-10 * drawn.std(axis=0)
    below = ((drawn < estimate - hair).mean(axis=0) + (drawn <= estimate + hair).mean(axis=0)) / 2
    bias = ndtri(np.clip(below, 1e-9, 1 - 1e-9))
    deviation = left_out.mean(axis=0) - left_out
    spread = (deviation**2).sum(axis=0)
    constant = spread == 0
    skew = (deviation**3).sum(axis=0)
    acceleration = np.divide(skew, 6 * spread**1.5, out=np.zeros_like(skew), where=~constant)
    z = ndtri(np.array([(1 - confidence) / 2, (1 + confidence) / 2]))[:, None]
    level = ndtr(bias + (bias + z) / (1 - acceleration * (bias + z)))
    # np.quantile takes one level for all columns; here each has its own.
    drawn = np.sort(drawn, axis=0)
    position = level * (len(drawn) - 1)
    low = np.floor(np.nan_to_num(position)).astype(np.int64)
    high = np.minimum(low + 1, len(drawn) - 1)
    below_at = np.take_along_axis(drawn, low, axis=0)
    above_at = np.take_along_axis(drawn, high, axis=0)
    bounds = below_at + (above_at - below_at) * (position - low)
    return np.where(constant, estimate, bounds)


def wilson_interval(
    successes: npt.ArrayLike, trials: npt.ArrayLike, confidence: float = CONFIDENCE
) -> Floats:
    """Score interval of a proportion (Wilson 1927); not empty at 0 or all successes either.

    Args:
        successes: number of successes, any shape.
        trials: number of trials, same shape, positive.
        confidence: probability that the interval is to cover.

    Returns:
        shape (2, ...): lower and upper bounds.
    """
    k, n = np.asarray(successes, np.float64), np.asarray(trials, np.float64)
    z = ndtri((1 + confidence) / 2)
    centre = (k + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(k * (n - k) / n + z**2 / 4)
    low, high = np.where(k == 0, 0.0, centre - half), np.where(k == n, 1.0, centre + half)
    return np.clip(np.stack([low, high]), 0.0, 1.0)
