"""Days in compiled code: the same as those of the script, and only where nobody is asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_worlds import World, worlds
from worlds import loan, market_of, panel_of

from abm.agents import Borrower, Oracle
from abm.day.columns import ColumnsDay
from abm.measures.measure import FLOW, MONEY, daily
from abm.model import CollateralMarket
from scenarios.scenario import Scenario

PRICES = {"A": [100, 90, 95, 97, 60, 80, 82, 85, 84, 90]}
LOANS = [loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 12})]
DAYS = len(PRICES["A"]) - 1


def plain(**fields: Any) -> CollateralMarket:
    """A market of one loan in which nobody decides anything."""
    return market_of(PRICES, **{"loans": LOANS, **fields})


@pytest.fixture
def stretches(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """First and last day of every stretch that was run."""
    run, found = ColumnsDay.run_days, []

    def noted(day: ColumnsDay, last: int) -> Any:
        first = day.market.day + 1
        stretch = run(day, last)
        if stretch is not None:
            found.append((first, stretch.reached.day))
        return stretch

    monkeypatch.setattr(ColumnsDay, "run_days", noted)
    return found


def everything(market: CollateralMarket) -> dict[str, Any]:
    """All that a market can show, and the state that it would go on from."""
    names = ("days", "loans", "participants", "exposures")
    books, ledger = market.books, market.ledger.arrays
    return {name: getattr(market, f"{name}_frame")() for name in names} | {
        "day": market.day,
        "steps": market.steps,
        "summary": pd.Series(market.summary()),
        "balance": ledger.balance.tolist(),
        "minted": (ledger.minted.tolist(), ledger.burned.tolist(), ledger.capacity.tolist()),
        "accounts": np.asarray(books.accounts).tolist(),
        "rows": np.asarray(books.loans).tolist(),
        "standing": [column.tolist() for column in market.standing],
        "today": pd.Series(market.today),
        "prices": market.prices.tolist(),
    }


def same(one: CollateralMarket, other: CollateralMarket) -> None:
    ours, theirs = everything(one), everything(other)
    for name, value in ours.items():
        if isinstance(value, pd.DataFrame):
            pd.testing.assert_frame_equal(value, theirs[name], check_exact=True)
        elif isinstance(value, pd.Series):
            pd.testing.assert_series_equal(value, theirs[name], check_exact=True)
        else:
            assert value == theirs[name], name


@st.composite
def quiet_worlds(draw: st.DrawFn) -> World:
    """Random markets, most of them without re-use, which needs the script."""
    table, prices = draw(worlds())
    if draw(st.sampled_from([True, True, True, False])):
        for terms in (table["agreement"], table["agreements"]["other"]):
            terms.pop("reuse_rate", None)
    if draw(st.booleans()):
        table["defaults"] = {**table.get("defaults", {}), "daily_hazard": 0.1}
    return table, prices


@given(quiet_worlds())
def test_running_is_stepping_and_stepping_is_the_script(world: World) -> None:
    """To the last bit, whatever the terms. Where events are recorded, every day is the script's."""
    table, prices = world
    panel, scenario = panel_of(prices), Scenario.parse(table, "random world")
    run, stepped, script = (
        CollateralMarket(scenario, rng=1, prices=panel, events=events)
        for events in (False, False, True)
    )
    run.run()
    for market in (stepped, script):
        while market.running:
            market.step()
    stepped.conclude()
    script.conclude()
    same(run, stepped)
    same(run, script)


@pytest.mark.parametrize(
    "name", ["dealers-under-stress", "prices-bootstrap", "network-random-bipartite"]
)
def test_the_bundled_markets(name: str, stretches: list[tuple[int, int]]) -> None:
    run = CollateralMarket(name, rng=2).run()
    assert stretches
    script = CollateralMarket(name, rng=2, events=True).run()
    same(run, script)


def script_of(market: CollateralMarket) -> CollateralMarket:
    """The same market by the script of a day."""
    return CollateralMarket(market.scenario, prices=panel_of(PRICES), rng=1, events=True).run()


