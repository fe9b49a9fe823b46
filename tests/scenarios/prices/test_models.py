"""Moments and identities of the price models, with enough paths that a wrong scaling fails.

The numbers are those of McNeil, Frey and Embrechts (Student-t), Bollerslev (GARCH), Merton (jumps)
and Hamilton (regimes), as the docstrings of the models give them.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.prices.garch import GarchParameters, garch_returns
from scenarios.prices.gbm import DiffusionParameters, gbm_returns
from scenarios.prices.merton import MertonParameters, merton_returns
from scenarios.prices.paths import Array, price_paths, round_to_tick
from scenarios.prices.regimes import RegimeParameters, regime_returns, regime_states
from scenarios.prices.student_t import StudentTParameters, student_t_returns

PATHS, DAYS = 2000, 250
MATRIX = np.array([[1.0, 0.6, -0.2], [0.6, 1.0, 0.1], [-0.2, 0.1, 1.0]])
SIGMA = np.array([0.01, 0.02, 0.04])
DRIFT = np.array([0.0, 0.001, -0.002])
BASE = DiffusionParameters(DRIFT, SIGMA, MATRIX)


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def pooled(returns: Array) -> Array:
    """Paths and days together, shape (paths · days, tokens)."""
    return returns.reshape(-1, returns.shape[-1])


def kurtosis(values: Array) -> float:
    centred = values - values.mean()
    return float((centred**4).mean() / (centred**2).mean() ** 2)


def squares_correlation(returns: Array, lag: int) -> float:
    """Autocorrelation of squared returns of one token, shape (paths, days)."""
    squares = returns**2
    return float(np.corrcoef(squares[:, :-lag].ravel(), squares[:, lag:].ravel())[0, 1])


def assert_diffusion(returns: Array, base: DiffusionParameters, rel: float = 0.01) -> None:
    """Mean `μ - σ²/2`, deviation σ and correlation, within five standard errors."""
    rows = pooled(returns)
    error = 5 / np.sqrt(len(rows))
    sigma = base.volatility
    np.testing.assert_allclose(rows.mean(axis=0), base.drift - sigma**2 / 2, atol=error * 0.04)
    np.testing.assert_allclose(rows.std(axis=0), sigma, rtol=rel)
    np.testing.assert_allclose(np.corrcoef(rows.T), base.correlation, atol=rel)


class TestGbm:
    def test_mean_and_covariance(self) -> None:
        returns = gbm_returns(BASE, DAYS, PATHS, rng())
        rows = pooled(returns)
        errors = SIGMA / np.sqrt(len(rows))
        # The -σ²/2 of the third token is thirteen standard errors.
        assert SIGMA[2] ** 2 / 2 > 13 * errors[2]
        assert (np.abs(rows.mean(axis=0) - (DRIFT - SIGMA**2 / 2)) < 4 * errors).all()
        assert_diffusion(returns, BASE, rel=0.006)

    def test_prices_grow_by_the_drift(self) -> None:
        """E[P(t)] = P(0)·exp(μt)."""
        returns = gbm_returns(BASE, 100, 20_000, rng())
        ends = np.exp(returns.sum(axis=1))
        errors = ends.std(axis=0) / np.sqrt(len(ends))
        assert (np.abs(ends.mean(axis=0) - np.exp(100 * DRIFT)) < 4 * errors).all()

    def test_days_are_independent(self) -> None:
        returns = gbm_returns(BASE, DAYS, PATHS, rng())[..., 0]
        assert abs(np.corrcoef(returns[:, :-1].ravel(), returns[:, 1:].ravel())[0, 1]) < 0.006
        assert abs(squares_correlation(returns, 1)) < 0.006

    def test_kurtosis_is_the_normals(self) -> None:
        assert kurtosis(gbm_returns(BASE, DAYS, PATHS, rng())[..., 0]) == pytest.approx(3, abs=0.03)

    def test_perfect_correlation(self) -> None:
        same = DiffusionParameters(np.zeros(2), np.array([0.01, 0.02]), np.ones((2, 2)))
        returns = gbm_returns(same, 50, 5, rng())
        np.testing.assert_allclose(returns[..., 1] + 2e-4, 2 * (returns[..., 0] + 5e-5), atol=1e-8)

    def test_no_volatility_is_the_drift(self) -> None:
        still = DiffusionParameters(DRIFT, np.zeros(3), MATRIX)
        np.testing.assert_allclose(
            gbm_returns(still, 4, 2, rng()), np.broadcast_to(DRIFT, (2, 4, 3))
        )


class TestStudentT:
    def test_sigma_is_the_standard_deviation_whatever_the_tails(self) -> None:
        for nu in (5.0, 12.0):
            returns = student_t_returns(StudentTParameters(BASE, nu), DAYS, PATHS, rng())
            # Without the rescaling, ν = 5 would be 29 % too volatile.
            assert_diffusion(returns, BASE, rel=0.02)

    def test_kurtosis_is_nine_at_five_degrees_of_freedom(self) -> None:
        """3(ν-2)/(ν-4). At ν = 5 the estimate is low for any number of draws one can make and has
        no variance; six degrees of freedom would give 6, though. ν = 12 is estimated sharply."""
        one = DiffusionParameters(np.zeros(1), np.array([0.02]), np.eye(1))
        five = student_t_returns(StudentTParameters(one, 5.0), 1000, 2000, rng(3))
        assert 7.0 < kurtosis(five) < 11.0
        twelve = student_t_returns(StudentTParameters(one, 12.0), 1000, 1000, rng())
        assert kurtosis(twelve) == pytest.approx(3 * 10 / 8, abs=0.09)

    def test_distribution_is_the_rescaled_t(self) -> None:
        from scipy import stats

        one = DiffusionParameters(np.array([0.0002]), np.array([0.02]), np.eye(1))
        returns = student_t_returns(StudentTParameters(one, 5.0), 500, 100, rng())
        exact = stats.t(5, loc=0.0, scale=0.02 * np.sqrt(3 / 5))
        assert stats.kstest(returns.ravel(), exact.cdf).pvalue > 0.01
        wrong = stats.t(5, loc=0.0, scale=0.02)
        assert stats.kstest(returns.ravel(), wrong.cdf).pvalue < 1e-6

    def test_tails_strike_all_tokens_on_the_same_day(self) -> None:
        """corr(x², y²) = ((k-1)/(3k-1)) with k = (ν-2)/(ν-4), for uncorrelated tokens."""
        two = DiffusionParameters(np.zeros(2), np.array([0.01, 0.01]), np.eye(2))
        squares = pooled(student_t_returns(StudentTParameters(two, 12.0), DAYS, PATHS, rng())) ** 2
        assert np.corrcoef(squares.T)[0, 1] == pytest.approx(0.25 / 2.75, abs=0.01)

    def test_many_degrees_of_freedom_are_the_normal(self) -> None:
        returns = student_t_returns(StudentTParameters(BASE, 1e6), DAYS, PATHS, rng())
        assert kurtosis(returns[..., 0]) == pytest.approx(3, abs=0.03)


class TestGarch:
    A, B = 0.1, 0.85

    def params(self, today: Array | None = None, tokens: int = 3) -> GarchParameters:
        sigma = SIGMA[:tokens]
        base = DiffusionParameters(DRIFT[:tokens], sigma, MATRIX[:tokens, :tokens])
        a, b = np.full(tokens, self.A), np.full(tokens, self.B)
        return GarchParameters(base, a, b, sigma if today is None else today)

    def test_unconditional_variance(self) -> None:
        """ω/(1-a-b) = σ², and every day of a path that starts there has it."""
        params = self.params()
        np.testing.assert_allclose(params.omega / (1 - self.A - self.B), SIGMA**2)
        returns = garch_returns(params, DAYS, 4000, rng())
        np.testing.assert_allclose(pooled(returns).std(axis=0), SIGMA, rtol=0.015)
        late = returns[:, -20:].reshape(-1, 3).std(axis=0)
        np.testing.assert_allclose(late, SIGMA, rtol=0.03)

    def test_correlation_is_that_of_innovations(self) -> None:
        """Known volatility on the first day: returns have the constant correlation itself."""
        first = garch_returns(self.params(), 1, 100_000, rng())
        assert_diffusion(first, BASE, rel=0.015)
        # Over time volatilities differ between tokens, and that dilutes the returns' correlation.
        later = np.corrcoef(pooled(garch_returns(self.params(), DAYS, PATHS, rng())).T)
        assert 0.55 < later[0, 1] < 0.6

    def test_kurtosis(self) -> None:
        """3(1-(a+b)²)/(1-(a+b)²-2a²) = 3.774194."""
        returns = garch_returns(self.params(tokens=1), 1200, 2000, rng())[:, 200:, 0]
        assert kurtosis(returns) == pytest.approx(3.774194, abs=0.12)

    def test_squares_are_autocorrelated(self) -> None:
        """ρ₁ = a(1-ab-b²)/(1-2ab-b²), then decaying by a+b a day (Bollerslev 1986)."""
        returns = garch_returns(self.params(tokens=1), 1200, 2000, rng())[:, 200:, 0]
        a, b = self.A, self.B
        first = a * (1 - a * b - b**2) / (1 - 2 * a * b - b**2)
        assert squares_correlation(returns, 1) == pytest.approx(first, abs=0.02)
        assert squares_correlation(returns, 10) == pytest.approx(first * 0.95**9, abs=0.02)

    def test_todays_volatility_returns_to_the_long_run(self) -> None:
        """E[h²(t)] = σ² + (a+b)ᵗ(h²(0) - σ²)."""
        params = self.params(today=np.array([0.03]), tokens=1)
        returns = garch_returns(params, 30, 60_000, rng())[..., 0]
        expected = SIGMA[0] ** 2 + 0.95 ** np.arange(30) * (0.03**2 - SIGMA[0] ** 2)
        measured = ((returns - (DRIFT[0] - SIGMA[0] ** 2 / 2)) ** 2).mean(axis=0)
        np.testing.assert_allclose(measured, expected, rtol=0.04)

    def test_without_feedback_it_is_a_diffusion(self) -> None:
        zero = np.zeros(3)
        params = GarchParameters(BASE, zero, zero, SIGMA)
        np.testing.assert_allclose(
            garch_returns(params, 20, 3, rng()), gbm_returns(BASE, 20, 3, rng())
        )


class TestMerton:
    def params(self, common: bool) -> MertonParameters:
        jumps = np.full(3, 0.05), np.array([-0.05, -0.02, 0.03]), np.array([0.03, 0.04, 0.02])
        return MertonParameters(BASE, *jumps, common)

    @pytest.mark.parametrize("common", [True, False])
    def test_moments(self, common: bool) -> None:
        """Variance σ² + λ(m²+s²), third central moment λ(m³+3ms²)."""
        params = self.params(common)
        rows = pooled(merton_returns(params, DAYS, 4000, rng()))
        m, s, rate = params.jump_mean, params.jump_volatility, 0.05
        variance = SIGMA**2 + rate * (m**2 + s**2)
        compensator = rate * np.expm1(m + s**2 / 2)
        mean = DRIFT - SIGMA**2 / 2 - compensator + rate * m
        errors = np.sqrt(variance / len(rows))
        assert (np.abs(rows.mean(axis=0) - mean) < 4 * errors).all()
        np.testing.assert_allclose(rows.var(axis=0), variance, rtol=0.01)
        third = ((rows - rows.mean(axis=0)) ** 3).mean(axis=0)
        np.testing.assert_allclose(third, rate * (m**3 + 3 * m * s**2), rtol=0.05)

    def test_prices_grow_by_the_drift_whatever_the_jumps(self) -> None:
        returns = merton_returns(self.params(True), 60, 60_000, rng())
        ends = np.exp(returns.sum(axis=1))
        errors = ends.std(axis=0) / np.sqrt(len(ends))
        assert (np.abs(ends.mean(axis=0) - np.exp(60 * DRIFT)) < 4 * errors).all()

    @pytest.mark.parametrize("common", [True, False])
    def test_only_common_jumps_add_covariance(self, common: bool) -> None:
        """cov = ρσσ, plus λ(mm + ss) if jumps and their size are shared."""
        params = self.params(common)
        m, s = params.jump_mean, params.jump_volatility
        covariance = np.cov(pooled(merton_returns(params, DAYS, 4000, rng())).T)
        expected = MATRIX * np.outer(SIGMA, SIGMA)
        if common:
            expected = expected + 0.05 * (np.outer(m, m) + np.outer(s, s))
        upper = np.triu_indices(3, 1)
        np.testing.assert_allclose(covariance[upper], expected[upper], atol=4e-6)

    def test_without_jumps_it_is_a_diffusion(self) -> None:
        none = MertonParameters(BASE, np.zeros(3), np.ones(3), np.ones(3), True)
        np.testing.assert_allclose(
            merton_returns(none, 20, 3, rng()), gbm_returns(BASE, 20, 3, rng())
        )


class TestRegimes:
    CALM = DiffusionParameters(np.zeros(2), np.array([0.01, 0.01]), np.eye(2))
    WILD = DiffusionParameters(
        np.zeros(2), np.array([0.04, 0.03]), np.array([[1.0, 0.8], [0.8, 1.0]])
    )
    PARAMS = RegimeParameters(CALM, WILD, leave_calm=0.02, leave_turbulent=0.1)

    def test_share_and_length_of_the_states(self) -> None:
        states = regime_states(self.PARAMS, DAYS, 4000, rng())
        assert self.PARAMS.turbulent_share == pytest.approx(1 / 6)
        assert states.mean() == pytest.approx(1 / 6, abs=0.008)
        assert states[:, 0].mean() == pytest.approx(1 / 6, abs=0.03)
        left = (states[:, :-1] & ~states[:, 1:]).sum() / states[:, :-1].sum()
        entered = (~states[:, :-1] & states[:, 1:]).sum() / (~states[:, :-1]).sum()
        assert left == pytest.approx(0.1, abs=0.003)
        assert entered == pytest.approx(0.02, abs=0.001)

    def test_variance_is_the_mixtures(self) -> None:
        rows = pooled(regime_returns(self.PARAMS, DAYS, 8000, rng()))
        np.testing.assert_allclose(
            (rows**2).mean(axis=0), 5 / 6 * 0.01**2 + 1 / 6 * np.array([0.04, 0.03]) ** 2, rtol=0.03
        )
        covariance = np.cov(rows.T)[0, 1]
        assert covariance == pytest.approx(1 / 6 * 0.8 * 0.04 * 0.03, rel=0.03)

    def test_squares_decay_as_the_chain_forgets(self) -> None:
        """cov(r²(t), r²(t+k)) = π(1-π)(σ₁²-σ₀²)²(1-p-q)ᵏ."""
        returns = regime_returns(self.PARAMS, DAYS, 8000, rng())[..., 0]
        squares = returns**2 - (returns**2).mean()
        scale = 5 / 36 * (0.04**2 - 0.01**2) ** 2
        for lag in (1, 5, 10):
            measured = (squares[:, :-lag] * squares[:, lag:]).mean()
            assert measured == pytest.approx(scale * 0.88**lag, rel=0.06)

    @pytest.mark.parametrize(("start", "share"), [("calm", 0.0), ("turbulent", 1.0)])
    def test_the_first_days_state_can_be_given(self, start: str, share: float) -> None:
        params = RegimeParameters(self.CALM, self.WILD, 0.02, 0.1, start)  # type: ignore[arg-type]
        assert regime_states(params, 5, 100, rng())[:, 0].mean() == share

    def test_one_state_is_a_diffusion(self) -> None:
        params = RegimeParameters(self.CALM, self.WILD, 1e-300, 1.0, "calm")
        returns = regime_returns(params, DAYS, PATHS, rng())
        assert_diffusion(returns, self.CALM)


class TestPricePaths:
    @given(
        initial=st.floats(0.01, 1e5),
        volatility=st.floats(0.0, 1.0),
        tick=st.sampled_from([0.01, 0.05, 0.1, 0.5, 1.0, 5.0]),
        seed=st.integers(0, 1000),
    )
    @settings(max_examples=60)
    def test_prices_are_on_the_grid_and_positive(
        self, initial: float, volatility: float, tick: float, seed: int
    ) -> None:
        returns = rng(seed).normal(0, volatility, (3, 40, 2))
        prices = price_paths(np.full(2, initial), returns, tick)
        assert prices.shape == (3, 41, 2)
        assert (prices >= tick).all()
        ticks = prices / tick
        np.testing.assert_allclose(ticks, np.rint(ticks), rtol=1e-9)

    def test_rounding_does_not_accumulate(self) -> None:
        returns = np.full((1, 1000, 1), 1e-4)
        prices = price_paths(np.array([100.0]), returns, 1.0)
        assert prices[0, -1, 0] == round(100 * np.exp(0.1))

    def test_a_fall_stops_at_one_tick(self) -> None:
        prices = price_paths(np.array([100.0]), np.full((1, 10, 1), -5.0), 0.5)
        assert prices[0, -1, 0] == 0.5

    def test_cents_are_the_closest_doubles(self) -> None:
        assert round_to_tick(np.array([12.3449]), 0.01).item() == 12.34

    def test_exact_path(self) -> None:
        returns = np.log(np.array([[[1.1], [0.5]]]))
        np.testing.assert_allclose(
            price_paths(np.array([100.0]), returns, 0.01)[0, :, 0], [100, 110, 55]
        )
