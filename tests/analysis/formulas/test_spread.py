"""Fire sales, chains of re-use, and the default waterfall."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.formulas.collateral_chain import reuse_multiplier, reuse_total
from analysis.formulas.fire_sales import B, price_after_sale, spill_over
from analysis.formulas.waterfall import default_waterfall


class TestFireSales:
    def test_a_tenth_sold_lowers_the_price_by_a_tenth(self) -> None:
        """Cifuentes, Ferrucci and Shin (2005)."""
        assert pytest.approx(1.053605, abs=1e-6) == B
        assert price_after_sale(10, 100) == pytest.approx(0.9)
        assert price_after_sale(0, 100) == 1

    def test_selling_twice_is_selling_it_all(self) -> None:
        twice = price_after_sale(3, 50) * price_after_sale(4, 50)
        assert price_after_sale(7, 50) == pytest.approx(twice)

    def test_one_bank(self) -> None:
        """Greenwood, Landier and Thesmar (2015): assets 100, leverage 9, impact 1e-3, -1 %."""
        found = spill_over([100], [9], [[1]], 1e-3, [-0.01])
        assert found.direct_losses == pytest.approx([1])
        assert found.sales == pytest.approx([9])
        assert found.price_change == pytest.approx([-0.009])
        assert found.losses == pytest.approx([0.9])

    def test_disjoint_holdings_do_not_spill_over(self) -> None:
        found = spill_over([100, 50], [9, 9], np.eye(2), 1e-3, [-0.01, 0])
        assert found.losses == pytest.approx([0.9, 0])

    def test_common_holdings_do(self) -> None:
        """The second bank holds half of what the first sells: 0.5 · 50 · 0.9 % = 0.225."""
        found = spill_over([100, 50], [9, 0], [[1, 0], [0.5, 0.5]], 1e-3, [-0.01, 0])
        assert found.losses == pytest.approx([0.9, 0.225])


class TestReuse:
    def test_chain_of_three(self) -> None:
        assert reuse_total(100, 0.05, 1, 3) == pytest.approx(370.9875)
        by_hand = 100 * (1 + 0.95 + 0.95**2 + 0.95**3)
        assert reuse_total(100, 0.05, 1, 3) == pytest.approx(by_hand)

    def test_limits(self) -> None:
        assert reuse_multiplier(0.05, 0) == 1
        assert reuse_multiplier(0.05, 0, length=7) == 1
        assert reuse_total(100, 0, 1, 3) == 400
        assert reuse_multiplier(0.05, 1, length=2000) == pytest.approx(reuse_multiplier(0.05, 1))
        assert reuse_multiplier(0, 1) == float("inf")


class TestWaterfall:
    LAYERS: ClassVar = {
        "initial_margin": 40,
        "defaulter_fund": 10,
        "skin_in_the_game": 15,
        "survivors_fund": 30,
        "assessment_cap": 30,
    }

    def test_worked_example(self) -> None:
        assert default_waterfall(100, **self.LAYERS) == (40, 10, 15, 30, 5, 0)

    def test_small_and_large_losses(self) -> None:
        assert default_waterfall(25, **self.LAYERS) == (25, 0, 0, 0, 0, 0)
        assert default_waterfall(140, **self.LAYERS) == (40, 10, 15, 30, 30, 15)

    def test_refuses_negative_layers(self) -> None:
        with pytest.raises(ValueError, match="negative"):
            default_waterfall(10, initial_margin=-1)

    @given(st.floats(0, 1e9), st.lists(st.floats(0, 1e8), min_size=5, max_size=5))
    def test_adds_up_and_uses_layers_in_order(self, loss: float, sizes: list[float]) -> None:
        used = default_waterfall(loss, **dict(zip(self.LAYERS, sizes, strict=True)))
        assert sum(used) == pytest.approx(loss, rel=1e-12, abs=1e-6)
        for position, (share, size) in enumerate(zip(used[:5], sizes, strict=True)):
            assert 0 <= share <= size
            if share < size:
                assert sum(used[position + 1 :]) == 0
