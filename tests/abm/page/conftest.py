"""Markets in the states that every component must show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from abm.model import CollateralMarket
from abm.page.view import DayView, Watch
from scenarios.scenario import Scenario

PAIR: dict[str, Any] = {
    "window": {"start": "2008-09-02", "end": "2008-10-15"},
    "prices": {
        "source": "file",
        "file": "bundled:us_stocks_2007_2010",
        "tokens": ["AAPL", "IBM"],
    },
    "agreement": {"model": 4, "haircut": 0.05},
    "loan": {"collateral": {"AAPL": 1000, "IBM": 1000}},
}

NETWORK: dict[str, Any] = {
    **PAIR,
    "participants": {"lenders": 3, "borrowers": 5, "dealers": 2, "equity_ratio": 0.1},
    "network": {"topology": "core-periphery"},
}


def market_of(table: dict[str, Any], **changes: Any) -> CollateralMarket:
    """A market of a scenario, with its events."""
    return CollateralMarket(Scenario.parse(table, "test"), rng=1, events=True, **changes)


def view_after(market: CollateralMarket, days: int) -> DayView:
    """What can be seen of a market after some days, looked at on each."""
    watch = Watch(market)
    view = watch.look()
    for _ in range(days):
        market.step()
        view = watch.look()
    return view


@pytest.fixture(scope="session")
def pair() -> DayView:
    """One pair, ten days on."""
    return view_after(market_of(PAIR), 10)


@pytest.fixture(scope="session")
def empty() -> DayView:
    """A market in which all loans have been repaid."""
    return view_after(market_of({**PAIR, "loan": {**PAIR["loan"], "maturity": 2}}), 4)


@pytest.fixture(scope="session")
def all_defaulted() -> DayView:
    """A network in which everybody who borrows has defaulted and been closed out."""
    names = [*(f"B{i}" for i in range(1, 6)), "D1", "D2"]
    defaults = {"scheduled": [{"participant": name, "day": 2} for name in names]}
    return view_after(market_of({**NETWORK, "defaults": defaults}), 12)


@pytest.fixture(params=["pair", "empty", "all_defaulted"])
def any_view(request: pytest.FixtureRequest) -> Iterator[DayView]:
    """Each of the states in turn."""
    yield request.getfixturevalue(request.param)
