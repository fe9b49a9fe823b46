"""Fit of two-state regime switching."""

from __future__ import annotations

import numpy as np

from scenarios.errors import InputError
from scenarios.prices.calibration.diffusion import normal_density
from scenarios.prices.calibration.estimates import Estimate, Fit, by_pair, by_token
from scenarios.prices.calibration.likelihood import returns_to_fit, standard_errors
from scenarios.prices.calibration.parameters import beginning, diffusion_fields, pairs, symmetric
from scenarios.prices.panel import PricePanel
from scenarios.prices.paths import Array
from scenarios.prices.regimes import Regime, RegimeSource

ROUNDS = 500


def filtered(densities: Array, leave: Array) -> tuple[Array, Array]:
    """Hamilton's filter: chance of each state given the days so far, and likelihood of each day.

    Args:
        densities: density of each day's returns in state 0 and 1, shape (days, 2).
        leave: chance of leaving state 0 and state 1.

    Returns:
        Chances, shape (days, 2), and the density of each day given the ones before, shape (days,).
    """
    out0, out1 = (float(chance) for chance in leave)
    # Plain numbers: two states are too few for arrays to pay.
    state0 = out1 / (out0 + out1)
    chances, scales = [], []
    for density0, density1 in densities.tolist():
        joint0, joint1 = state0 * density0, (1 - state0) * density1
        scale = joint0 + joint1
        now0, now1 = joint0 / scale, joint1 / scale
        chances.append((now0, now1))
        scales.append(scale)
        state0 = now0 * (1 - out0) + now1 * out1
    return np.array(chances), np.array(scales)


def smoothed(chances: Array, leave: Array) -> tuple[Array, Array]:
    """Kim's smoother: chance of each state given all days, and expected numbers of changes.

    Returns:
        Chances, shape (days, 2), and how often each state is expected to be left, shape (2,).
    """
    out0, out1 = (float(chance) for chance in leave)
    steps = chances.tolist()
    later0 = steps[-1][0]
    result, changes0, changes1 = [(later0, 1 - later0)], 0.0, 0.0
    for now0, now1 in reversed(steps[:-1]):
        next0 = now0 * (1 - out0) + now1 * out1
        ratio0, ratio1 = later0 / next0, (1 - later0) / (1 - next0)
        changes0 += now0 * out0 * ratio1
        changes1 += now1 * out1 * ratio0
        later0 = now0 * ((1 - out0) * ratio0 + out0 * ratio1)
        result.append((later0, 1 - later0))
    return np.array(result[::-1]), np.array([changes0, changes1])


def _densities(returns: Array, means: Array, covariances: Array) -> tuple[Array, Array]:
    """Densities of both states, scaled by the larger of each day, and the log of that scale."""
    logs = np.stack(
        [
            normal_density(returns - mean, covariance)
            for mean, covariance in zip(means, covariances, strict=True)
        ],
        axis=1,
    )
    largest = logs.max(axis=1)
    # A day may be impossible in one state; a floor keeps the filter from dividing by zero.
    return np.maximum(np.exp(logs - largest[:, None]), 1e-300), largest


def fit_regimes(panel: PricePanel) -> Fit[RegimeSource]:
    """Two-state regime switching by maximum likelihood (EM; Hamilton 1990).

    The state with the larger variance is called turbulent. Standard errors from the outer product
    of the scores.

    Raises:
        InputError: too few days, a price that never moves, or only one regime in the data.
    """
    returns = returns_to_fit(panel)
    means, covariances, leave = _expectation_maximisation(returns, panel.origin)
    turbulent = int(np.trace(covariances[1]) > np.trace(covariances[0]))
    order = [1 - turbulent, turbulent]
    means, covariances, leave = means[order], covariances[order], leave[order]
    count = returns.shape[1]
    sigmas = np.array([np.sqrt(np.diag(covariance)) for covariance in covariances])
    drifts = means + sigmas**2 / 2
    uppers = [
        (covariance / np.outer(sigma, sigma))[pairs(count)]
        for covariance, sigma in zip(covariances, sigmas, strict=True)
    ]
    per_state = 2 * count + len(uppers[0])
    theta = np.concatenate(
        [leave, *(np.concatenate(state) for state in zip(drifts, sigmas, uppers, strict=True))]
    )

    def contributions(theta: Array) -> Array:
        centres, matrices = [], []
        for state in theta[2:].reshape(2, per_state):
            drift, sigma, rho = state[:count], state[count : 2 * count], state[2 * count :]
            centres.append(drift - sigma**2 / 2)
            matrices.append(symmetric(rho, count) * np.outer(sigma, sigma))
        densities, largest = _densities(returns, np.array(centres), np.array(matrices))
        return np.asarray(np.log(filtered(densities, theta[:2])[1]) + largest)

    errors = standard_errors(contributions, theta)
    calm, wild = (
        Regime(**diffusion_fields(drift, sigma, symmetric(rho, count)))
        for drift, sigma, rho in zip(drifts, sigmas, uppers, strict=True)
    )
    source = RegimeSource(
        **beginning(panel),
        calm=calm,
        turbulent=wild,
        leave_calm=float(leave[0]),
        leave_turbulent=float(leave[1]),
    )
    estimates = [
        Estimate("leave_calm", "", float(leave[0]), float(errors[0])),
        Estimate("leave_turbulent", "", float(leave[1]), float(errors[1])),
    ]
    for state, value, error in zip(
        ("calm.", "turbulent."),
        theta[2:].reshape(2, -1),
        errors[2:].reshape(2, -1),
        strict=True,
    ):
        first, second = slice(0, count), slice(count, 2 * count)
        estimates += by_token(f"{state}drift", panel.tokens, value[first], error[first])
        estimates += by_token(f"{state}volatility", panel.tokens, value[second], error[second])
        estimates += by_pair(panel.tokens, value[2 * count :], error[2 * count :], state)
    return Fit(source, tuple(estimates), float(contributions(theta).sum()))


def _expectation_maximisation(returns: Array, origin: str) -> tuple[Array, Array, Array]:
    """Means (2, tokens), covariances (2, tokens, tokens) and chances of leaving (2,)."""
    count = returns.shape[1]
    # Begin with the days on which a smoothed size of returns is in its upper third.
    size = np.convolve((returns**2 / returns.var(axis=0)).mean(axis=1), np.ones(10) / 10, "same")
    wild = (size > np.quantile(size, 2 / 3)).astype(float)
    chances = np.stack([1 - wild, wild], axis=1) * 0.9 + 0.05
    leave = np.array([0.02, 0.05])
    likelihood = -np.inf
    for _ in range(ROUNDS):
        weights = chances / chances.sum(axis=0)
        means = weights.T @ returns
        covariances = np.array(
            [
                (weights[:, [state]] * (returns - means[state])).T @ (returns - means[state])
                for state in (0, 1)
            ]
        )
        if chances.sum(axis=0).min() < count + 5:
            raise InputError(
                f"{origin}: only one regime found; use a longer history or another model"
            )
        densities, largest = _densities(returns, means, covariances)
        forward, scales = filtered(densities, leave)
        chances, changes = smoothed(forward, leave)
        leave = np.clip(changes / chances[:-1].sum(axis=0), 1e-4, 0.9999)
        new = float((np.log(scales) + largest).sum())
        if new - likelihood < 1e-7 * abs(new):
            break
        likelihood = new
    return means, covariances, leave
