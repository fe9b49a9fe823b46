"""Chains of re-used collateral."""

from __future__ import annotations


def reuse_total(primary: float, haircut: float, rate: float, length: int) -> float:
    """Collateral held in a chain of `n` re-uses: `A₀(1 - q^(n+1))/(1 - q)` with `q = (1-h)θ`.

    Every holder passes on the part θ of what it received, and of that the next one gets the value
    after haircut (Singh 2011; geometric series).

    Args:
        primary: A₀, collateral from its primary source.
        haircut: h, from 0 to 1.
        rate: θ, part of the received collateral that is posted further, from 0 to 1.
        length: n, number of re-uses.
    """
    q = (1 - haircut) * rate
    return primary * (length + 1 if q == 1 else (1 - q ** (length + 1)) / (1 - q))


def reuse_multiplier(haircut: float, rate: float, length: int | None = None) -> float:
    """Collateral held over collateral from its primary source (collateral velocity, Singh 2011).

    Args:
        haircut: h.
        rate: θ.
        length: n, number of re-uses; without it the limit `1/(1 - q)` of an endless chain.
    """
    if length is not None:
        return reuse_total(1.0, haircut, rate, length)
    q = (1 - haircut) * rate
    return float("inf") if q == 1 else 1 / (1 - q)
