"""What a market and a scenario say of themselves, in a line and in a notebook."""

from __future__ import annotations

from html import escape
from xml.etree import ElementTree

import pytest
from worlds import loan, market_of

from abm.model import CollateralMarket
from scenarios.scenario import Scenario, bundled

ROLES = {"lenders": "lender", "dealers": "dealer", "borrowers": "borrower"}


@pytest.fixture(scope="module")
def market() -> CollateralMarket:
    market = CollateralMarket("crash", rng=1)
    while market.running and market.day < 16:
        market.step()
    return market


def picture(market: CollateralMarket) -> ElementTree.Element:
    html = market._repr_html_()
    return ElementTree.fromstring(html[html.index("<svg") : html.index("</svg>") + 6])


def test_a_market_in_a_line(market: CollateralMarket) -> None:
    loans = market.loans_frame()
    defaults = (market.participants_frame()["default_day"] >= 0).sum()
    assert repr(market) == (
        "<CollateralMarket crash: day 16 of 44 (2008-10-07), 30 lenders, 5 dealers, 30 borrowers,"
        f" {len(loans)} loans, {(loans['state'] == 'open').sum()} open,"
        f" {defaults} default{'' if defaults == 1 else 's'}>"
    )


def test_after_its_end_it_shows_the_last_day() -> None:
    market = CollateralMarket("prices-gbm", rng=1).run()
    last = len(market.days) - 1
    assert f"day {last} of {last} ({market.days[-1]:%Y-%m-%d})" in repr(market)
    assert f" {(market.loans_frame()['state'] == 'open').sum()} open" in repr(market)


def test_one_is_no_plural() -> None:
    market = market_of({"A": [10, 10]}, loans=[loan(1, "L", "B", lent={"JPY": 9})])
    assert "1 lender, 1 borrower, 1 loan, 1 open, 0 defaults" in repr(market)


def test_its_network_has_everybody_and_a_line_for_each_pair(market: CollateralMarket) -> None:
    loans = market.loans_frame().query("state == 'open'")
    pairs = loans.groupby(["lender", "borrower"])["uncollateralised_exposure"].sum()
    people = market.participants_frame()
    svg = picture(market)
    lines, dots = svg.findall("path"), svg.findall("circle")
    assert len(lines) == len(pairs) > 20
    assert len(dots) == len(people)
    hollow = [dot for dot in dots if dot.get("fill") == "white"]
    assert len(hollow) == (people["default_day"] >= 0).sum() > 0
    assert {dot.get("stroke") for dot in dots} == {"#0072b2", "#e69f00", "#009e73"}


def test_what_is_not_covered_is_red() -> None:
    """One loan covered, one against collateral whose price has halved."""
    loans = [
        loan(1, "L", "B1", lent={"JPY": 90}, collateral={"A": 10}),
        loan(2, "L", "B2", lent={"JPY": 90}, collateral={"B": 10}),
    ]
    nothing = {"role": "borrower", "issuance_capacity": {"A": 0, "B": 0}}
    known = [{"name": name, **nothing} for name in ("B1", "B2")]
    prices, terms = {"A": [10, 10, 10], "B": [10, 5, 5]}, {"grace_days": 9}
    market = market_of(prices, loans=loans, participants={"given": known}, agreement=terms)
    for colours in (["#b0b0b0", "#b0b0b0"], ["#b0b0b0", "#d55e00"]):
        assert [line.get("stroke") for line in picture(market).findall("path")] == colours
        market.step()


def test_names_are_escaped() -> None:
    market = market_of({"A": [10, 10]}, loans=[loan(1, "<b>L", "B&Co", lent={"JPY": 9})])
    titles = {dot.findtext("title") for dot in picture(market).findall("circle")}
    assert titles == {"<b>L, lender", "B&Co, borrower"}


def test_a_large_network_is_counted_only() -> None:
    market = CollateralMarket("network-complete", rng=1, **{"participants.borrowers": 200})
    html = market._repr_html_()
    assert "<svg" not in html
    assert "too large to be drawn" in html
    assert "200 borrowers" in html


@pytest.mark.parametrize("name", bundled())
def test_a_scenario_in_two_lines_at_most(name: str) -> None:
    scenario = Scenario.load(name)
    assert repr(scenario).startswith(f"<Scenario {name}: ")
    assert len(repr(scenario)) < 260
    html = scenario._repr_html_()
    ElementTree.fromstring(html)
    assert escape(scenario.title) in html


def test_the_last_day_of_a_scenario_is_one_of_it() -> None:
    scenario = Scenario.load("crash")
    assert "2008-09-15 to 2008-11-14, sessions" in repr(scenario)
    assert CollateralMarket(scenario, rng=1).days[-1].date().isoformat() == "2008-11-14"
