"""Cheapest to deliver as a borrower's decision: plans against the optimum, markets by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_worlds import World, schedules, worlds
from worlds import held, loan, market_of, panel_of

from abm.agents import Borrower
from abm.model import CollateralMarket
from abm.optimise.borrowers import plan
from abm.optimise.problem import UNBOUNDED, Problem
from abm.optimise.relaxed import relaxed
from abm.rules.cheapest import Asked
from scenarios.errors import InputError
from scenarios.scenario import Scenario

ASSETS = {
    "dear": {"tokens": ["A"], "lending_fee": 0.02, "volatility": 0.4},
    "cheap": {"tokens": ["B"], "lending_fee": 0.001, "volatility": 0.1},
}
MEASURES = [
    "abm.measures.collateral:collateral_cost",
    "abm.measures.collateral:collateral_volatility",
]


def problem_of(
    prices: np.ndarray, costs: np.ndarray, takes: np.ndarray, missing: np.ndarray, stock: np.ndarray
) -> Problem:
    """A problem for the solver, in which tokens count for their price."""
    return Problem(
        calls=tuple(map(str, range(len(missing)))),
        assets=tuple(map(str, range(len(prices)))),
        price=prices,
        stock=stock,
        cost=costs,
        required=missing,
        counts=np.where(takes, prices, 0),
        most=np.full(takes.shape, UNBOUNDED),
    )


def asked_of(problem: Problem, members: Any = None, room: Any = None) -> Asked:
    """The same for a plan, of one borrower."""
    calls, tokens = problem.counts.shape
    return Asked(
        borrower=np.zeros(calls, np.int64),
        missing=problem.required.copy(),
        counts=problem.counts,
        most=problem.most.copy(),
        room=np.zeros((calls, 0), np.int64) if room is None else room,
        members=np.zeros((0, tokens), np.bool_) if members is None else members,
    )


@pytest.mark.parametrize("alike", [True, False])
def test_plans_are_near_the_bound_in_parts_of_tokens(alike: bool) -> None:
    """They keep to stock and limits. Where all calls take the same without limits they cost no more
    than a token a call above the bound; elsewhere what docs/schedules.md says."""
    rng = np.random.default_rng(3)
    above, lacking = [], []
    for _ in range(40):
        calls, tokens = rng.integers(2, 12), rng.integers(2, 6)
        prices, costs = rng.integers(5, 60, tokens), rng.integers(1, 90, tokens) * 1.0
        missing, stock = rng.integers(1, 3000, calls), rng.integers(0, 960, tokens)
        takes = np.ones((calls, tokens), np.bool_) if alike else rng.random((calls, tokens)) < 0.7
        problem = problem_of(prices, costs, takes, missing, stock)
        if not alike:
            cut = rng.integers(5, 11, problem.counts.shape)
            limited = rng.random(cut.shape) < 0.3
            most = np.where(limited, rng.integers(0, 60, cut.shape), UNBOUNDED)
            problem = problem._replace(counts=problem.counts * cut // 10, most=most)
        quantities = plan(costs, asked_of(problem), stock[None])
        assert problem.keeps(quantities)
        bound, unmet = relaxed(problem), problem.unmet(quantities).sum()
        lacking.append((unmet - bound.unmet) / missing.sum())
        if not unmet:
            above.append(problem.cost_of(quantities) / bound.cost - 1)
            most_above = calls * costs.max() / bound.cost
            assert -1e-9 <= above[-1] <= (most_above if alike else np.inf)
    assert len(above) > (30 if alike else 10)
    assert np.mean(lacking) < 0.01 and np.mean(above) < 0.04


def test_where_calls_accept_different_tokens_nothing_is_given_away() -> None:
    """Only the second call takes A alone: the first, which comes before it, leaves it alone."""
    prices, costs = np.array([10, 10]), np.array([1.0, 5.0])
    takes = np.array([[True, True], [True, False]])
    stock = np.array([5, 9])
    problem = problem_of(prices, costs, takes, np.array([50, 50]), stock)
    assert plan(costs, asked_of(problem), stock[None]).tolist() == [[0, 5], [5, 0]]


def test_who_comes_off_worst_is_served_first_in_another_try() -> None:
    """Both calls take A, the cheapest, and only the first B, of A and C together 20 at most.

    It takes two A at first, so that the second lacks 20, for which it has C alone, which is dear.
    """
    prices, costs = np.array([10, 10, 10]), np.array([1.0, 2.0, 50.0])
    takes = np.array([[True, True, True], [True, False, True]])
    stock = np.array([5, 6, 9])
    problem = problem_of(prices, costs, takes, np.array([60, 50]), stock)
    room, members = np.array([[20], [2**62]]), np.array([[True, False, True]])
    planned = plan(costs, asked_of(problem, members, room), stock[None])
    assert planned.tolist() == [[0, 6, 0], [5, 0, 0]]


def test_each_borrower_has_a_stock_of_its_own() -> None:
    prices, costs = np.array([10, 10]), np.array([1.0, 5.0])
    problem = problem_of(prices, costs, np.ones((3, 2), np.bool_), np.array([30] * 3), prices)
    asked = asked_of(problem)._replace(borrower=np.array([1, 0, 1]))
    planned = plan(costs, asked, np.array([[2, 9], [4, 1]]))
    assert planned.tolist() == [[3, 0], [2, 1], [1, 1]]


def world(delivery: str, **fields: Any) -> dict[str, Any]:
    """Two loans to one borrower, secured by A at 100 and B at 100, with some of both at hand."""
    return {
        "agreement": {"haircut": 0.0, "grace_days": 9},
        "assets": ASSETS,
        "measures": MEASURES,
        "participants": {
            "delivery": delivery,
            "issuance_capacity": 0.0,
            "given": [{"name": "B1", "role": "borrower", "wallet": {"A": 9, "B": 3}}],
        },
        "loans": [
            loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10}),
            loan(2, "L2", "B1", lent={"JPY": 1000}, collateral={"A": 10}),
        ],
        **fields,
    }


def test_in_a_market_by_hand() -> None:
    """A falls by a fifth: 200 are missing twice. By priority three A each, worth 80; what costs
    least are two B for the first call and one for the second, whose last 100 are two A."""
    prices = {"A": [100, 80], "B": [100, 100]}
    rule, ours = (market_of(prices, **world(how)) for how in ("priority", "cheapest"))
    rule.step()
    assert held(rule) == [{"A": 13, "B": 0, "JPY": 0}] * 2
    ours.step()
    assert held(ours) == [{"A": 10, "B": 2, "JPY": 0}, {"A": 12, "B": 1, "JPY": 0}]
    for market, cost in ((rule, 26 * 80 * 0.02), (ours, 22 * 80 * 0.02 + 3 * 100 * 0.001)):
        days = market.days_frame()
        assert days["collateral_cost"].iloc[-1] == pytest.approx(cost)
        assert days["unmet_calls"].sum() == 0
    quality = ours.days_frame()["collateral_volatility"]
    assert quality.iloc[0] == pytest.approx(0.4)
    assert quality.iloc[-1] == pytest.approx((22 * 80 * 0.4 + 300 * 0.1) / (22 * 80 + 300))


@pytest.mark.parametrize("inventory", [0.02, 0.5])
def test_a_days_deliveries_cost_no_more_and_leave_no_more_unmet(inventory: float) -> None:
    """Over one day of falling prices, from the same state: with enough, and in a shortage."""
    changes: dict[str, Any] = {
        "window.end": "2008-10-03",
        "window.calendar": "sessions",
        "participants.prefunded_inventory": inventory,
        "participants.issuance_capacity": 0.0,
        "agreement": {"haircut": 0.3, "trigger": 0.0, "settlement_lag": 0},
        "assets": {
            name: {"tokens": [name], "lending_fee": fee}
            for name, fee in {"AAPL": 0.02, "GOOG": 0.001, "IBM": 0.01, "MSFT": 0.003}.items()
        },
        "measures": MEASURES[:1],
    }
    saved = 0
    for seed in range(3):
        one, other = (
            CollateralMarket(
                "network-random-bipartite", rng=seed, **changes, **{"participants.delivery": how}
            )
            .run()
            .days_frame()
            for how in ("cheapest", "priority")
        )
        assert one["collateral_cost"].iloc[0] == other["collateral_cost"].iloc[0]
        assert one["unmet_value"].sum() <= other["unmet_value"].sum()
        assert one["collateral_cost"].iloc[-1] <= other["collateral_cost"].iloc[-1]
        saved += one["collateral_cost"].iloc[-1] < other["collateral_cost"].iloc[-1]
        assert (other["unmet_value"].sum() > 0) == (inventory < 0.1)
    assert saved == (3 if inventory > 0.1 else 0)


def test_a_schedule_is_honoured() -> None:
    """Of the 200 that each loan lacks at most 100 more count in B, which is the cheaper: then A."""
    limit = {"asset": "B", "percentage_limit": 0.1}
    fields = world(
        "cheapest",
        agreement={"haircut": 0.0, "grace_days": 9, "schedule": "s"},
        schedules={"s": {"criteria": [{}], "concentration_limits": [limit]}},
    )
    market = market_of({"A": [100, 80], "B": [100, 100]}, **fields)
    market.step()
    assert held(market) == [{"A": 12, "B": 1, "JPY": 0}] * 2
    # B at half its price is still the cheaper: all three for the first call, an A for its last 50.
    fields["schedules"] = {"s": {"criteria": [{}, {"asset": "B", "haircut_percentage": 0.5}]}}
    market = market_of({"A": [100, 80], "B": [100, 100]}, **fields)
    market.step()
    assert held(market) == [{"A": 11, "B": 3, "JPY": 0}, {"A": 13, "B": 0, "JPY": 0}]
    fields["schedules"] = {"s": {"criteria": [{}, {"asset": "B", "is_included": False}]}}
    market = market_of({"A": [100, 80], "B": [100, 100]}, **fields)
    market.step()
    assert held(market) == [{"A": 13, "B": 0, "JPY": 0}] * 2


@settings(max_examples=25)
@given(worlds(), st.data())
def test_under_any_schedule_no_more_is_unmet_on_a_day_than_by_the_priority(
    world: World, data: st.DataObject
) -> None:
    """From the same state: one market begins by the priority, the other by what is cheapest."""
    table, prices = world
    for terms in (table["agreement"], table["agreements"]["other"]):
        terms |= {"delivery_rounding": "up", "schedule": "one"}
    some = {"tokens": tuple(prices), "daily_volume": 20, "volatility": 0.3, "lending_fee": 0.01}
    table["assets"] = {"some": {**some, "issuer": {next(iter(prices)): "B1"}}}
    days = len(next(iter(prices.values())))
    table["schedules"] = {"one": data.draw(schedules(tuple(prices), days))}
    table["participants"] |= {"minting_days": 0, "substitution": None}
    both = []
    for how in ("priority", "cheapest"):
        people = {**table["participants"], "delivery": how}
        scenario = Scenario.parse({**table, "participants": people}, "test")
        both.append(CollateralMarket(scenario, rng=1, prices=panel_of(prices)))
        both[-1].step()
    # On the first day, as later other tokens are there.
    rule, ours = (market.today for market in both)
    assert ours["delivery_call_value"] == rule["delivery_call_value"]
    assert ours["unmet_value"] <= rule["unmet_value"]


class Own(Borrower):
    """Somebody's own class."""


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"assets": {}}, "no class of assets has a lending_fee"),
        ({"agreement": {"delivery_rounding": "down"}}, 'goes with delivery_rounding = "up"'),
        ({"participants": {"delivery": "cheapest", "minting_days": 1}}, "goes with minting_days"),
        (
            {"participants": {"delivery": "cheapest", "behaviour": {"borrower": "own:Own"}}},
            "participants.behaviour.borrower decides that",
        ),
        ({"ledger": "evm"}, 'on ledger = "evm" the contracts decide'),
    ],
)
def test_what_cannot_be(fields: dict[str, Any], message: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("abm.agents.behaviour.load", lambda path, field: Own) if (
        "own:Own" in str(fields)
    ) else None
    with pytest.raises(InputError, match=message):
        market_of({"A": [100, 90], "B": [100, 100]}, **world("cheapest", **fields))


def test_whoever_has_a_class_of_its_own_keeps_it() -> None:
    prices = {"A": [100, 80], "B": [100, 100]}
    market = market_of(prices, behaviours={"B1": Own}, **world("cheapest"))
    market.step()
    assert held(market) == [{"A": 13, "B": 0, "JPY": 0}] * 2
