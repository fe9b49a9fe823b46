"""Sentences say what the day's statistics say, and a walk stops where something happens."""

from __future__ import annotations

import pytest
from page.conftest import watched

from abm.page.sentences import amount, listed, sentence
from abm.page.settings import Offer, Settings
from abm.page.words import walk


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 USD"),
        (999.4, "999 USD"),
        (331_254.2, "331,254 USD"),
        (6_110_000, "6.11 million USD"),
        (999_900_000, "1 billion USD"),
        (2.5e12, "2.5 trillion USD"),
    ],
)
def test_amounts(value: float, text: str) -> None:
    assert amount(value, "USD") == text


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["B1"], "B1"),
        (["B1", "B2"], "B1 and B2"),
        (["B1", "B2", "B3"], "B1, B2 and B3"),
        ([f"B{i}" for i in range(1, 6)], "B1, B2, B3, B4 and B5"),
        ([f"B{i}" for i in range(1, 8)], "B1, B2, B3, B4 and 3 others"),
    ],
)
def test_lists_of_names(names: list[str], text: str) -> None:
    assert listed(names) == text


QUIET = {
    "close_out_loss": 0.0,
    "delivery_calls": 0.0,
    "return_calls": 0.0,
    "uncollateralised_after": 0.0,
}


def test_sentences() -> None:
    assert sentence([], [], QUIET, "USD") == "no calls; all covered"
    calls = {**QUIET, "delivery_calls": 3.0, "return_calls": 1.0}
    told = "4 calls (3 for delivery, 1 for return), all met; all covered"
    assert sentence([], [], calls, "USD") == told
    bad = {**calls, "uncollateralised_after": 9e6, "close_out_loss": 1500.0}
    assert sentence(["B40", "B31"], ["B31", "B7"], bad, "USD") == (
        "B40 and B31 default; B7 does not meet a call in full; close-outs lose 1,500 USD;"
        " 9 million USD uncollateralised"
    )


def test_the_walk_through_a_market_under_stress_stops_on_the_days_that_matter() -> None:
    (market,) = Offer().markets(Settings("dealers-under-stress", seed=2))
    watch, _ = watched(market, len(market.days) - 1)
    stops = walk(watch)
    days, events = market.days_frame(), market.events_frame()
    assert [stop.day for stop in stops] == sorted(stop.day for stop in stops)
    by_title = {stop.title: stop for stop in stops}
    first = events[events["event"] == "unmet_call"]["day"].min()
    assert by_title["The first call that is not met"].day == first
    defaults = events[events["event"] == "default"]
    liquidity = defaults[defaults["cause"] == "liquidity"]
    day = liquidity["day"].min()
    names = liquidity[liquidity["day"] == day]["party"].tolist()
    verb = "defaults" if len(names) == 1 else "default"
    stop = by_title["The first liquidity default"]
    assert (stop.day, stop.what) == (day, f"{listed(names)} {verb}.")
    assert by_title["The largest loss"].day == days["close_out_loss"].idxmax()
    assert by_title["Lenders' risk at its highest"].day == (days["uncollateralised_after"].idxmax())
    contagion = defaults[defaults["cause"] == "contagion"]["day"].min()
    assert by_title["The first contagion"].day == contagion
    count = defaults["cause"].value_counts()
    lost = amount(days["close_out_loss"].sum(), "USD")
    assert by_title["The end of the window"].what == (
        f"{len(defaults)} defaults (0 exogenous, {count['liquidity']} liquidity,"
        f" {count['contagion']} contagion); {lost} lost."
    )


def test_a_calm_market_has_a_short_walk() -> None:
    (market,) = Offer().markets(Settings("prices-gbm", values={"model": 2}))
    watch, _ = watched(market, 5)
    titles = [stop.title for stop in walk(watch)]
    assert "The first contagion" not in titles
    assert titles[-1] == "The end of the window"
