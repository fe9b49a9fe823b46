"""What all price models share: correlated draws, and returns turned into prices."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from scenarios.errors import InputError
from scenarios.kept import shared

Array = npt.NDArray[np.float64]


def correlation_matrix(correlation: Any, tokens: int, field: str = "correlation") -> Array:
    """A correlation matrix, shape (tokens, tokens), from a matrix or one number for all pairs.

    Raises:
        InputError: wrong shape, not symmetric, a diagonal other than 1, or values that no set of
            random variables can have (a negative eigenvalue).
    """
    matrix = np.asarray(correlation, dtype=np.float64)
    if matrix.ndim == 0:
        matrix = np.where(np.eye(tokens, dtype=bool), 1.0, matrix)
    if matrix.shape != (tokens, tokens):
        raise InputError(
            f"{field}: expected one number or {tokens} rows of {tokens} numbers,"
            f" one for each token; got shape {matrix.shape}"
        )
    if not (np.allclose(matrix, matrix.T) and np.allclose(np.diag(matrix), 1.0)):
        raise InputError(f"{field}: must be symmetric with 1 on the diagonal")
    smallest = float(np.linalg.eigvalsh(matrix)[0])
    if smallest < -1e-8:
        raise InputError(
            f"{field}: not a correlation matrix (smallest eigenvalue {smallest:.3g} < 0)"
        )
    return matrix


def factor(matrix: Array) -> Array:
    """A matrix F with F Fᵀ = `matrix` (symmetric, positive semidefinite)."""
    try:
        return np.asarray(np.linalg.cholesky(matrix), dtype=np.float64)
    except np.linalg.LinAlgError:
        # Perfectly correlated tokens: only semidefinite, which Cholesky refuses.
        values, vectors = np.linalg.eigh(matrix)
        return np.asarray(vectors * np.sqrt(np.clip(values, 0.0, None)))


def correlated_normals(
    correlation: Array, days: int, paths: int, rng: np.random.Generator
) -> Array:
    """Standard normals with this correlation across tokens, shape (paths, days, tokens)."""
    tokens = len(correlation)
    draws = rng.standard_normal((paths, days, tokens))
    mixes = shared(correlation).get("factor", lambda: _mixing(correlation))
    return draws if mixes is None else np.asarray(draws @ mixes.T)


def _mixing(correlation: Array) -> Array | None:
    """What normals that are independent are multiplied with; None for nothing."""
    return None if np.array_equal(correlation, np.eye(len(correlation))) else factor(correlation)


def round_to_tick(prices: Array, tick: float) -> Array:
    """Prices on the grid of `tick` (money), at least one tick, any shape."""
    per_unit = round(1 / tick)
    # Dividing by a whole number gives the closest double to 12.34; multiplying by 0.01 may not.
    if per_unit >= 1 and abs(per_unit * tick - 1) < 1e-12:
        ticks = np.rint(prices * per_unit)
        return np.asarray(np.maximum(ticks, 1.0) / per_unit)
    return np.asarray(np.maximum(np.rint(prices / tick), 1.0) * tick)


def price_paths(initial: Array, log_returns: Array, tick: float) -> Array:
    """Prices that begin at `initial` and follow the returns.

    Args:
        initial: prices of the first day, shape (tokens,), money.
        log_returns: shape (paths, days - 1, tokens).
        tick: smallest price step, money.

    Returns:
        Prices, shape (paths, days, tokens), on the grid of the tick and never at or below zero.
        Rounding is of the level, so it does not accumulate.
    """
    paths, steps, tokens = log_returns.shape
    growth = np.zeros((paths, steps + 1, tokens))
    np.cumsum(log_returns, axis=1, out=growth[:, 1:])
    with np.errstate(over="ignore", invalid="ignore"):
        np.exp(growth, out=growth)
        growth *= initial
        return round_to_tick(growth, tick)


def per_token(value: Any, tokens: int, field: str, low: float | None = None) -> Array:
    """One number for each token, shape (tokens,), from a list or from one number for all.

    Raises:
        InputError: wrong length, not finite, or a number below `low`.
    """
    numbers = np.asarray(value, dtype=np.float64)
    if numbers.ndim == 0:
        numbers = np.full(tokens, numbers)
    if numbers.shape != (tokens,):
        raise InputError(
            f"{field}: expected one number or {tokens}, one for each token; got {numbers.size}"
        )
    if not np.isfinite(numbers).all() or (low is not None and (numbers < low).any()):
        bound = "" if low is None else f" of at least {low:g}"
        raise InputError(f"{field}: expected finite numbers{bound}; got {numbers.tolist()}")
    return numbers
