"""Likelihood of jump diffusions with common jumps, and how its maximum is found."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scenarios.errors import InputError
from scenarios.prices.calibration.likelihood import standard_errors
from scenarios.prices.calibration.parameters import pairs, symmetric
from scenarios.prices.paths import Array

MOST_JUMPS = 6
"""Jumps on one day that the likelihood considers; at half a jump a day, more has a chance of one
in a million."""
MOST_INTENSE = 0.5
"""Jumps a day above which they are no jumps any more."""
STARTS = ((0.02, 3.0), (0.1, 2.0), (0.4, 1.0))
"""Jumps a day and their size in standard deviations, from which the likelihood is climbed."""
FIRST_ROUNDS, ROUNDS = 50, 3000
"""Steps from every start; and further ones from where the likelihood is then highest."""


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
    largest = weights.max(axis=1)
    return np.asarray(np.log(np.exp(weights - largest[:, None]).sum(axis=1)) + largest)


def maximise_jumps(returns: Array, where: str) -> tuple[Array, Array]:
    """The highest of the maxima reached, as `merton_density` takes it, and standard errors."""
    count = returns.shape[1]
    deviation = returns.std(axis=0)
    begun = []
    for intensity, size in STARTS:
        start = _State(
            returns.mean(axis=0),
            np.zeros(count),
            size * deviation,
            np.cov(returns.T).reshape(count, count) / 2,
            intensity,
        )
        begun.append(_climb(returns, start, FIRST_ROUNDS))
    state, reached = _climb(returns, max(begun, key=lambda item: item[1])[0], ROUNDS)
    if not math.isfinite(reached):
        raise InputError(f"{where}: no jump diffusion fits these returns")
    sigma = np.sqrt(np.diag(state.covariance))
    compensator = state.intensity * np.expm1(state.mean + state.spread**2 / 2)
    drift = state.centre + sigma**2 / 2 + compensator
    rho = (state.covariance / np.outer(sigma, sigma))[pairs(count)]
    theta = np.concatenate([[state.intensity], drift, sigma, state.mean, state.spread, rho])
    return theta, standard_errors(lambda at: merton_density(returns, at), theta)


@dataclass(frozen=True)
class _State:
    """Where EM stands: `centre` is the mean of a day without jumps, `mean` and `spread` those of
    a jump, `covariance` that of the continuous part."""

    centre: Array
    mean: Array
    spread: Array
    covariance: Array
    intensity: float


def _climb(returns: Array, state: _State, rounds: int) -> tuple[_State, float]:
    """EM: given the number of jumps, returns are a regression on it and on their joint size.

    Returns:
        The state reached and its log-likelihood, -inf if there is none.
    """
    reached = -np.inf
    for _ in range(rounds):
        logs = jump_log_weights(
            returns, state.centre, state.mean, state.spread, state.covariance, state.intensity
        )
        # The largest of each day is taken out before exponentiating, against underflow.
        largest = logs.max(axis=1, keepdims=True)
        chances = np.exp(logs - largest)
        sums = chances.sum(axis=1, keepdims=True)
        likelihood = float((np.log(sums) + largest).sum())
        if not math.isfinite(likelihood):
            return state, -np.inf
        if likelihood - reached < 1e-9 * abs(likelihood):
            break
        reached = likelihood
        state = _improve(returns, state, chances / sums)
    return state, reached


def _improve(returns: Array, state: _State, chances: Array) -> _State:
    """The M-step: regression of returns on (1, number of jumps, their joint size)."""
    days = len(returns)
    n = np.arange(MOST_JUMPS + 1)
    load = np.linalg.solve(state.covariance, state.spread)
    variance = n / (1 + n * float(state.spread @ load))
    along = ((returns - state.centre) @ load)[:, None] - float(state.mean @ load) * n
    expected = variance * along
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
        # The sign of the joint size is a matter of convention.
        turn = np.array([1.0, 1.0, -1.0])
        loads, products, moments = loads * turn, products * turn, moments * np.outer(turn, turn)
    for token in np.flatnonzero(loads[:, 2] < 0):
        # A deviation cannot be negative: without it, the token's jumps have one size.
        loads[token, :2] = np.linalg.lstsq(moments[:2, :2], products[token, :2], rcond=None)[0]
        loads[token, 2] = 0.0
    cross = loads @ products.T
    covariance = (returns.T @ returns - cross - cross.T + loads @ moments @ loads.T) / days
    floor = (1e-3 * returns.std(axis=0)) ** 2
    np.fill_diagonal(covariance, np.maximum(np.diag(covariance), floor))
    intensity = float(np.clip(jumps.mean(), 1 / days, MOST_INTENSE))
    centre, mean, spread = loads.T
    return _State(centre, mean, spread, covariance, intensity)
