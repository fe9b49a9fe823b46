"""Fits of Merton's jump diffusion: jumps common to all tokens, or each token's own."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from scenarios.errors import InputError
from scenarios.prices.calibration.common import (
    Estimate,
    Fit,
    as_numbers,
    as_rows,
    by_pair,
    by_token,
    nearest_correlation,
    pairs,
    returns_to_fit,
    standard_errors,
    symmetric,
)
from scenarios.prices.merton import MertonSource
from scenarios.prices.panel import PricePanel
from scenarios.prices.paths import Array

MOST_JUMPS = 12
"""Jumps on one day that the likelihood considers; below one a day, more has a chance < 1e-9."""
MOST_INTENSE = 1.0
"""Jumps a day above which they are no jumps any more."""
STARTS = ((0.02, 3.0), (0.1, 2.0), (0.4, 1.0))
"""Jumps a day and their size in standard deviations, from which the likelihood is climbed."""
ROUNDS = 3000


def jump_log_weights(
    returns: Array, centre: Array, mean: Array, spread: Array, covariance: Array, intensity: float
) -> Array:
    """Log of Poisson chance times normal density, for 0 to `MOST_JUMPS` jumps, (days, jumps).

    With n jumps, returns are normal with mean `centre + n·mean` and covariance
    `covariance + n·spread·spreadᵀ`, inverted by the Sherman-Morrison formula.
    """
    n = np.arange(MOST_JUMPS + 1)
    inverse = np.linalg.inv(covariance)
    deviation = returns - centre
    load = inverse @ spread
    own = float(spread @ load)
    quadratic = (
        np.einsum("dt,tu,du->d", deviation, inverse, deviation)[:, None]
        - 2 * np.outer(deviation @ (inverse @ mean), n)
        + float(mean @ inverse @ mean) * n**2
    )
    along = (deviation @ load)[:, None] - float(mean @ load) * n
    quadratic = quadratic - n / (1 + n * own) * along**2
    log_det = np.linalg.slogdet(covariance)[1] + np.log1p(n * own)
    factorials = np.array([math.lgamma(k + 1) for k in n])
    chances = n * math.log(intensity) - intensity - factorials
    constant = len(spread) * math.log(2 * math.pi)
    return np.asarray(chances - (constant + log_det + quadratic) / 2)


def merton_density(returns: Array, theta: Array) -> Array:
    """Log-density of days under common jumps, shape (days,).

    Args:
        returns: shape (days, tokens).
        theta: intensity; then drift, volatility, jump mean and jump volatility of each token;
            then the correlation of each pair.
    """
    count = returns.shape[1]
    drift, sigma, mean, spread = theta[1 : 1 + 4 * count].reshape(4, count)
    covariance = symmetric(theta[1 + 4 * count :], count) * np.outer(sigma, sigma)
    centre = drift - sigma**2 / 2 - theta[0] * np.expm1(mean + spread**2 / 2)
    weights = jump_log_weights(returns, centre, mean, spread, covariance, float(theta[0]))
    return np.asarray(np.logaddexp.reduce(weights, axis=1))


def fit_merton(panel: PricePanel) -> Fit[MertonSource]:
    """Merton's jump diffusion with jumps common to all tokens, by maximum likelihood (EM).

    Standard errors from the outer product of the scores.

    Raises:
        InputError: too few days, a price that never moves, or no maximum found.
    """
    returns = returns_to_fit(panel)
    theta, errors = _maximise(returns, panel.origin)
    count = returns.shape[1]
    estimates = (
        Estimate("intensity", "", float(theta[0]), float(errors[0])),
        *_rows(panel.tokens, theta[1 : 1 + 4 * count], errors[1 : 1 + 4 * count]),
        *by_pair(panel.tokens, theta[1 + 4 * count :], errors[1 + 4 * count :]),
    )
    correlation = symmetric(theta[1 + 4 * count :], count)
    source = _source(panel, float(theta[0]), theta[1 : 1 + 4 * count], correlation, "common")
    return Fit(source, estimates, float(merton_density(returns, theta).sum()))


def fit_merton_own(panel: PricePanel) -> Fit[MertonSource]:
    """Merton's jump diffusion with each token's own jumps, by maximum likelihood token by token.

    Correlation is then the one of the continuous parts that gives the covariance of the data,
    since jumps of one's own add none.

    Raises:
        InputError: too few days, a price that never moves, or tokens that jump together, so that
            no correlation of the continuous parts explains their covariance.
    """
    returns = returns_to_fit(panel)
    days, count = returns.shape
    fitted = [
        _maximise(returns[:, [column]], f"{panel.origin}: column {token}")
        for column, token in enumerate(panel.tokens)
    ]
    values, errors = (np.array(side).T for side in zip(*fitted, strict=True))
    sigma = values[2]
    covariance = np.cov(returns.T).reshape(count, count)
    raw = covariance / np.outer(sigma, sigma)
    np.fill_diagonal(raw, 1.0)
    if np.abs(raw[pairs(count)]).max(initial=0.0) > 1:
        row, column = (int(i) for i in np.argwhere(np.triu(np.abs(raw) > 1, 1))[0])
        raise InputError(
            f"{panel.origin}: {panel.tokens[row]} and {panel.tokens[column]} jump together;"
            " fit the model merton, whose jumps are common"
        )
    correlation = nearest_correlation(raw)
    total = np.diag(covariance)
    wobble = np.sqrt((np.outer(total, total) + covariance**2) / days) / np.outer(sigma, sigma)
    estimates = (
        *by_token("intensity", panel.tokens, values[0], errors[0]),
        *_rows(panel.tokens, values[1:].ravel(), errors[1:].ravel()),
        *by_pair(panel.tokens, correlation[pairs(count)], wobble[pairs(count)]),
    )
    likelihood = sum(
        float(merton_density(returns[:, [column]], values[:, column]).sum())
        for column in range(count)
    )
    source = _source(panel, as_numbers(values[0]), values[1:].ravel(), correlation, "own")
    return Fit(source, estimates, likelihood, joint=False)


def _rows(tokens: tuple[str, ...], values: Array, errors: Array) -> list[Estimate]:
    names = ("drift", "volatility", "jump_mean", "jump_volatility")
    return [
        estimate
        for name, value, error in zip(
            names, values.reshape(4, -1), errors.reshape(4, -1), strict=True
        )
        for estimate in by_token(name, tokens, value, error)
    ]


def _source(
    panel: PricePanel,
    intensity: float | tuple[float, ...],
    theta: Array,
    correlation: Array,
    jumps: str,
) -> MertonSource:
    drift, sigma, mean, spread = theta.reshape(4, -1)
    return MertonSource.model_validate(
        {
            "tokens": panel.tokens,
            "initial": as_numbers(panel.close[-1]),
            "drift": as_numbers(drift),
            "volatility": as_numbers(sigma),
            "correlation": as_rows(correlation),
            "intensity": intensity,
            "jump_mean": as_numbers(mean),
            "jump_volatility": as_numbers(spread),
            "jumps": jumps,
        }
    )


def _maximise(returns: Array, where: str) -> tuple[Array, Array]:
    """The best of the maxima reached from all starts, as `merton_density` takes it, and errors."""
    count = returns.shape[1]
    best, highest = None, -np.inf
    for intensity, size in STARTS:
        centre, mean, spread, covariance, intensity, reached = _climb(returns, intensity, size)
        if reached > highest:
            highest = reached
            sigma = np.sqrt(np.diag(covariance))
            drift = centre + sigma**2 / 2 + intensity * np.expm1(mean + spread**2 / 2)
            rho = (covariance / np.outer(sigma, sigma))[pairs(count)]
            best = np.concatenate([[intensity], drift, sigma, mean, spread, rho])
    if best is None:
        raise InputError(f"{where}: no jump diffusion fits these returns")
    density: Callable[[Array], Array] = lambda theta: merton_density(returns, theta)  # noqa: E731
    return best, standard_errors(density, best)


def _climb(
    returns: Array, intensity: float, size: float
) -> tuple[Array, Array, Array, Array, float, float]:
    """EM: given the number of jumps, returns are a regression on it and on their joint size.

    Returns:
        Centre, jump mean, jump volatility (tokens,), covariance (tokens, tokens) of the
        continuous part, intensity, and the log-likelihood reached (-inf if none).
    """
    days, count = returns.shape
    n = np.arange(MOST_JUMPS + 1)
    deviation = returns.std(axis=0)
    centre, mean, spread = returns.mean(axis=0), np.zeros(count), size * deviation
    covariance = np.cov(returns.T).reshape(count, count) / 2
    floor = (1e-3 * deviation) ** 2
    second, reached = returns.T @ returns, -np.inf
    for _ in range(ROUNDS):
        logs = jump_log_weights(returns, centre, mean, spread, covariance, intensity)
        total = np.logaddexp.reduce(logs, axis=1)
        likelihood = float(total.sum())
        if not math.isfinite(likelihood):
            return centre, mean, spread, covariance, intensity, -np.inf
        if likelihood - reached < 1e-9 * abs(likelihood):
            break
        reached = likelihood
        chances = np.exp(logs - total[:, None])
        load = np.linalg.solve(covariance, spread)
        variance = n / (1 + n * float(spread @ load))
        along = ((returns - centre) @ load)[:, None] - float(mean @ load) * n
        expected = variance * along
        # Moments of the regressors (1, number of jumps, their joint size), summed over days.
        jumps, sizes = chances @ n, (chances * expected).sum(axis=1)
        across = float((chances * n * expected).sum())
        moments = np.array(
            [
                [days, jumps.sum(), sizes.sum()],
                [jumps.sum(), float((chances @ n**2).sum()), across],
                [sizes.sum(), across, float((chances * (expected**2 + variance)).sum())],
            ]
        )
        products = returns.T @ np.stack([np.ones(days), jumps, sizes], axis=1)
        loads = np.linalg.lstsq(moments, products.T, rcond=None)[0].T
        if loads[:, 2].sum() < 0:
            loads[:, 2] *= -1
            moments[:2, 2], moments[2, :2] = -moments[:2, 2], -moments[2, :2]
            products[:, 2] *= -1
        for token in np.flatnonzero(loads[:, 2] < 0):
            # A deviation cannot be negative: without it, the token's jumps have one size.
            loads[token, :2] = np.linalg.lstsq(moments[:2, :2], products[token, :2], rcond=None)[0]
            loads[token, 2] = 0.0
        centre, mean, spread = loads.T
        cross = loads @ products.T
        covariance = (second - cross - cross.T + loads @ moments @ loads.T) / days
        np.fill_diagonal(covariance, np.maximum(np.diag(covariance), floor))
        intensity = float(np.clip(jumps.mean(), 1 / days, MOST_INTENSE))
    return centre, mean, spread, covariance, intensity, reached
