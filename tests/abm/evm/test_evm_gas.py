"""What the contracts cost: bounds against regressions, and the table of the docs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from abm.evm.gas import COLUMNS, gas_markdown, gas_table
from scenarios.errors import InputError

DOCS = Path(__file__).parents[3] / "docs" / "contracts.md"


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return gas_table()


def test_gas_stays_below_its_bounds(table: pd.DataFrame) -> None:
    """A margin run of one loan over five tokens; a few per cent above what it was measured at."""
    bounds = {
        "gas_no_call": 74_000,
        "gas_delivery": 137_000,
        "gas_delivery_with_mint": 152_000,
        "gas_return": 108_000,
        "gas_mint": 100_000,
    }
    instant = table[table["model"] > 0]
    for column, bound in bounds.items():
        assert instant[column].max() < bound, column
    # A mint on a delivery from a single token costs less than an ERC-20 transfer's 21,000 base.
    single = table[table["model"] == 1].iloc[0]
    assert 0 < single["gas_delivery_with_mint"] - single["gas_delivery"] < 21_000


def test_the_tables_are_those_in_the_docs(table: pd.DataFrame) -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert gas_markdown(table) in text
    assert gas_markdown(gas_table([1, 2], [1, 5, 15], [1, 16], days=21)) in text


def test_what_the_paper_argues_with(table: pd.DataFrame) -> None:
    """A trigger saves gas only if the margin run is sent on days with a call alone; a lag costs."""
    day = table.set_index("model")["gas_day"]
    demand = table.set_index("model")["gas_day_on_demand"]
    assert day[0] > day[1] and day[2] > day[1]
    assert demand[3] < day[3] < day[1]
    assert demand[4] < day[4] < day[2]


def test_money_is_gas_at_the_given_prices(table: pd.DataFrame) -> None:
    dearer = gas_table([1], days=11, gas_price=20, ether_price=4000)
    np.testing.assert_allclose(dearer["money_day"], dearer["gas_day"] * 20e-9 * 4000)
    np.testing.assert_allclose(table["money_day"], table["gas_day"] * 10e-9 * 3000)
    np.testing.assert_allclose(table["money_year"], table["money_day"] * 365)
    assert list(table.columns) == list(COLUMNS)


def test_batches_save_and_tokens_cost() -> None:
    grown = gas_table([2], tokens=[1, 3], batches=[1, 8], days=11)
    day = grown.set_index(["tokens", "batch"])["gas_day"]
    assert day[3, 1] > day[1, 1] and day[3, 8] > day[1, 8]
    assert day[1, 8] < 0.6 * day[1, 1] and day[3, 8] < 0.6 * day[3, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": [5]}, "models: expected numbers from 0 to 4"),
        ({"tokens": [16]}, "tokens: expected numbers from 1 to 15"),
        ({"batches": [65]}, "batches: expected numbers from 1 to 64"),
        ({"days": 2}, "days: expected numbers from 3"),
        ({"gas_price": 0}, "gas_price: expected a positive number"),
        ({"ether_price": float("nan")}, "ether_price: expected a positive number"),
    ],
)
def test_numbers_out_of_range_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        gas_table(**arguments)
