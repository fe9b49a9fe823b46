"""Schedules by token: who decides of several criteria, own issues, limits by kind and by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from scenarios.assets import AssetClass, asset_columns
from scenarios.checking import checked
from scenarios.errors import InputError
from scenarios.schedules import Schedule, ScheduleColumns, schedule_columns

TOKENS = ("GOV", "CORP", "TECH", "USD")
ASSETS = {
    "bonds": AssetClass(tokens=("GOV", "CORP"), haircut=0.02, issuer={"CORP": "Corp"}),
    "shares": AssetClass(tokens=("TECH",), haircut=0.2, daily_volume=50, issuer={"TECH": "Corp"}),
}


def columns_of(poster: str = "", **table: Any) -> ScheduleColumns:
    schedule = checked(Schedule, {"criteria": [{}], **table}, "here")
    return schedule_columns(schedule, asset_columns(ASSETS, TOKENS), TOKENS, poster)


def test_the_most_particular_decides_whatever_the_order() -> None:
    criteria: list[dict[str, Any]] = [
        {"asset": "TECH", "is_included": True, "haircut_percentage": 0.5},
        {"issuer": "Corp", "is_included": False},
        {"asset_class": "bonds", "haircut_percentage": 0.1},
        {"haircut_percentage": 0.3},
    ]
    for order in (criteria, criteria[::-1]):
        columns = columns_of(criteria=order)
        assert columns.eligible.tolist() == [True, False, True, True]
        assert columns.haircut[[0, 2, 3]].tolist() == [0.1, 0.5, 0.3]


def test_what_no_criterion_fits_is_not_eligible() -> None:
    assert columns_of(criteria=[{"issuer": "Corp"}]).eligible.tolist() == [False, True, True, False]


def test_a_haircut_that_is_not_given_is_that_of_the_class() -> None:
    columns = columns_of(criteria=[{"haircut_percentage": 0.3}, {"asset_class": "shares"}])
    assert columns.haircut.tolist() == [0.3, 0.3, 0.2, 0.3]
    assert np.isnan(columns_of().haircut[3])


def test_own_issues() -> None:
    assert columns_of("Corp").eligible.tolist() == [True, False, False, True]
    assert columns_of("Corp", exclude_own_issues=False).eligible.all()
    assert columns_of("Somebody else").eligible.all()


def test_limits_by_kind_and_by_name() -> None:
    columns = columns_of(
        concentration_limits=[
            {"concentration_limit_type": "issuer", "percentage_limit": 0.4},
            {"asset_class": "bonds", "percentage_limit": 0.5},
            {"asset": "TECH", "average_trading_volume": 0.1},
        ]
    )
    limits = [(limit.name, limit.members.tolist(), limit.share) for limit in columns.concentrations]
    assert limits == [
        ("GOV", [True, False, False, False], 0.4),
        ("Corp", [False, True, True, False], 0.4),
        ("USD", [False, False, False, True], 0.4),
        ("bonds", [True, True, False, False], 0.5),
    ]
    assert columns.most.tolist() == [np.inf, np.inf, 5, np.inf]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"criteria": [{"asset": "X", "issuer": "Y"}]},
            "give one of asset, issuer and asset_class",
        ),
        (
            {"criteria": [{"asset": "GOLD"}]},
            "asset: there is no GOLD (known: GOV, CORP, TECH, USD)",
        ),
        ({"criteria": []}, "criteria: expected at least 1 in the list"),
        ({"criteria": [{}, {"is_included": False}]}, "criteria: two are about all assets"),
        ({"criteria": [{"haircut_percentage": 15}]}, "expected a number less than 1"),
        ({"concentration_limits": [{"asset": "GOV"}]}, "give either percentage_limit or"),
        ({"concentration_limits": [{"percentage_limit": 0.1}]}, "or a concentration_limit_type"),
        (
            {"concentration_limits": [{"asset": "GOV", "average_trading_volume": 0.1}]},
            "average_trading_volume: GOV has no daily_volume in its class",
        ),
    ],
)
def test_what_cannot_be(table: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as refused:
        columns_of(**table)
    assert message in str(refused.value)
