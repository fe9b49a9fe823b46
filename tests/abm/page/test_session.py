"""A session answers one message after the other, and survives whatever is asked of it."""

from __future__ import annotations

import gc
import io
import json
import weakref
import zipfile
from typing import Any

import pandas as pd
import pytest
from page.conftest import Visitor

from abm.page import session as sessions
from abm.page.session import Session


def kinds(told: list[dict[str, Any]]) -> list[str]:
    return [message["what"] for message in told]


def test_it_opens_on_day_0_and_goes_on_a_day_at_a_time(visitor: Visitor) -> None:
    assert kinds(visitor.open("crash")) == ["run", "day"]
    told = visitor.ask("advance", to=1)
    assert [(message["what"], message["day"]) for message in told] == [("day", 1)]
    assert kinds(visitor.ask("advance", to=1)) == []
    assert [m["day"] for m in visitor.ask("advance", to=4)] == [2, 3, 4]


def test_it_opens_on_the_day_asked_for_and_never_beyond_the_last(visitor: Visitor) -> None:
    days = [m["day"] for m in visitor.open("crash", to=10**9) if m["what"] == "day"]
    assert days == list(range(45))


def test_two_markets_come_in_one_message(visitor: Visitor) -> None:
    run, day = visitor.open("crash", other={"model": 2})
    assert [market["title"] for market in run["markets"]] == ["As in the scenario", "Model 2"]
    assert [market["trigger"] for market in run["markets"]] == [0.02, 0.0]
    assert len(day["markets"]) == 2


def test_what_is_refused_leaves_the_run_as_it_was(visitor: Visitor) -> None:
    visitor.open("crash", to=3)
    (refused,) = visitor.open("crash", values={"haircut": 5})
    assert refused["what"] == "refused"
    assert "Haircut: must be a number from 0 to 0.9" in refused["text"]
    (day,) = visitor.ask("advance", to=4)
    assert (day["day"], day["run"]) == (4, refused["run"])


@pytest.mark.parametrize(
    "message",
    [
        None,
        "open",
        {"do": None},
        {"do": "nothing"},
        {"do": "__init__"},
        {"do": "advance", "to": "5"},
        {"do": "advance", "to": True},
        {"do": "inspect", "day": 99, "row": 0},
        {"do": "inspect", "day": 0, "row": -1},
        {"do": "inspect", "day": "0", "row": None},
        {"do": "layout", "name": "../etc"},
        {"do": "layout", "name": ["core"]},
        {"do": "download", "form": "exe"},
    ],
)
def test_nonsense_is_not_answered(visitor: Visitor, message: Any) -> None:
    visitor.open("prices-file")
    before = len(visitor.told)
    visitor.session.receive(message)
    with visitor.session._work:
        pass
    answers = [m for m in visitor.told[before:] if m["what"] != "error"]
    assert answers == []


def test_a_day_that_fails_ends_the_run_with_a_message(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.open("prices-file", to=2)
    market = visitor.session.markets[0]
    monkeypatch.setattr(market.oracle, "publish", lambda: 1 / 0)
    (broken,) = visitor.ask("advance", to=3)
    assert broken["what"] == "broken"
    assert "Day 3 could not be simulated: ZeroDivisionError" in broken["text"]
    assert visitor.ask("advance", to=4) == []
    assert kinds(visitor.open("prices-file")) == ["run", "day"]


def test_a_new_market_stops_the_days_of_the_old_one(visitor: Visitor) -> None:
    visitor.open("crash")
    old = visitor.session._run
    visitor.session._run += 1
    visitor.session._answer(visitor.session._do_advance, {"to": 5}, old)
    assert visitor.session.day == 0


def test_downloads_hold_all_tables_and_how_they_were_made(visitor: Visitor) -> None:
    visitor.open("crash", to=3, other={"model": 2})
    (told,) = visitor.ask("download", form="csv")
    assert told["name"] == "collateral-run-csv.zip"
    archive = zipfile.ZipFile(io.BytesIO(visitor.files[-1]))
    days = pd.read_csv(io.BytesIO(archive.read("a-as-in-the-scenario/days.csv")))
    assert days["day"].tolist() == [0, 1, 2, 3]
    assert {"b-model-2/loans.csv", "b-model-2/events.csv"} <= set(archive.namelist())
    assert json.loads(archive.read("settings.json"))["other"] == {"model": 2}
    meanings = pd.read_csv(io.BytesIO(archive.read("columns.csv")))
    assert set(days.columns) <= set(meanings[meanings["table"] == "days"]["column"])
    visitor.ask("download", form="parquet")
    archive = zipfile.ZipFile(io.BytesIO(visitor.files[-1]))
    frame = pd.read_parquet(io.BytesIO(archive.read("b-model-2/days.parquet")))
    assert len(frame) == 4


def test_components_of_ones_own_are_drawn_while_they_are_looked_at() -> None:
    seen: list[Any] = []
    visitor = Visitor(shown=lambda market: seen.append(market and market.day))
    visitor.open("prices-file", to=2)
    assert seen == [None]
    visitor.ask("own", on=True)
    visitor.ask("advance", to=3)
    visitor.ask("own", on=False)
    visitor.ask("advance", to=4)
    assert seen == [None, 2, 3]
    visitor.session.close()


def test_visitors_beyond_the_cap_are_told_and_may_come_when_one_has_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sessions, "MOST_SESSIONS", 2)
    monkeypatch.setattr(Session, "_open", [])
    one, two, three = Visitor(), Visitor(), Visitor()
    assert kinds(one.open("prices-file")) == ["run", "day"]
    assert kinds(two.open("prices-file")) == ["run", "day"]
    assert kinds(two.open("prices-gbm")) == ["run", "day"]
    (full,) = three.open("prices-file")
    assert (full["what"], full["most"]) == ("full", 2)
    one.session.close()
    assert kinds(three.open("prices-file")) == ["run", "day"]
    # Whoever was not heard of for long makes room, too.
    two.session.heard -= sessions.AWAY + 1
    assert kinds(one.open("prices-file")) == ["run", "day"]
    assert two.session.markets == []
    for visitor in (one, three):
        visitor.session.close()
    assert Session._open == []


def test_a_closed_session_lets_go_of_its_markets() -> None:
    visitor = Visitor()
    visitor.open("prices-file", to=2)
    market = weakref.ref(visitor.session.markets[0])
    visitor.session.close()
    visitor.told.clear()
    gc.collect()
    assert market() is None
