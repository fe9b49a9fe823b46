"""What a user wrote as a decimal is that decimal: no token is lost in binary."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import held, loan, market_of

from abm.opening.exact import LARGEST, product_over, scaled, times
from scenarios.agreement import exact
from scenarios.errors import InputError

PRICES = {"A": [100, 110], "B": [50, 40]}
AMOUNTS = st.lists(st.integers(0, 2**62 - 1), min_size=1, max_size=4)
DECIMALS = st.decimals(0, 1000, places=6).map(float)


@given(AMOUNTS, st.fractions(0, 10**6), st.sampled_from(["down", "up", "nearest"]))
def test_products_are_rounded_as_pythons_fractions_are(
    amounts: list[int], ratio: Fraction, rounding: Any
) -> None:
    done = times(np.array(amounts, np.int64), ratio, rounding)
    rounded = {"down": lambda x: x.__floor__(), "up": lambda x: x.__ceil__(), "nearest": round}
    assert done.tolist() == [min(rounded[rounding](a * ratio), LARGEST) for a in amounts]


@given(
    st.lists(st.tuples(st.integers(0, 2**62 - 1), st.integers(1, 2**53)), min_size=1),
    st.integers(0, 2**70),
    st.integers(1, 2**70),
)
def test_parts_of_values_in_tokens(rows: list[tuple[int, int]], factor: int, divisor: int) -> None:
    amounts, prices = np.array(rows, np.int64).T
    done = product_over(amounts, factor, divisor, prices)
    right = [min(amount * factor // (divisor * price), LARGEST) for amount, price in rows]
    assert done.tolist() == right
    some = min(factor, 2**62)
    done = product_over(amounts, np.full(len(rows), some), divisor, prices[:1])
    assert done.tolist() == [min(a * some // (divisor * rows[0][1]), LARGEST) for a, _ in rows]


@given(AMOUNTS, DECIMALS, DECIMALS, st.sampled_from(["down", "nearest"]))
def test_sizes_count_as_the_decimals_that_were_written(
    amounts: list[int], ratio: float, size: float, rounding: Any
) -> None:
    sizes = np.full(len(amounts), size)
    done = scaled(np.array(amounts, np.int64), exact(ratio), sizes, rounding)
    products = [a * exact(ratio) * exact(size) for a in amounts]
    right = [round(p) if rounding == "nearest" else p.__floor__() for p in products]
    for ours, theirs in zip(done.tolist(), right, strict=True):
        assert ours == min(theirs, LARGEST)


@pytest.mark.parametrize(
    ("posted", "part", "left"), [(100, 0.29, 29), (100, 0.57, 57), (1000, 1.001, 1001)]
)
def test_fractions_of_collateral(posted: int, part: float, left: int) -> None:
    """100 x 0.29 is 28.999999999999996 in floats."""
    market = market_of(
        PRICES,
        loans=[loan(1, "L1", "B1", collateral={"A": posted})],
        participants={"prefunded_inventory": part, "issuance_capacity": part},
    )
    assert market.participants["B1"].wallet["A"] == left
    assert market.ledger.arrays.capacity[market.participants["B1"].row, 0] == left


def test_counts_above_the_precision_of_floats() -> None:
    many = 2**53 + 1
    market = market_of(
        {"A": [1, 1]},
        loans=[
            loan(1, "L1", "B1", lent={"JPY": many}, collateral={"A": many}),
            loan(2, "L1", "B1", lent={"JPY": 2}, collateral={"A": 2}),
        ],
        agreement={"haircut": 0.0},
        participants={"prefunded_inventory": 1.0, "issuance_capacity": 1.0},
    )
    assert held(market)[0] == {"A": many, "JPY": 0}
    row = market.participants["B1"].row
    assert market.participants["B1"].wallet["A"] == many + 2
    assert market.ledger.arrays.capacity[row, 0] == many + 2


def test_equity_is_to_the_nearest_unit() -> None:
    loans = [loan(1, "L1", "B1", lent={"JPY": 100}, collateral={"A": 2})]
    market = market_of(PRICES, loans=loans, participants={"equity_ratio": 0.285})
    assert market.participants["L1"].equity == 28, "28.5: a half goes to the even one"
    given = [{"name": "L1", "role": "lender", "equity": 7.6}]
    market = market_of(PRICES, loans=loans, participants={"given": given})
    assert market.participants["L1"].equity == 8


def test_a_number_that_would_be_rounded_on_its_way_is_refused() -> None:
    with pytest.raises(InputError, match=r"loans.1.principal: has more digits than are kept"):
        market_of(PRICES, loans=[loan(1, "L1", "B1", principal=2**53 + 1)])
    market = market_of({"A": [1, 1]}, loans=[loan(1, "L1", "B1", principal=2**53 + 2)])
    assert market.today["exposure"] == 2**53 + 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"A": 1, "B": 3}, {"B": 3, "A": 1}),
        ({"A": 0.1, "B": 0.2}, {"B": 0.2, "A": 0.1}),
        ({"A": 1}, {"B": 0, "A": 1}),
    ],
)
def test_the_order_of_a_composition_does_not_matter(one: Any, other: Any) -> None:
    """The first token of the priority makes up the rest; a share of 0 is none."""
    posted = [
        held(
            market_of(
                PRICES,
                loans=[loan(1, "L1", "B1", principal=1001, composition=composition)],
                agreement={"priority": ["B", "A"]},
            )
        )
        for composition in (one, other)
    ]
    assert posted[0] == posted[1]
    if len(one) == 2:
        # 1001 / 0.95 makes 1,054; a share of A rounded down, and B for what is missing.
        share = exact(one["A"]) / (exact(one["A"]) + exact(one["B"]))
        tokens = 1054 * share // 100
        assert posted[0][0] == {"A": tokens, "B": -((100 * tokens - 1054) // 50), "JPY": 0}
    else:
        assert posted[0][0]["B"] == 0
