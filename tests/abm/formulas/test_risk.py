"""By hand: the tail's mean, and concentration."""

from __future__ import annotations

import numpy as np
import pytest

from abm.formulas.risk import concentration, tail_mean


def test_the_smallest_of_the_tail_counts_with_its_fraction() -> None:
    assert tail_mean(np.array([10.0]), 1) == 10
    # 2.5 losses of 10, 9 and 8: (10 + 9 + 0.5 · 8) / 2.5.
    assert tail_mean(np.array([8.0, 10, 9]), 2.5) == pytest.approx(9.2)


def test_concentration() -> None:
    assert concentration(np.array([1.0, 1, 1, 1])) == 0.25
    assert concentration(np.array([3.0, 1])) == pytest.approx(10 / 16)
    assert concentration(np.array([7.0, 0])) == 1
    assert concentration(np.zeros(3)) == 0
    assert concentration(np.zeros(0)) == 0
