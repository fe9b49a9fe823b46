"""Classes of assets: columns by token, and what contradicts itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from worlds import loan, market_of

from scenarios.assets import AssetClass, asset_columns
from scenarios.errors import InputError
from scenarios.scenario import Scenario

TOKENS = ("GOOG", "T10Y", "GOOGL", "IBM", "USD")
ASSETS = {
    "stocks": AssetClass(
        tokens=("GOOGL", "GOOG"),
        volatility=0.3,
        daily_volume={"GOOG": 1e6},
        lending_fee=0.004,
        haircut=0.05,
        issuer={"GOOG": "Alphabet", "GOOGL": "Alphabet"},
    ),
    "bonds": AssetClass(tokens=("T10Y",), daily_volume=5e8, settlement_days=1),
}


def test_columns_follow_the_order_of_the_market_not_that_of_the_classes() -> None:
    columns = asset_columns(ASSETS, TOKENS)
    nan = np.nan
    assert columns.classes == ("stocks", "bonds")
    assert columns.asset_class.tolist() == [0, 1, 0, -1, -1]
    assert columns.issuers == ("Alphabet", "T10Y", "IBM", "USD")
    assert columns.issuer.tolist() == [0, 1, 0, 2, 3]
    assert columns.settlement_days.tolist() == [2, 1, 2, 2, 0]
    assert columns.lending_fee.tolist() == [0.004, 0, 0.004, 0, 0]
    np.testing.assert_array_equal(columns.volatility, [0.3, nan, 0.3, nan, nan])
    np.testing.assert_array_equal(columns.daily_volume, [1e6, 5e8, nan, nan, nan])
    np.testing.assert_array_equal(columns.haircut, [0.05, nan, 0.05, nan, nan])


def test_a_market_has_the_columns_of_its_scenario() -> None:
    market = market_of(
        {"A": [100, 100], "B": [50, 50]},
        loans=[loan(1, "L1", "B1", principal=500)],
        assets={"small": {"tokens": ["B"], "daily_volume": 10}},
    )
    assert market.tokens == ("A", "B", "JPY")
    assert market.assets.asset_class.tolist() == [-1, 0, -1]
    assert market.assets.daily_volume[1] == 10


def refused(assets: dict[str, Any]) -> str:
    with pytest.raises(InputError) as refusal:
        market_of(
            {"A": [100, 100], "B": [50, 50]},
            loans=[loan(1, "L1", "B1", principal=500)],
            assets=assets,
        )
    return str(refusal.value)


@pytest.mark.parametrize(
    ("assets", "message"),
    [
        ({"x": {"tokens": ["C"]}}, "assets.x.tokens: C has no price; priced are A, B, JPY"),
        ({"x": {"tokens": ["A"]}, "y": {"tokens": ["A"]}}, "assets: A is in x and in y"),
        ({"x": {"tokens": ["A", "A"]}}, "assets.x: tokens names A twice"),
        ({"x": {"tokens": []}}, "assets.x.tokens: expected at least 1 in the list"),
        ({"x": {}}, "assets.x.tokens is missing"),
        ({"x": {"tokens": ["A"], "haircut": 1}}, "assets.x.haircut: expected a number less than 1"),
        ({"x": {"tokens": ["A"], "daily_volume": 0}}, "assets.x.daily_volume: expected"),
        ({"x": {"tokens": ["A"], "volatility": 1e9}}, "assets.x.volatility: expected"),
        (
            {"x": {"tokens": ["A"], "daily_volume": {"B": 1}}},
            "assets.x: daily_volume: B is not in this class (it has A)",
        ),
        (
            {"x": {"tokens": ["A"], "issuer": {"B": "Z"}}},
            "assets.x: issuer: B is not in this class (it has A)",
        ),
        (
            {"x": {"tokens": ["JPY"], "volatility": 0.1}},
            "assets.x.volatility: JPY is cash, whose price does not move",
        ),
        (
            {"x": {"tokens": ["JPY"], "daily_volume": 9}},
            "assets.x.daily_volume: JPY is cash, whose price does not move",
        ),
    ],
)
def test_what_contradicts_itself_is_refused_by_name(assets: dict[str, Any], message: str) -> None:
    assert message in refused(assets)


def test_fields_of_a_class_can_be_set_from_outside() -> None:
    scenario = Scenario.load("crash").with_changes(
        {"assets": {"stocks": {"tokens": ["IBM"], "lending_fee": 0.1}}}
    )
    changed = scenario.with_changes({"assets.stocks.lending_fee": 0.2})
    assert changed.assets["stocks"].lending_fee == 0.2
