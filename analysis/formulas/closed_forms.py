"""Closed forms that simulations can be held against: threshold policy, Model 0, close-out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

OVERSHOOT = 0.5826
"""`-ζ(1/2)/√(2π)`: how far, in daily standard deviations, a walk overshoots a barrier on average
(Siegmund 1979; Broadie, Glasserman and Kou 1997)."""


def mean_days_between_calls(trigger: float, volatility: float) -> float:
    """Mean days from one margin call to the next under a two-sided trigger, without drift.

    `((β + 0.5826 σ)/σ)²`: the mean time at which Brownian motion leaves `±b` is `(b/σ)²`, and daily
    observation moves the barrier outwards (Siegmund 1979). Good for `σ ≤ β/2`.

    Args:
        trigger: β, as a fraction of the loan.
        volatility: σ, daily standard deviation of the collateral's log-return.
    """
    return ((trigger + OVERSHOOT * volatility) / volatility) ** 2


def mean_absolute_gap_of_threshold(trigger: float, loan: float = 1.0) -> float:
    """Mean `|d|` under a trigger β as daily volatility over β goes to 0: `βL/3`.

    In the limit the gap is Brownian motion sent back to 0 whenever it leaves `±βL`; its long-run
    density falls linearly from 0 to the ends of the band.

    Args:
        trigger: β, as a fraction of the loan.
        loan: L, its value.
    """
    return trigger * loan / 3


def mean_absolute_gap_of_lag(volatility: float, loan: float = 1.0) -> float:
    """Mean `|d|` of Model 0 (calls settle a day late) under driftless geometric Brownian motion.

    `E|S - 1| L` of one day's log-normal return S with mean 1: `2·(2Φ(σ/2) - 1)·L`, twice an
    at-the-money call (Black and Scholes 1973).

    Args:
        volatility: σ, daily standard deviation of the collateral's log-return.
        loan: L, its value.
    """
    return float(2 * (2 * ndtr(volatility / 2) - 1) * loan)


class CloseOutLoss(NamedTuple):
    """Expected loss as a fraction of the loan, and probability of a shortfall."""

    expected_loss: float
    shortfall_probability: float


def close_out_loss(haircut: float, volatility: float, days: float) -> CloseOutLoss:
    """Loss on a fully margined loan whose borrower defaults and whose collateral is then sold.

    The loss `max(L - C·S, 0)` with `C = L/(1-α)` is a put on the collateral: with `v = σ√τ`,
    `d₁ = (ln(1/(1-α)) + v²/2)/v` and `d₂ = d₁ - v`, `EL/L = Φ(-d₂) - Φ(-d₁)/(1-α)` and
    `P(shortfall) = Φ(-d₂)` (Black and Scholes 1973, without interest).

    Args:
        haircut: α, from 0 to below 1.
        volatility: σ, daily standard deviation of the log-return of the one collateral token.
        days: τ, margin period of risk.
    """
    if not 0 <= haircut < 1:
        raise ValueError(f"haircut must lie between 0 and 1 (it is {haircut})")
    v = volatility * np.sqrt(days)
    cover = 1 / (1 - haircut)
    if v == 0:
        return CloseOutLoss(0.0, 0.0)
    d1 = (np.log(cover) + v**2 / 2) / v
    d2 = d1 - v
    return CloseOutLoss(float(ndtr(-d2) - ndtr(-d1) * cover), float(ndtr(-d2)))
