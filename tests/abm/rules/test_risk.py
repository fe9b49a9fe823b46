"""Value at risk of a day: by hand, and in limits."""

from __future__ import annotations

import numpy as np
import pytest

from abm.rules.risk import (
    ewma_volatility,
    filtered_returns,
    historical_var,
    normal_var,
    stressed_returns,
)

TEN = -np.arange(1, 11)[:, None] / 100
"""Losses of 1 % to 10 %."""


def column(*returns: float) -> np.ndarray:
    return np.array(returns)[:, None]


def test_ewma_by_hand() -> None:
    """Returns of 1 %, then -2 %, weights 0.5 and 1: (0.5·1 + 4)/1.5 = 3 squared per cent."""
    before, after_one, after_two = ewma_volatility(column(0.01, -0.02), decay=0.5)[:, 0]
    assert np.isnan(before)
    assert (after_one, after_two) == pytest.approx((0.01, np.sqrt(3e-4)))


def test_ewma_does_not_forget_with_a_decay_near_one() -> None:
    returns = np.random.default_rng(1).normal(0, 0.02, (50, 3))
    last = ewma_volatility(returns, decay=1 - 1e-12)[-1]
    assert last == pytest.approx(np.sqrt((returns**2).mean(axis=0)))


def test_normal_quantile() -> None:
    assert normal_var(np.array([0.02]), 0.99) == pytest.approx([0.02 * 2.3263478740])


class TestHistorical:
    @pytest.mark.parametrize(
        ("confidence", "loss"), [(0.9, 0.09), (0.91, 0.10), (0.99, 0.10), (0.51, 0.06)]
    )
    def test_by_hand(self, confidence: float, loss: float) -> None:
        assert historical_var(TEN, confidence) == pytest.approx([loss])

    @pytest.mark.parametrize(
        ("weight", "confidence", "loss"),
        [
            (0.25, 0.75, 0.10),  # the ten weigh 7.5 % each and come to 75 %
            (0.25, 0.76, 0.20),
            (0.25, 0.60, 0.08),
            (0.0, 0.99, 0.10),
            (1.0, 0.51, 0.20),
        ],
    )
    def test_stressed_observations_have_their_weight(
        self, weight: float, confidence: float, loss: float
    ) -> None:
        stressed = column(-0.2, -0.2, -0.2)
        assert historical_var(TEN, confidence, stressed, weight) == pytest.approx([loss])

    def test_gains_ask_for_nothing(self) -> None:
        assert historical_var(-TEN, 0.99) == 0


class TestFiltered:
    def test_by_hand(self) -> None:
        """Ten returns of 1 %, then one of -2 %, at a decay of a half. The day of the fall begins
        with a volatility of 1 %: it fell by two of them. Weights of the ten come to 2 - 2^-9, so it
        ends with a variance of (0.5·(2 - 2^-9)·1 + 4)/(0.5·(2 - 2^-9) + 1) squared per cent."""
        half = 0.5 * (2 - 2**-9)
        today = np.sqrt((half * 1 + 4) / (half + 1)) / 100
        found = filtered_returns(column(*[0.01] * 10, -0.02), decay=0.5, lookback=250)
        assert found == pytest.approx(np.array([[-2 * today]]))

    def test_at_a_constant_volatility_it_is_the_returns(self) -> None:
        returns = column(*[0.01, -0.01] * 20)
        assert filtered_returns(returns, 0.94, 30) == pytest.approx(returns[-30:])

    def test_scales_with_todays_volatility(self) -> None:
        calm = np.random.default_rng(2).normal(0, 0.01, (300, 2))
        turbulent = np.vstack([calm, np.full((60, 2), -0.04)])
        ratio = historical_var(filtered_returns(turbulent, 0.9, 300), 0.99)
        assert (ratio > 3 * historical_var(filtered_returns(calm, 0.9, 300), 0.99)).all()

    def test_without_any_movement(self) -> None:
        assert not filtered_returns(np.zeros((40, 1)), 0.94, 250).any()


def test_stressed_sessions_are_each_tokens_own() -> None:
    returns = np.array([[0.01, 0.03], [0.05, -0.04], [-0.05, 0.01], [0.01, 0.01]])
    assert stressed_returns(returns, 2).T.tolist() == [[0.05, -0.05], [0.03, -0.04]]
    assert stressed_returns(returns, 9) is returns
