"""Fits of Merton's jump diffusion: jumps common to all tokens, or each token's own."""

from __future__ import annotations

from typing import Literal

import numpy as np

from scenarios.errors import InputError
from scenarios.prices.calibration.estimates import Estimate, Fit, by_pair, by_token
from scenarios.prices.calibration.jumps import maximise_jumps, merton_density
from scenarios.prices.calibration.likelihood import returns_to_fit
from scenarios.prices.calibration.parameters import (
    as_numbers,
    beginning,
    diffusion_fields,
    nearest_correlation,
    pairs,
    symmetric,
)
from scenarios.prices.merton import MertonSource
from scenarios.prices.panel import PricePanel
from scenarios.prices.paths import Array


def fit_merton(panel: PricePanel) -> Fit[MertonSource]:
    """Merton's jump diffusion with jumps common to all tokens, by maximum likelihood (EM).

    Standard errors from the outer product of the scores.

    Raises:
        InputError: too few days, a price that never moves, or no maximum found.
    """
    returns = returns_to_fit(panel)
    theta, errors = maximise_jumps(returns, panel.origin)
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
        maximise_jumps(returns[:, [column]], f"{panel.origin}: column {token}")
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
    jumps: Literal["common", "own"],
) -> MertonSource:
    drift, sigma, mean, spread = theta.reshape(4, -1)
    return MertonSource(
        **beginning(panel),
        **diffusion_fields(drift, sigma, correlation),
        intensity=intensity,
        jump_mean=as_numbers(mean),
        jump_volatility=as_numbers(spread),
        jumps=jumps,
    )