class TestWhatEndsAStretch:
    def test_nothing(self, stretches: list[tuple[int, int]]) -> None:
        plain().run()
        assert stretches == [(1, DAYS)]

    def test_no_loan_that_begins_later(self, stretches: list[tuple[int, int]]) -> None:
        market = plain(loans=[*LOANS, loan(2, "L2", "B1", principal=500, start=3)])
        same(market.run(), script_of(market))
        assert stretches == [(1, DAYS)]
        opened = market.days_frame().query("loans_opened > 0")
        assert opened["day"].tolist() == [0, 3]

    @pytest.mark.parametrize("room", [1, 2])
    def test_who_is_short_only_beyond_the_room_to_share(
        self, room: int, stretches: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two calls share ten tokens on day 4."""
        monkeypatch.setattr("abm.rules.called_and_short.MOST_SHARED", room)
        given = [{"name": "B1", "role": "borrower", "issuance_capacity": {"A": 10}}]
        loans = [*LOANS, loan(2, "L2", "B1", lent={"JPY": 2000}, collateral={"A": 24})]
        market = plain(
            loans=loans, agreement={"grace_days": 20}, participants={"given": given}
        ).run()
        assert stretches == ([(1, DAYS)] if room == 2 else [(1, 4), (5, DAYS)])
        assert market.days_frame().set_index("day")["unmet_calls"][4] == 2
        same(market, script_of(market))

    def test_who_is_in_default(self, stretches: list[tuple[int, int]]) -> None:
        """Whose call is unmet past its grace is closed out by the script.

        It has 12 tokens posted and can have 5 minted: on day 4, at a price of 60, that is 1020 of
        the 1053 required. Without grace it is in default, and closed out on the same day.
        """
        given = [{"name": "B1", "role": "borrower", "issuance_capacity": {"A": 5}}]
        market = plain(participants={"given": given}, close_out={"margin_period_of_risk": 1}).run()
        days = market.days_frame()
        assert days.loc[days["unmet_calls"] > 0, "day"].tolist() == [4]
        assert days.loc[days["defaults_liquidity"] > 0, "day"].tolist() == [4]
        assert stretches == [(1, 4), (5, DAYS)]

    def test_a_default_from_outside(self, stretches: list[tuple[int, int]]) -> None:
        scheduled = [{"participant": "B1", "day": 5}]
        plain(defaults={"scheduled": scheduled}, close_out={"margin_period_of_risk": 2}).run()
        assert stretches == [(1, 4), (8, DAYS)]

    def test_a_recall(self, stretches: list[tuple[int, int]]) -> None:
        open_ended = [{**LOANS[0], "open_ended": True}]
        market = plain(loans=open_ended, recalls={"scheduled": [[3, 1]], "notice": 2}).run()
        assert stretches == [(1, 2), (4, DAYS)]
        assert market.days_frame().query("loans_settled > 0")["day"].tolist() == [5]


@daily(MONEY, FLOW)
def highest(market: Any) -> float:
    """The price of the day."""
    return float(market.prices[0])


class Watcher(Borrower):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.seen: list[int] = []

    def step(self) -> None:
        self.seen.append(self.model.day)


class Willing(Borrower):
    def meet_call(self, call: Any) -> bool:
        return True


class Rounding(Oracle):
    def choose_prices(self, prices: dict[str, float]) -> dict[str, float]:
        return {token: round(price, -1) for token, price in prices.items()}


class TestWhoIsAskedEveryDay:
    """None of them misses a day."""

    def test_a_class_with_a_step(self, stretches: list[tuple[int, int]]) -> None:
        market = market_of(PRICES, loans=LOANS, behaviours={"borrower": Watcher}).run()
        assert market.participants["B1"].seen == list(range(1, DAYS + 1))
        assert stretches == []

    @pytest.mark.parametrize("behaviours", [{"borrower": Willing}, {"oracle": Rounding}])
    def test_a_class_that_decides(
        self, behaviours: dict[str, Any], stretches: list[tuple[int, int]]
    ) -> None:
        market_of(PRICES, loans=LOANS, behaviours=behaviours).run()
        assert stretches == []

    def test_a_measure_of_ones_own(self, stretches: list[tuple[int, int]]) -> None:
        scenario = plain().scenario
        market = CollateralMarket(scenario, prices=panel_of(PRICES), measures=[highest]).run()
        assert market.days_frame()["highest"].tolist() == PRICES["A"]
        assert stretches == []

    def test_a_reporter_of_ones_own(self, stretches: list[tuple[int, int]]) -> None:
        market = plain()
        market.datacollector._new_model_reporter("clock", lambda model: model.day)
        market.run()
        assert market.datacollector.model_vars["clock"] == list(range(1, DAYS + 1))
        assert stretches == []

    def test_a_market_that_steps_in_its_own_way(self) -> None:
        days = []

        class Mine(CollateralMarket):
            def step(self) -> None:
                super().step()
                days.append(self.day)

        market = Mine(plain().scenario, prices=panel_of(PRICES)).run()
        assert days == list(range(1, DAYS + 1))
        assert market.steps == DAYS

    @pytest.mark.parametrize("fields", [
        {"oracle": {"delay": 1}},
        {"recalls": {"daily_rate": 0.1}, "loans": [{**LOANS[0], "open_ended": True}]},
    ])  # fmt: skip
    def test_faults_and_recalls_that_are_drawn(
        self, fields: dict[str, Any], stretches: list[tuple[int, int]]
    ) -> None:
        plain(**fields).run()
        assert stretches == []


def test_tokens_that_are_lost_in_a_stretch_are_found() -> None:
    from abm.books.ledger import LedgerError

    market = plain()
    market.ledger.arrays.minted[0] += 1
    with pytest.raises(LedgerError, match="A: "):
        market.run()


def test_long_stretches_go_in_parts(
    monkeypatch: pytest.MonkeyPatch, stretches: list[tuple[int, int]]
) -> None:
    whole = plain().run()
    del stretches[:]
    monkeypatch.setattr("abm.day.stretch.MOST_NUMBERS", 200)
    parts = plain().run()
    assert stretches == [(1, 3), (4, 6), (7, 9)]
    same(whole, parts)
