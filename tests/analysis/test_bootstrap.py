"""Intervals against scipy, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.bootstrap import bca_bounds, mean_interval, statistic_interval, wilson_interval

SAMPLE = np.random.default_rng(3).gamma(4, size=25)


def test_bca_bounds_are_scipys_on_the_same_resamples() -> None:
    theirs = stats.bootstrap(
        (SAMPLE,), np.mean, n_resamples=999, method="BCa", rng=np.random.default_rng(1)
    )
    left_out = (SAMPLE.sum() - SAMPLE) / (len(SAMPLE) - 1)
    low, high = bca_bounds(
        theirs.bootstrap_distribution[:, None], np.array([SAMPLE.mean()]), left_out[:, None]
    )
    assert low[0] == pytest.approx(theirs.confidence_interval.low, rel=1e-9)
    assert high[0] == pytest.approx(theirs.confidence_interval.high, rel=1e-9)


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_mean_interval_agrees_with_scipy(confidence: float) -> None:
    theirs = stats.bootstrap(
        (SAMPLE,),
        np.mean,
        n_resamples=20_000,
        confidence_level=confidence,
        method="BCa",
        rng=np.random.default_rng(1),
    ).confidence_interval
    low, high = mean_interval(SAMPLE[:, None], confidence=confidence, resamples=20_000)[:, 0]
    assert low == pytest.approx(theirs.low, rel=0.01)
    assert high == pytest.approx(theirs.high, rel=0.01)


def test_statistic_interval_agrees_with_scipy() -> None:
    theirs = stats.bootstrap(
        (SAMPLE,), np.median, n_resamples=5000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    low, high = statistic_interval(SAMPLE, np.median, resamples=5000)
    assert low == pytest.approx(theirs.low, rel=0.05)
    assert high == pytest.approx(theirs.high, rel=0.05)


def test_covers_the_true_mean_about_as_often_as_it_says() -> None:
    """95 % intervals of means of 30 normal numbers: the bootstrap's own coverage is about 93 %."""
    rng = np.random.default_rng(5)
    low, high = mean_interval(rng.standard_normal((30, 1000)), resamples=1000)
    assert ((low < 0) & (high > 0)).mean() == pytest.approx(0.93, abs=0.03)


def test_many_rows_have_the_normal_interval() -> None:
    values = np.random.default_rng(1).gamma(4, size=(1001, 1))
    sample = stats.norm.interval(0.95, values.mean(), stats.sem(values[:, 0]))
    assert mean_interval(values)[:, 0] == pytest.approx(sample)
    # And that is where the bootstrap of one row fewer is, too.
    assert mean_interval(values[:-1])[:, 0] == pytest.approx(sample, rel=0.01)


def test_one_row_has_no_interval_and_equal_rows_one_point() -> None:
    assert np.isnan(mean_interval([[3.0]])).all()
    assert mean_interval(np.full((5, 1), 3.0)).tolist() == [[3.0], [3.0]]
    assert np.isnan(statistic_interval([3.0], np.median)).all()


@given(st.integers(2, 20), st.floats(-1e6, 1e6), st.floats(0.1, 100))
def test_moves_with_its_data(n: int, shift: float, scale: float) -> None:
    values = np.random.default_rng(n).standard_normal((n, 1))
    plain = mean_interval(values, resamples=200)
    moved = mean_interval(shift + scale * values, resamples=200)
    assert moved == pytest.approx(shift + scale * plain, rel=1e-6, abs=1e-5)
    assert plain[0] <= values.mean() <= plain[1]


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(case: tuple[int, int]) -> None:
    k, n = case
    theirs = stats.binomtest(k, n).proportion_ci(method="wilson")
    assert wilson_interval(k, n) == pytest.approx([theirs.low, theirs.high], abs=1e-9)
