"""Measures of procyclicality on paths by hand, and calls by haircuts apart from those by prices."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from worlds import loan, market_of

from abm.measures.procyclicality import largest_rise, peak_to_trough
from abm.rules.rule import Rule

PATH = np.array([0.10, 0.08, 0.12, 0.16, 0.15, 0.20])
MEASURES = [
    f"abm.measures.procyclicality:{name}"
    for name in (
        "haircut",
        "haircut_peak_to_trough",
        "haircut_rise_5",
        "haircut_rise_20",
        "calls_by_haircuts",
        "calls_by_prices",
    )
]


def test_on_a_path_by_hand() -> None:
    assert peak_to_trough(PATH) == pytest.approx(0.20 / 0.08)
    assert [largest_rise(PATH, days) for days in (1, 2, 3, 4, 9)] == pytest.approx(
        [0.05, 0.08, 0.08, 0.12, 0.12]
    )


def test_in_limits() -> None:
    assert largest_rise(-PATH.cumsum(), 3) == 0 and largest_rise(PATH[:1], 5) == 0
    assert peak_to_trough(np.full(5, 0.3)) == 1
    assert np.isnan(peak_to_trough(np.array([0.0, 0.1])))


class Path(Rule):
    """Haircuts of days, one after the other."""

    rewrites = ("haircut",)

    def __init__(self, haircuts: list[float]):
        self.haircuts = haircuts

    def today(self, agreement: Any, seen: Any) -> Any:
        return {"haircut": self.haircuts[seen.day]}


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch) -> str:
    module = ModuleType("rules_by_path")
    vars(module).update(Path=Path)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return f"{module.__name__}:Path"


def test_calls_by_haircuts_and_by_prices(path: str) -> None:
    """1,000 lent against 10 A, whole tokens rounded up.

    Day 1, A at 80: 200 are missing, three tokens. Day 2: 13 are worth 1,040; a haircut of a half
    asks for 2,000, and brings twelve more. Day 3, A at 40: of 2,000 half is missing; three quarters
    ask for 4,000, and so for 2,000 more. Day 4, A at 20: 100 of them are worth 2,000, half of what
    yesterday's haircut asks for, and more than there is to ask for without one."""
    world: dict[str, Any] = {
        "agreement": {"haircut": 0.0},
        "loans": [loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10})],
        "rules": [{"use": path, "parameters": {"haircuts": [0.0, 0.0, 0.5, 0.75, 0.0]}}],
    }
    days = market_of({"A": [100, 80, 80, 40, 20]}, measures=MEASURES, **world).run().days_frame()
    assert days["calls_by_prices"].tolist() == [0, 200, 0, 1000, 2000]
    assert days["calls_by_haircuts"].tolist() == [0, 0, 960, 2000, -2000]
    assert days["delivery_call_value"].tolist() == [0, 200, 960, 3000, 0]
    assert days["haircut"].tolist() == [0.0, 0.0, 0.5, 0.75, 0.0]
    assert days["haircut_rise_5"].tolist() == [0, 0, 0.5, 0.75, 0.75]
