"""Threshold policy, Model 0 and close-out loss against their closed forms, through the market.

Shocks are normal quantiles in random order rather than random draws, which makes the error of a
mean over single days negligible; what is left comes from sums over several days.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import norm
from worlds import loan, market_of

from abm.model import CollateralMarket

Floats = npt.NDArray[np.float64]


def returns(days: int, paths: int, sigma: float, seed: int = 1) -> Floats:
    """Driftless log-normal daily growth factors, shape (days, paths)."""
    rng = np.random.default_rng(seed)
    count = days * paths
    shocks = rng.permutation(norm.ppf((np.arange(count) + 0.5) / count)).reshape(days, paths)
    return np.exp(sigma * shocks - sigma**2 / 2)


def many_paths(
    growth: Floats, unit: float, scenario: dict[str, Any] | None = None, **agreement: Any
) -> CollateralMarket:
    """One loan of one lender and borrower on every path, each secured by a token of its own."""
    paths = growth.shape[1]
    names = [f"T{i:03d}" for i in range(paths)]
    prices = 100 * np.vstack([np.ones(paths), growth.cumprod(axis=0)])
    return market_of(
        dict(zip(names, np.maximum(prices, 2 * unit).T, strict=True)),
        money={"currency": "JPY", "unit": unit},
        agreements={name: {**agreement, "priority": [name]} for name in names},
        loans=[
            loan(i, f"L{i}", f"B{i}", collateral={name: 10**6}, agreement=name)
            for i, name in enumerate(names)
        ],
        **(scenario or {}),
    )


@pytest.mark.parametrize(("sigma", "days", "expected"), [(0.005, 3000, 21.0), (0.01, 1500, 6.9)])
def test_days_between_calls_of_a_threshold(sigma: float, days: int, expected: float) -> None:
    """((β + 0.5826 σ)/σ)², Siegmund's correction of a two-sided exit time (reference results).

    Some 3,500 intervals of a standard deviation of about 0.8 of their mean: 1.5 %. A rule that
    calls at half the band, or one-sidedly, is off by a factor.
    """
    beta, paths = 0.02, 25
    market = many_paths(returns(days, paths, sigma), 1e-4, haircut=0.05, trigger=beta).run()
    frame = market.days_frame()
    interval = days * paths / frame["margin_calls"].sum()
    assert interval == pytest.approx(expected, rel=0.05)
    assert interval == pytest.approx(((beta + 0.5826 * sigma) / sigma) ** 2, rel=0.06)
    exposure = frame["exposure"].iloc[0]
    relative = frame["absolute_gap"].iloc[200:].mean() / exposure / beta
    if sigma == 0.005:
        # 1/3 as σ/β → 0; a simulation outside this market gave 0.362.
        assert relative == pytest.approx(0.362, rel=0.04)
    # Half of the calls go either way, but for the drift of the mean: tokens only change hands.
    assert frame["delivery_calls"].sum() == pytest.approx(frame["return_calls"].sum(), rel=0.1)


def test_gap_of_a_days_lag() -> None:
    """Model 0 under geometric Brownian motion: mean |d|/L = 2 (2 Φ(σ/2) - 1), 0.0079788 at 1 %."""
    market = many_paths(returns(400, 25, 0.01), 1e-4, model=0).run()
    frame = market.days_frame().iloc[1:]
    mean = (frame["absolute_gap"] / frame["exposure"]).mean()
    assert 2 * (2 * norm.cdf(0.005) - 1) == pytest.approx(0.0079788, rel=1e-4)
    assert mean == pytest.approx(0.0079788, rel=0.005)
    assert frame["margin_calls"].sum() == 400 * 25


def expected_loss(alpha: float, sigma: float, days: int) -> tuple[float, float]:
    """EL/L and P(shortfall) of a fully margined loan: a put on the collateral."""
    v = sigma * np.sqrt(days)
    d1 = (np.log(1 / (1 - alpha)) + v**2 / 2) / v
    d2 = d1 - v
    return norm.cdf(-d2) - norm.cdf(-d1) / (1 - alpha), norm.cdf(-d2)


def bridged(days: int, paths: int, sigma: float) -> Floats:
    """Growth factors whose product over all days runs through the quantiles, (days, paths)."""
    shocks = np.random.default_rng(2).standard_normal((days, paths))
    total = norm.ppf((np.arange(paths) + 0.5) / paths) * np.sqrt(days)
    shocks += (total - shocks.sum(axis=0)) / days
    return np.exp(sigma * shocks - sigma**2 / 2)


TABLE = [
    (0.05, 0.02, 1, 3.360e-5, 0.005315),
    (0.05, 0.02, 2, 4.0037e-4, 0.035982),
    (0.05, 0.02, 10, 7.64748e-3, 0.217873),
]


@pytest.mark.parametrize(("alpha", "sigma", "days", "loss", "share"), TABLE)
def test_close_out_loss_is_a_put_on_the_collateral(
    alpha: float, sigma: float, days: int, loss: float, share: float
) -> None:
    """EL/L = Φ(-d₂) - Φ(-d₁)/(1-α) with v = σ√τ; all borrowers default at once on day 1.

    The last call is met at day 1's price, whose move must not matter. A period that is a day too
    long or too short changes EL by factors at one and two days and by 14 % at ten.
    """
    assert expected_loss(alpha, sigma, days) == pytest.approx((loss, share), rel=1e-3)
    paths = 800
    growth = np.vstack([returns(1, paths, 0.05), bridged(days, paths, sigma), np.ones((1, paths))])
    market = many_paths(
        growth,
        1e-4,
        scenario={
            "defaults": {"scheduled": [{"participant": f"B{i}", "day": 1} for i in range(paths)]},
            "close_out": {"margin_period_of_risk": days},
        },
        haircut=alpha,
    ).run()
    table = market.participants_frame().set_index("participant")
    lost = table["losses"][[f"L{i}" for i in range(paths)]].to_numpy() / (0.95 * 100 * 10**6)
    assert market.summary()["defaults_exogenous"] == paths
    assert lost.mean() == pytest.approx(loss, rel=0.1 if days == 1 else 0.03)
    assert (lost > 1e-6).mean() == pytest.approx(share, abs=1.1 / paths)
    assert market.days_frame()["close_out_loss"].to_numpy().nonzero()[0].tolist() == [1 + days]


def staggered(growth: Floats, period: int, haircut: float, **fields: Any) -> CollateralMarket:
    """One borrower a day defaults, after its call of the day, on a loan of its own."""
    days = len(growth)
    number = days - period - 1
    path = 100 * np.concatenate([[1], growth.ravel().cumprod()])
    return market_of(
        {"A": path},
        money={"currency": "JPY", "unit": 1e-6},
        agreement={"haircut": haircut},
        participants={"lenders": 1, "borrowers": number},
        loan={"principal": 10_000_000},
        defaults={
            "scheduled": [
                {"participant": f"B{i:0{len(str(number))}d}", "day": i}
                for i in range(1, number + 1)
            ]
        },
        close_out={"margin_period_of_risk": period},
        **fields,
    ).run()


def test_close_out_losses_of_a_default_a_day() -> None:
    """The same over one long path with margining every day: EL/L at one day within its error."""
    loss, share = expected_loss(0.05, 0.02, 1)
    market = staggered(returns(2000, 1, 0.02), 1, 0.05)
    daily = market.days_frame()["close_out_loss"]
    count = market.summary()["defaults_exogenous"]
    assert market.summary()["exposure_at_default"] == count * 1e7
    assert daily.sum() / (count * 1e7) == pytest.approx(loss, rel=0.1)
    assert (daily > 0).sum() / count == pytest.approx(share, rel=0.1)


def test_no_loss_without_time_or_without_a_loan() -> None:
    """τ → 0 and α → 1 give no loss."""
    growth = returns(300, 1, 0.02)
    assert staggered(growth, 0, 0.05).summary()["close_out_loss"] == 0
    assert staggered(growth, 10, 0.6).summary()["close_out_loss"] == 0
    assert staggered(growth, 10, 0.0).summary()["close_out_loss"] > 0
