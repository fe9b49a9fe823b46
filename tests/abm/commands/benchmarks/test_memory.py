"""A leak is seen, and what is no leak is not taken for one."""

from __future__ import annotations

import math

import pytest

from abm.commands.benchmarks.memory import Sample, growth, size_at

FLAT = [Sample(done / 100, 500, 800) for done in range(1, 101)]
LEAK = [Sample(done / 100, 500, 800 + 6 * done) for done in range(1, 101)]
FILLING = [Sample(done / 100, 500, 500 + 10 * min(done, 30)) for done in range(1, 101)]
"""A pool that fills in the first third."""


def test_flat_memory_does_not_grow() -> None:
    assert growth(FLAT, "worker") == pytest.approx(0, abs=1e-6)
    assert size_at(FLAT, "worker", 1 / 3) == size_at(FLAT, "worker", 1.0) == 800


def test_a_leak_grows_by_what_it_leaks() -> None:
    assert growth(LEAK, "worker") == pytest.approx(600)
    assert growth(LEAK, "client") == pytest.approx(0, abs=1e-6)


def test_a_pool_that_fills_early_is_no_leak() -> None:
    assert growth(FILLING, "worker") == pytest.approx(0, abs=1e-6)
    assert size_at(FILLING, "worker", 0.1) == 555  # the median over 1 % to 10 % of the course
    assert size_at(FILLING, "worker", 1.0) == 800


def test_one_large_sample_is_not_the_size() -> None:
    samples = [*FLAT[:-1], Sample(1.0, 500, 10**9)]
    assert size_at(samples, "worker", 1.0) == 800


def test_a_point_between_samples_is_the_nearest_one() -> None:
    samples = [Sample(0.2, 1, 10), Sample(0.9, 2, 20)]
    assert size_at(samples, "worker", 1 / 3) == 10
    assert size_at(samples, "client", 2 / 3) == 2


def test_one_sample_says_nothing_of_growth() -> None:
    assert math.isnan(growth([Sample(0.5, 1, 1)], "client"))
