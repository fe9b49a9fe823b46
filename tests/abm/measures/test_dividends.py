"""Dividends on record dates: by hand, against the rules' own market, and refused where wrong."""

from __future__ import annotations

import copy
import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from random_worlds import World, worlds
from reference.dividends import dividends
from reference.market import ReferenceMarket
from worlds import CASH, outstanding, panel_of

from abm.measures.positions import net_positions
from abm.model import CollateralMarket
from scenarios.errors import InputError
from scenarios.scenario import Scenario

TABLE: dict[str, Any] = {
    "window": {"start": "2020-01-03", "end": "2020-01-14", "calendar": "sessions"},
    "assets": {
        "bonds": {"tokens": ["GOV"], "volatility": 1e-9},
        "shares": {"tokens": ["EQ"], "volatility": 1e-9},
    },
    "prices": {"source": "classes"},
    "fees": {},
    "loan": {"lent": {"EQ": 1000}, "composition": {"GOV": 1}},
    "agreement": {"margin_percentage": 1.02, "priority": ["GOV"]},
    "measures": [
        f"abm.measures.dividends:{name}"
        for name in ("dividends_paid", "manufactured_on_loans", "manufactured_on_collateral")
    ],
}


def market(**changes: Any) -> CollateralMarket:
    return CollateralMarket(Scenario.parse({**copy.deepcopy(TABLE), **changes}, "test"), rng=1)


def test_a_dividend_and_a_coupon_by_hand() -> None:
    """1,000 shares lent against 1,020 bonds. A Saturday's dividend is Monday's, and of the shares
    the borrower pays 0.25 each; a coupon of 1.5 the lender hands on."""
    given = [
        {"date": "2020-01-04", "token": "EQ", "amount": 0.25},
        {"date": "2020-01-08", "token": "GOV", "amount": 1.5},
        {"date": "2020-01-02", "token": "GOV", "amount": 9.0},
    ]
    ran = market(dividends={"given": given}).run()
    days = ran.days_frame()
    assert days["dividends_paid"].tolist() == pytest.approx([0, 250, 0, 1530, 0, 0, 0])
    assert days["manufactured_on_loans"].tolist() == pytest.approx([0, 250, 0, 0, 0, 0, 0])
    assert days["manufactured_on_collateral"].tolist() == pytest.approx([0, 0, 0, 1530, 0, 0, 0])
    assert ran.earnings is not None
    # The borrower hands on the shares' dividend, and the lender the bonds' coupon.
    assert ran.population.names == ("B1", "L1")
    assert ran.earnings.by_participant.tolist() == [153_000, 25_000]
    assert ran.earnings.outside == -178_000


def test_a_file_is_what_it_lists(tmp_path: Path) -> None:
    file = tmp_path / "dividends.csv"
    file.write_text("date,token,amount\n2020-01-04,EQ,0.25\n2020-01-08,GOV,1.5\n2020-01-08,XY,3\n")
    ran = market(dividends={"file": str(file)}).run()
    assert ran.earnings is not None
    assert ran.earnings.by_participant.tolist() == [153_000, 25_000]


def test_a_yield_is_paid_so_many_times_a_year() -> None:
    """Four quarters of 2 % of 100 each: 2 a share and year, on four days that lie evenly."""
    window = {"start": "2019-01-01", "end": "2020-01-01", "calendar": "sessions"}
    model = {"classes": {"shares": {"rate": 0.02, "times": 4}}}
    days = market(window=window, dividends=model).run().days_frame()
    paid = days[days["dividends_paid"] > 0]
    assert paid["manufactured_on_loans"].tolist() == pytest.approx([500] * 4)
    apart = np.diff(paid["date"].to_numpy()).astype("timedelta64[D]").astype(int)
    assert (abs(apart - 91.25) < 4).all()


@settings(max_examples=60)
@given(worlds())
def test_every_day_as_the_rules_have_it(world: World) -> None:
    """Earned by each party, to the unit; and long positions less short ones are what is there."""
    table, prices = world
    length = len(next(iter(prices.values())))
    first = datetime.date.fromisoformat(str(table["window"]["start"]))
    unit = table["money"].get("unit", 0.01)
    each = [
        (day, token, (day % 3 + 1) * 0.375 * unit)
        for day in range(length)
        for number, token in enumerate(prices)
        if (day + number) % 2 == 0
    ]
    listed = [
        {"date": str(first + datetime.timedelta(days=day)), "token": token, "amount": amount}
        for day, token, amount in each
    ]
    table = {**table, "fees": {}, "dividends": {"given": listed}, "assets": table.get("assets", {})}
    reference = ReferenceMarket(
        table, [{token: path[day] for token, path in prices.items()} for day in range(length)]
    )
    tested = CollateralMarket(Scenario.parse(table, "test"), rng=1, prices=panel_of(prices))
    assert tested.earnings is not None
    names = tested.population.names
    while True:
        today = {
            token: Fraction(3 * (day % 3 + 1), 8) for day, token, _ in each if day == tested.day
        }
        wanted, outside = dividends(reference.books, today)
        dates = tested.earnings.dividends
        assert dates is not None
        got = np.zeros(len(names), np.int64)
        dates.pay(tested.books, tested.day, tested.prices, got)
        assert got.tolist() == [wanted.get(name, 0) for name in names], f"day {tested.day}"
        assert dates.paid == outside == got.sum()
        assert (tested.earnings.by_participant.sum() + tested.earnings.outside) == 0
        net, there = net_positions(tested).sum(axis=0), outstanding(tested)
        sold = tested.ledger.arrays.balance[tested.ledger.outside_market]
        assert net.tolist() == [there[token] - sold[i] for i, token in enumerate(tested.tokens)]
        if not tested.running:
            break
        tested.step()
        reference.step()
    assert CASH in there


@pytest.mark.parametrize(
    ("dividends", "message"),
    [
        ({}, "dividends: give a file"),
        ({"given": [{"date": "2020-01-04", "token": "XY", "amount": 1}]}, "XY has no price"),
        ({"given": [{"date": "2020-01-04", "token": "EQ", "amount": 0}]}, "greater than 0"),
        ({"classes": {"share": {"rate": 0.1}}}, "no class share"),
        ({"file": "/none.csv"}, "/none.csv: cannot be read"),
    ],
)
def test_what_is_wrong_is_named(dividends: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        market(dividends=dividends)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("date,token\n", "no column amount; expected date, token, amount"),
        ("date,token,amount\n2020-01-04,EQ,1\n4 Jan,EQ,1\n", "row 3: expected a date"),
        ("date,token,amount\n2020-01-04,EQ,-1\n", "row 2: expected a token and an amount above"),
        ("date,token,amount\n2020-01-04,EQ,1\n2020-01-04,EQ,2\n", "row 3: EQ on 2020-01-04 app"),
    ],
)
def test_a_wrong_file_is_named_with_its_row(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "dividends.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        market(dividends={"file": str(file)})


def test_dividends_are_counted_with_fees() -> None:
    given = [{"date": "2020-01-04", "token": "EQ", "amount": 1}]
    table = {**TABLE, "measures": [], "dividends": {"given": given}}
    del table["fees"]
    with pytest.raises(InputError, match="counted with a table"):
        Scenario.parse(table, "test")
