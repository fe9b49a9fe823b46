"""Fire sales: how sales move prices, and how that spreads through common holdings."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

B = float(-np.log(0.9) / 0.1)
"""Price response at which selling 10 % of what is outstanding lowers the price by 10 %."""


def price_after_sale(sold: npt.ArrayLike, outstanding: npt.ArrayLike, b: float = B) -> Floats:
    """Price after a sale as a fraction of the price before: `exp(-b · sold/outstanding)`.

    Cifuentes, Ferrucci and Shin (2005); the value of b is the usual one in system-wide stress
    tests (Farmer et al. 2020).

    Args:
        sold: tokens sold, any shape.
        outstanding: tokens outstanding (market depth), same shape.
        b: price response.
    """
    return np.exp(-b * np.asarray(sold, np.float64) / np.asarray(outstanding, np.float64))


class SpillOver(NamedTuple):
    """One round of sales after a shock; losses are positive."""

    direct_losses: Floats
    """Of each bank, from the shock itself; shape (banks,)."""
    sales: Floats
    """Value that each bank sells to restore its leverage; shape (banks,)."""
    price_change: Floats
    """Return of each asset because of these sales; shape (assets,)."""
    losses: Floats
    """Of each bank, because of these price changes; shape (banks,)."""


def spill_over(
    assets: npt.ArrayLike,
    leverage: npt.ArrayLike,
    weights: npt.ArrayLike,
    price_impact: npt.ArrayLike,
    shock: npt.ArrayLike,
) -> SpillOver:
    """Losses from one round of deleveraging (Greenwood, Landier and Thesmar 2015, equation 7).

    A bank whose assets return `Mf` sells `A·B·(-Mf)`, each asset in proportion to its holdings, to
    return to its leverage; sales of asset k move its price by `L_k` per unit of money.

    Args:
        assets: A, value of each bank's assets, shape (banks,).
        leverage: B, debt over equity, shape (banks,).
        weights: M, share of each asset in each bank's assets, shape (banks, assets).
        price_impact: L, return per unit of money sold, shape (assets,) or one number.
        shock: f, return of each asset, shape (assets,).
    """
    a, b = np.asarray(assets, np.float64), np.asarray(leverage, np.float64)
    m, f = np.asarray(weights, np.float64), np.asarray(shock, np.float64)
    returns = m @ f
    sales = -a * b * returns
    moved = -np.asarray(price_impact, np.float64) * (m.T @ sales)
    return SpillOver(-a * returns, sales, moved, -a * (m @ moved))
