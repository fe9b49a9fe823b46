"""Parameters of models: correlation matrices, and how a scenario writes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from scenarios.prices.panel import PricePanel
from scenarios.prices.paths import Array


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


def as_numbers(values: Array) -> tuple[float, ...]:
    """One number a token, as a scenario writes them."""
    return tuple(float(value) for value in values)


def beginning(panel: PricePanel) -> dict[str, Any]:
    """Where a fitted model begins: the tokens of the data and their last closes."""
    return {"tokens": panel.tokens, "initial": as_numbers(panel.close[-1])}


def diffusion_fields(drift: Array, volatility: Array, correlation: Array) -> dict[str, Any]:
    """The fields of a diffusion.

    Args:
        drift: shape (tokens,).
        volatility: shape (tokens,).
        correlation: shape (tokens, tokens).
    """
    return {
        "drift": as_numbers(drift),
        "volatility": as_numbers(volatility),
        "correlation": tuple(as_numbers(row) for row in correlation),
    }
