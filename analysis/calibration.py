"""How far simulated series are from observed ones: a loss for calibration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LAGS = (1, 5)


class MomentLoss:
    """Weighted distance between the moments of simulated and observed daily series.

    The moments of a series are its mean, its standard deviation and its autocorrelations, as in the
    method of simulated moments (McFadden 1989; Franke 2009). `compute_loss` is the method that
    black-it's losses have.

    Args:
        weights: of the series, shape (series,); all alike if not given.
        lags: of the autocorrelations, in days.
    """

    def __init__(self, weights: Sequence[float] | None = None, lags: Sequence[int] = LAGS):
        self.weights = weights
        self.lags = tuple(lags)

    def compute_loss(self, sim_data_ensemble: Floats, real_data: Floats) -> float:
        """Loss of an ensemble of runs.

        Each moment is averaged over the runs; differences of means and standard deviations count in
        standard deviations of the observed series (or in its mean, where it is constant).

        Args:
            sim_data_ensemble: shape (runs, days, series).
            real_data: shape (days, series); the numbers of days may differ.

        Raises:
            ValueError: the numbers of series differ, or a value is missing.
        """
        simulated, observed = np.asarray(sim_data_ensemble), np.asarray(real_data)
        if simulated.ndim != 3 or observed.ndim != 2 or simulated.shape[2] != observed.shape[1]:
            raise ValueError(
                "expected arrays of shape (runs, days, series) and (days, series), got"
                f" {simulated.shape} and {observed.shape}"
            )
        if not (np.isfinite(simulated).all() and np.isfinite(observed).all()):
            raise ValueError("a series has missing values")
        target = moments(observed, self.lags)
        found = np.mean([moments(run, self.lags) for run in simulated], axis=0)
        scale = np.ones_like(target)
        spread, level = observed.std(axis=0), np.abs(observed.mean(axis=0))
        scale[:2] = np.where(spread > 0, spread, np.where(level > 0, level, 1.0))
        by_series = (((found - target) / scale) ** 2).sum(axis=0)
        weights = np.ones(len(by_series)) if self.weights is None else np.asarray(self.weights)
        return float(weights @ by_series / weights.sum())


def moments(series: Floats, lags: Sequence[int] = LAGS) -> Floats:
    """Mean, standard deviation and autocorrelations of series, shape (2 + lags, series).

    The autocorrelation of a constant series is 0.

    Args:
        series: shape (days, series), more days than the largest lag.
        lags: in days.
    """
    mean, deviation = series.mean(axis=0), series - series.mean(axis=0)
    variance = (deviation**2).mean(axis=0)
    safe = np.where(variance > 0, variance, 1.0)
    rows = [(deviation[lag:] * deviation[:-lag]).mean(axis=0) / safe for lag in lags]
    return np.array([mean, np.sqrt(variance), *rows])
