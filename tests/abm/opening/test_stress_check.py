"""Stress that would never happen is refused, and names what there is."""

from __future__ import annotations

import re
from typing import Any

import pytest
from worlds import loan, market_of

from scenarios.errors import InputError

PRICES = {"A": [100, 110, 100], "B": [50, 40, 50]}
LOANS = [
    loan(7, "L1", "B1", principal=500, maturity=2),
    loan(8, "L1", "B1", principal=500, open_ended=True),
]


def default(participant: str, day: int) -> dict[str, Any]:
    return {"defaults": {"scheduled": [{"participant": participant, "day": day}]}}


def outage(**fields: Any) -> dict[str, Any]:
    return {"oracle": {"outages": [fields]}}


def wrong(token: str, day: int) -> dict[str, Any]:
    return {"oracle": {"wrong_prices": [{"token": token, "day": day, "factor": 2}]}}


def recall(day: int, loan_id: int) -> dict[str, Any]:
    return {"recalls": {"scheduled": [[day, loan_id]]}}


def depth(token: str) -> dict[str, Any]:
    return {"close_out": {"impact": {"depth": {token: 10}}}}


@pytest.mark.parametrize(
    ("stress", "message"),
    [
        (default("Z9", 1), "defaults.scheduled: no participant Z9; there are B1, L1"),
        (default("B1", 0), "defaults.scheduled: B1 on day 0; the days of this window are 1 to 2"),
        (default("B1", 3), "defaults.scheduled: B1 on day 3; the days of this window are 1 to 2"),
        (recall(3, 8), "recalls.scheduled: loan 8 on day 3; the days of this window are 1 to 2"),
        (recall(1, 9), "recalls.scheduled: 9 is no loan; only open-ended loans can be recalled"),
        (recall(1, 7), "recalls.scheduled: 7 is a term loan; only open-ended"),
        (outage(day=3), "oracle.outages: outage on day 3; the days of this window are 0 to 2"),
        (outage(day=1, tokens=["X"]), "oracle.outages: X has no price; priced are A, B"),
        (wrong("X", 1), "oracle.wrong_prices: X has no price; priced are A, B"),
        (wrong("JPY", 1), "oracle.wrong_prices: JPY has no price; priced are A, B"),
        (wrong("A", 3), "oracle.wrong_prices: A on day 3; the days of this window are 0 to 2"),
        (depth("X"), "close_out.impact.depth: X has no price; priced are A, B"),
        (depth("JPY"), "close_out.impact.depth: JPY has no price; priced are A, B"),
    ],
)
def test_it_is_refused(stress: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as refusal:
        market_of(PRICES, name="mine", loans=LOANS, **stress)
    assert str(refusal.value).startswith("mine: ")


@pytest.mark.parametrize(
    "stress",
    [default("B1", 1), recall(2, 8), outage(day=2, days=9), wrong("B", 0), depth("A")],
)
def test_what_can_happen_is_not(stress: dict[str, Any]) -> None:
    market_of(PRICES, loans=LOANS, **stress).run()
