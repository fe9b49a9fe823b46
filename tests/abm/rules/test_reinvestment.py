"""What cash collateral is invested in, and who gets what is paid back first."""

from __future__ import annotations

import numpy as np

from abm.rules.reinvestment import in_turn, part_of, tokens_for


def test_parts_are_those_of_decimals() -> None:
    """0.29 · 100 is 28.999999999999996 in floats."""
    assert part_of(np.array([0.29, 1.0, 0.0]), np.array([100, 10**15 + 7, 5])).tolist() == [
        *(29, 10**15 + 7, 0)
    ]


def test_each_share_is_rounded_down_to_whole_tokens() -> None:
    shares = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    bought = tokens_for(np.array([101, 29]), shares, np.array([10, 7, 1]))
    assert bought.tolist() == [[5, 7, 0], [2, 0, 0]]


def test_money_goes_to_the_first_account_of_its_owner_before_the_next() -> None:
    got = in_turn(np.array([5, 4, 3, 2]), np.array([1, 0, 1, 1]), np.array([9, 7]))
    assert got.tolist() == [5, 4, 2, 0]
