"""How losses spread over a network of debts: clearing vectors and DebtRank."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Clearing(NamedTuple):
    """What everybody pays, and is left with; shape (participants,) each."""

    payments: Floats
    """The greatest clearing vector p."""
    equity: Floats
    """Outside assets and payments received, less payments made."""
    defaulted: npt.NDArray[np.bool_]
    """Who pays less than it owes."""


def clearing_vector(liabilities: npt.ArrayLike, outside_assets: npt.ArrayLike) -> Clearing:
    """The greatest clearing vector of `p = min(p̄, e + Πᵀp)` (Eisenberg and Noe 2001).

    Everybody pays in full or all it has, in proportion to its debts. Found with their fictitious
    default algorithm, in at most as many rounds as there are participants.

    Args:
        liabilities: what i owes j, shape (n, n), none negative.
        outside_assets: e, shape (n,), none negative.

    Raises:
        ValueError: shapes that do not fit, or negative numbers.
    """
    owed = np.asarray(liabilities, np.float64).copy()
    e = np.asarray(outside_assets, np.float64)
    n = len(e)
    if owed.shape != (n, n):
        raise ValueError(f"liabilities must have shape ({n}, {n}), not {owed.shape}")
    if (owed < 0).any() or (e < 0).any():
        raise ValueError("liabilities and outside assets must not be negative")
    np.fill_diagonal(owed, 0.0)
    total = owed.sum(axis=1)
    share = np.divide(owed, total[:, None], out=np.zeros_like(owed), where=total[:, None] > 0)
    tolerance = 1e-12 * max(float(total.max(initial=0.0)), float(e.max(initial=0.0)))
    defaulted = np.zeros(n, bool)
    paid = total.copy()
    for _ in range(n):
        short = e + share.T @ paid < total - tolerance
        if not (short & ~defaulted).any():
            break
        defaulted |= short
        # Those in default pay all they have: linear equations in what they pay to one another.
        d = np.flatnonzero(defaulted)
        from_solvent = share[~defaulted][:, d].T @ total[~defaulted]
        inside = np.eye(len(d)) - share[np.ix_(d, d)].T
        paid[d] = np.clip(np.linalg.solve(inside, e[d] + from_solvent), 0.0, total[d])
    return Clearing(paid, e + share.T @ paid - paid, defaulted)


def debt_rank(
    impact: npt.ArrayLike, shock: npt.ArrayLike, *, linear: bool = True, tolerance: float = 1e-13
) -> Floats:
    """Final distress of everybody after a first shock (DebtRank).

    `linear`: `h(t+1) = min(1, h(t) + Wᵀ(h(t) - h(t-1)))`, every rise of distress travels on
    (Bardoscia et al. 2015). Otherwise each participant passes on its distress once, one day after
    it was first hit, and no more (Battiston et al. 2012); the two differ where there are cycles.

    Args:
        impact: W, the part of j's equity that i's failure costs, shape (n, n).
        shock: h(0), relative losses of equity at the start, shape (n,), from 0 to 1.
        linear: which of the two.
        tolerance: rises smaller than this end the linear iteration, which is slow where the
            largest eigenvalue of W is nearly 1.

    Returns:
        h, relative losses of equity in the end, shape (n,).

    Raises:
        ValueError: shapes that do not fit, or numbers out of range.
    """
    w = np.asarray(impact, np.float64)
    h = np.asarray(shock, np.float64).copy()
    if w.shape != (len(h), len(h)):
        raise ValueError(f"impact must have shape ({len(h)}, {len(h)}), not {w.shape}")
    if (w < 0).any() or (h < 0).any() or (h > 1).any():
        raise ValueError("impacts must not be negative, shocks lie between 0 and 1")
    if linear:
        rise = h.copy()
        while rise.max(initial=0.0) > tolerance:
            after = np.minimum(1.0, h + w.T @ rise)
            h, rise = after, after - h
        return h
    active, spent = h > 0, np.zeros(len(h), bool)
    while active.any():
        h = np.minimum(1.0, h + w.T @ np.where(active, h, 0.0))
        spent |= active
        active = (h > 0) & ~spent
    return h


def debt_rank_loss(final: npt.ArrayLike, shock: npt.ArrayLike, value: npt.ArrayLike) -> float:
    """DebtRank's number: the share of all value lost beyond the first shock, `Σ(h - h(0))·v`.

    Args:
        final: h, from `debt_rank`.
        shock: h(0).
        value: economic value of each participant; scaled to sum to 1.
    """
    v = np.asarray(value, np.float64)
    rise = np.asarray(final, np.float64) - np.asarray(shock, np.float64)
    return float((rise * v).sum() / v.sum())
