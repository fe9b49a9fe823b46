"""Clearing vectors and DebtRank."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis.formulas.contagion import clearing_vector, debt_rank, debt_rank_loss

amounts = st.floats(0, 100).map(lambda x: round(x, 3))
systems = st.integers(1, 6).flatmap(
    lambda n: st.tuples(arrays(float, (n, n), elements=amounts), arrays(float, n, elements=amounts))
)


class TestClearing:
    """Eisenberg and Noe (2001)."""

    def test_chain(self) -> None:
        found = clearing_vector([[0, 10, 0], [0, 0, 10], [0, 0, 0]], [4, 1, 0])
        assert found.payments.tolist() == [4, 5, 0]
        assert found.defaulted.tolist() == [True, True, False]
        assert found.equity.tolist() == [0, 0, 5]

    def test_two_that_owe_each_other(self) -> None:
        found = clearing_vector([[0, 10], [5, 0]], [3, 1])
        assert found.payments == pytest.approx([8, 5])
        assert found.equity == pytest.approx([0, 4])

    def test_ring_of_equal_debts_pays_in_full(self) -> None:
        found = clearing_vector(np.roll(np.eye(5), 1, axis=1) * 7, np.zeros(5))
        assert found.payments.tolist() == [7] * 5
        assert not found.defaulted.any()

    def test_refuses_what_does_not_fit(self) -> None:
        with pytest.raises(ValueError, match="shape"):
            clearing_vector(np.zeros((2, 3)), [1, 1])
        with pytest.raises(ValueError, match="negative"):
            clearing_vector([[0, -1], [0, 0]], [1, 1])

    @given(systems)
    def test_is_the_greatest_fixed_point(self, system: tuple[np.ndarray, np.ndarray]) -> None:
        owed, e = system
        np.fill_diagonal(owed, 0)
        total = owed.sum(axis=1)
        found = clearing_vector(owed, e)
        assert (found.payments <= total + 1e-9).all()
        assert (found.payments >= -1e-9).all()
        # Equity is positive only of those who pay in full.
        assert (found.equity >= -1e-6).all()
        assert found.payments[found.equity > 1e-6] == pytest.approx(total[found.equity > 1e-6])
        # Iterating from above falls to the greatest fixed point and never below it.
        share = owed / np.where(total > 0, total, 1)[:, None]
        p = total
        for _ in range(3000):
            p = np.minimum(total, e + share.T @ p)
        assert (found.payments <= p + 1e-6).all()
        after = np.minimum(total, e + share.T @ found.payments)
        assert after == pytest.approx(found.payments, abs=1e-6)

    @given(systems, st.floats(0, 50))
    def test_more_assets_never_lower_a_payment(
        self, system: tuple[np.ndarray, np.ndarray], more: float
    ) -> None:
        owed, e = system
        richer = e.copy()
        richer[0] += more
        before, after = clearing_vector(owed, e), clearing_vector(owed, richer)
        assert (after.payments >= before.payments - 1e-6).all()


class TestDebtRank:
    """Battiston et al. (2012), Bardoscia et al. (2015)."""

    @pytest.mark.parametrize("linear", [True, False])
    def test_chain(self, linear: bool) -> None:
        impact = [[0, 0.5, 0], [0, 0, 0.4], [0, 0, 0]]
        assert debt_rank(impact, [1, 0, 0], linear=linear) == pytest.approx([1, 0.5, 0.2])

    def test_two_cycle(self) -> None:
        impact = [[0, 0.5], [0.5, 0]]
        assert debt_rank(impact, [0.2, 0]) == pytest.approx([0.2 / 0.75, 0.1 / 0.75])
        # The original passes each distress on once: 1 hits 2 with 0.1, 2 hits 1 with 0.05.
        assert debt_rank(impact, [0.2, 0], linear=False) == pytest.approx([0.25, 0.1])

    def test_lost_share_of_value(self) -> None:
        assert debt_rank_loss([1, 0.5, 0.2], [1, 0, 0], [1, 1, 2]) == pytest.approx(0.225)

    def test_refuses_a_shock_above_one(self) -> None:
        with pytest.raises(ValueError, match="between 0 and 1"):
            debt_rank([[0.0]], [1.5])

    @given(
        st.integers(1, 6).flatmap(
            lambda n: st.tuples(
                arrays(float, (n, n), elements=st.sampled_from([0, 0.1, 0.3, 0.6, 1.5])),
                arrays(float, n, elements=st.sampled_from([0, 0.05, 0.2, 0.7, 1])),
            )
        )
    )
    def test_between_shock_and_one_and_linear_form_is_larger(
        self, system: tuple[np.ndarray, np.ndarray]
    ) -> None:
        impact, shock = system
        linear, original = debt_rank(impact, shock), debt_rank(impact, shock, linear=False)
        assert (original >= shock).all()
        assert (linear >= original - 1e-9).all()
        assert (linear <= 1).all()
