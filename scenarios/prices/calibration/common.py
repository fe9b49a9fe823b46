"""What all fits share: their result, and standard errors from the likelihood."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from scenarios.errors import InputError
from scenarios.prices.history import log_returns_of
from scenarios.prices.model_source import ModelSource
from scenarios.prices.panel import PricePanel
from scenarios.prices.paths import Array

SHORTEST = 60
"""Daily returns below which no model is fitted: about three months."""

Source = TypeVar("Source", bound=ModelSource, covariant=True)


@dataclass(frozen=True)
class Estimate:
    """One fitted number.

    Attributes:
        parameter: as the field is called in a scenario.
        tokens: the token, pair of tokens or state it belongs to; empty for all.
        value: the estimate.
        error: its standard error; NaN where the data do not determine one.
    """

    parameter: str
    tokens: str
    value: float
    error: float


@dataclass(frozen=True)
class Fit(Generic[Source]):
    """A fitted model.

    Attributes:
        source: the model with the fitted parameters, ready for a scenario; its first prices are
            the last closes of the data.
        estimates: the parameters with standard errors.
        log_likelihood: of the daily log-returns under the fitted model.
        joint: whether that is the likelihood of all tokens together; otherwise it is the sum
            over tokens one by one, and not comparable with a joint one.
    """

    source: Source
    estimates: tuple[Estimate, ...]
    log_likelihood: float
    joint: bool = True

    @property
    def aic(self) -> float:
        """Akaike's criterion, 2k - 2 ln L: the lower, the better the model for these data."""
        return 2 * len(self.estimates) - 2 * self.log_likelihood


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


def pairs(count: int) -> tuple[Any, Any]:
    """Row and column of each pair of tokens, in reading order of the upper triangle."""
    return np.triu_indices(count, 1)


def symmetric(upper: Array, count: int) -> Array:
    """Correlation matrix from its upper triangle, shape (count, count)."""
    matrix = np.eye(count)
    rows, columns = pairs(count)
    matrix[rows, columns] = matrix[columns, rows] = upper
    return matrix


def nearest_correlation(matrix: Array) -> Array:
    """The matrix with negative eigenvalues removed and its diagonal brought back to 1."""
    values, vectors = np.linalg.eigh(matrix)
    if values[0] >= 0:
        return matrix
    lifted = vectors * np.clip(values, 1e-10, None) @ vectors.T
    scale = np.sqrt(np.diag(lifted))
    return np.asarray(lifted / np.outer(scale, scale))


def by_token(
    parameter: str, tokens: tuple[str, ...], values: Array, errors: Array
) -> Iterator[Estimate]:
    """An estimate for each token."""
    for token, value, error in zip(tokens, values, errors, strict=True):
        yield Estimate(parameter, token, float(value), float(error))


def by_pair(
    tokens: tuple[str, ...], upper: Array, errors: Array, state: str = ""
) -> Iterator[Estimate]:
    """An estimate of the correlation for each pair of tokens."""
    rows, columns = pairs(len(tokens))
    for row, column, value, error in zip(rows, columns, upper, errors, strict=True):
        yield Estimate(
            f"{state}correlation", f"{tokens[row]}, {tokens[column]}", float(value), float(error)
        )


def as_rows(matrix: Array) -> tuple[tuple[float, ...], ...]:
    """A matrix as a scenario writes it."""
    return tuple(tuple(float(cell) for cell in row) for row in matrix)


def as_numbers(values: Array) -> tuple[float, ...]:
    """One number a token, as a scenario writes them."""
    return tuple(float(value) for value in values)
