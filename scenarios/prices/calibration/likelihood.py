"""What models are fitted to, and standard errors from the likelihood."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scenarios.errors import InputError
from scenarios.prices.history import log_returns_of
from scenarios.prices.panel import PricePanel
from scenarios.prices.paths import Array

SHORTEST = 60
"""Daily returns below which no model is fitted: about three months."""


def returns_to_fit(panel: PricePanel) -> Array:
    """Log-returns of a panel, shape (days, tokens), if a model can be fitted to them.

    Raises:
        InputError: too few days, or a price that never moves.
    """
    returns = log_returns_of(panel)
    if len(returns) < SHORTEST:
        raise InputError(
            f"{panel.origin}: {len(returns)} daily returns; a fit needs {SHORTEST} or more"
        )
    for token, column in zip(panel.tokens, returns.T, strict=True):
        if np.ptp(column) == 0:
            raise InputError(f"{panel.origin}: column {token}: the price never changes its pace")
    return returns


def standard_errors(contributions: Callable[[Array], Array], theta: Array) -> Array:
    """Standard errors of a maximum-likelihood estimate, shape of `theta`.

    From the outer product of the scores, by central differences (Berndt, Hall, Hall and Hausman
    1974): one likelihood call a parameter and direction, where second derivatives take k².

    Args:
        contributions: log-likelihood of each observation given the parameters, shape (days,).
        theta: the estimate, in the units the errors are wanted in.
    """
    scores = []
    for position, value in enumerate(theta):
        step = 1e-4 * max(abs(value), 1e-3)
        above, below = theta.copy(), theta.copy()
        above[position] += step
        below[position] -= step
        scores.append((contributions(above) - contributions(below)) / (2 * step))
    score = np.array(scores)
    information = score @ score.T
    scale = np.sqrt(np.diag(information))
    if not np.isfinite(scale).all() or (scale == 0).any():
        return np.full(theta.shape, np.nan)
    try:
        # Parameters differ in size by orders of magnitude: invert what is scaled to one.
        inverse = np.linalg.inv(information / np.outer(scale, scale))
    except np.linalg.LinAlgError:
        return np.full(theta.shape, np.nan)
    return np.asarray(np.sqrt(np.clip(np.diag(inverse), 0, None)) / scale)
