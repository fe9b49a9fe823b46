"""Estimates of GARCH(1,1) with constant correlation, by the package arch."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from scenarios.errors import InputError
from scenarios.extras import require
from scenarios.prices.calibration.estimates import Estimate, by_pair, by_token
from scenarios.prices.calibration.likelihood import returns_to_fit
from scenarios.prices.calibration.parameters import (
    as_numbers,
    beginning,
    diffusion_fields,
    nearest_correlation,
    pairs,
)
from scenarios.prices.panel import PricePanel
from scenarios.prices.paths import Array

PERCENT = 100.0
"""The optimiser of arch works on returns of the order of one."""


class GarchEstimate(NamedTuple):
    """What is estimated, before it becomes a source of prices."""

    fields: dict[str, Any]
    """Of a `GarchSource`."""
    estimates: tuple[Estimate, ...]
    likelihood: float


def estimate_garch(panel: PricePanel) -> GarchEstimate:
    """GARCH(1,1) for each token, then the correlation of standardised residuals.

    The two-step estimate of Bollerslev (1990) and Engle and Sheppard (2001). Standard errors are
    robust (Bollerslev and Wooldridge 1992); the long-run volatility's by the delta method.

    Raises:
        InputError: too few days, the package arch is missing, or no stationary process fits.
    """
    returns = returns_to_fit(panel)
    require("arch", "prices", "fitting GARCH")
    from arch import arch_model

    columns, residuals, likelihood = [], [], 0.0
    for token, column in zip(panel.tokens, returns.T, strict=True):
        model = arch_model(column * PERCENT, mean="Constant", vol="GARCH", p=1, q=1, rescale=False)
        result = model.fit(disp="off", show_warning=False)
        columns.append(_natural(result, f"{panel.origin}: column {token}"))
        residuals.append(np.asarray(result.std_resid))
        likelihood += float(result.loglikelihood) + len(column) * math.log(PERCENT)
    values, errors = (np.array(side) for side in zip(*columns, strict=True))
    drift, sigma, arch, garch, today = values.T
    count = len(panel.tokens)
    correlation = nearest_correlation(np.corrcoef(residuals).reshape(count, count))
    upper = correlation[pairs(count)]
    likelihood += _copula(np.array(residuals).T, correlation)
    fields = {
        **beginning(panel),
        **diffusion_fields(drift, sigma, correlation),
        "arch": as_numbers(arch),
        "garch": as_numbers(garch),
        "today": as_numbers(today),
    }
    estimates = (
        *by_token("drift", panel.tokens, drift, errors[:, 0]),
        *by_token("volatility", panel.tokens, sigma, errors[:, 1]),
        *by_token("arch", panel.tokens, arch, errors[:, 2]),
        *by_token("garch", panel.tokens, garch, errors[:, 3]),
        *by_pair(panel.tokens, upper, (1 - upper**2) / math.sqrt(len(returns))),
    )
    return GarchEstimate(fields, estimates, likelihood)


def _natural(result: Any, where: str) -> tuple[Array, Array]:
    """Drift, long-run volatility, a, b and tomorrow's volatility; and errors of the first four."""
    mean, omega, arch, garch = (float(value) for value in result.params)
    left = 1 - arch - garch
    if result.convergence_flag != 0 or left < 1e-4:
        raise InputError(
            f"{where}: no GARCH(1,1) with a long-run volatility fits"
            f" (arch + garch = {arch + garch:.4f}); use a longer history or another model"
        )
    variance = omega / left
    sigma = math.sqrt(variance)
    tomorrow = math.sqrt(float(result.forecast(horizon=1).variance.to_numpy()[-1, 0]))
    # d sigma = (d omega + variance · (d arch + d garch)) / (2 · left · sigma)
    slope = np.array([0.0, 1.0, variance, variance]) / (2 * left * sigma)
    # Drift is the mean log-return plus σ²/2, in units of percent as everything here.
    drift_slope = np.array([1.0, 0.0, 0.0, 0.0]) + sigma / PERCENT * slope
    covariance = np.asarray(result.param_cov)
    errors = [
        math.sqrt(drift_slope @ covariance @ drift_slope) / PERCENT,
        math.sqrt(slope @ covariance @ slope) / PERCENT,
        math.sqrt(covariance[2, 2]),
        math.sqrt(covariance[3, 3]),
    ]
    drift = mean / PERCENT + variance / PERCENT**2 / 2
    values = [drift, sigma / PERCENT, arch, garch, tomorrow / PERCENT]
    return np.array(values), np.array(errors)


def _copula(residuals: Array, correlation: Array) -> float:
    """What the correlation adds to the tokens' separate log-likelihoods."""
    inverse = np.linalg.inv(correlation) - np.eye(len(correlation))
    quadratic = np.einsum("dt,tu,du->", residuals, inverse, residuals)
    return -float(len(residuals) * np.linalg.slogdet(correlation)[1] + quadratic) / 2
