"""Closed forms against published and simulated values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.formulas.closed_forms import (
    OVERSHOOT,
    close_out_loss,
    mean_absolute_gap_of_lag,
    mean_absolute_gap_of_threshold,
    mean_days_between_calls,
)


@pytest.mark.parametrize(("volatility", "days"), [(0.005, 21.0), (0.01, 6.67)])
def test_mean_days_between_calls(volatility: float, days: float) -> None:
    assert mean_days_between_calls(0.02, volatility) == pytest.approx(days, abs=0.01)


def test_overshoot_is_the_zeta_constant() -> None:
    """`-ζ(1/2)/√(2π)` with ζ(1/2) = -1.4603545 (Siegmund 1979)."""
    assert pytest.approx(1.4603545 / np.sqrt(2 * np.pi), abs=1e-4) == OVERSHOOT


def test_threshold_policy_against_a_simulated_walk() -> None:
    """The gap is a walk sent back to 0 when it leaves the band; 400,000 days with σ = β/8."""
    rng = np.random.default_rng(1)
    steps = 0.0025 * rng.standard_normal((2000, 200))
    gap, total, calls = np.zeros(200), 0.0, 0
    for step in steps:
        gap += step
        out = np.abs(gap) > 0.02
        calls += int(out.sum())
        gap[out] = 0.0
        total += np.abs(gap).sum()
    assert steps.size / calls == pytest.approx(mean_days_between_calls(0.02, 0.0025), rel=0.03)
    assert total / steps.size == pytest.approx(mean_absolute_gap_of_threshold(0.02), rel=0.08)


def test_model_0_mean_gap() -> None:
    assert mean_absolute_gap_of_lag(0.01) == pytest.approx(0.0079788, abs=1e-7)
    assert mean_absolute_gap_of_lag(0.01, 5e6) == pytest.approx(5e6 * 0.00797881, rel=1e-5)


@pytest.mark.parametrize(
    ("days", "loss", "probability"),
    [(1, 3.360e-5, 0.005315), (2, 4.0037e-4, 0.035982), (10, 7.64748e-3, 0.217873)],
)
def test_close_out_loss_table(days: float, loss: float, probability: float) -> None:
    found = close_out_loss(0.05, 0.02, days)
    assert found.expected_loss == pytest.approx(loss, rel=2e-4)
    assert found.shortfall_probability == pytest.approx(probability, abs=1e-6)


def test_close_out_loss_is_a_put() -> None:
    """Monte Carlo of `max(1 - S/(1-α), 0)`."""
    v = 0.03 * np.sqrt(5)
    z = np.random.default_rng(2).standard_normal(400_000)
    loss = np.maximum(1 - np.exp(v * np.append(z, -z) - v**2 / 2) / 0.98, 0)
    expected = close_out_loss(0.02, 0.03, 5)
    assert expected.expected_loss == pytest.approx(loss.mean(), rel=0.01)
    assert expected.shortfall_probability == pytest.approx((loss > 0).mean(), abs=0.002)


def test_close_out_limits() -> None:
    assert close_out_loss(0.05, 0.02, 0) == (0, 0)
    assert close_out_loss(0.999999, 0.02, 10).expected_loss < 1e-12
    with pytest.raises(ValueError, match="haircut"):
        close_out_loss(1.0, 0.02, 1)


@given(st.floats(0, 0.5), st.floats(0.001, 0.1), st.floats(0.5, 20))
def test_close_out_loss_falls_with_the_haircut_and_rises_with_time(
    haircut: float, volatility: float, days: float
) -> None:
    loss = close_out_loss(haircut, volatility, days).expected_loss
    assert -1e-12 <= loss <= 1
    assert close_out_loss(haircut + 0.05, volatility, days).expected_loss <= loss + 1e-12
    assert close_out_loss(haircut, volatility, 2 * days).expected_loss >= loss - 1e-12
