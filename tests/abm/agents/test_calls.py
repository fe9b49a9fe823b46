"""Behaviour of one's own: the same tokens for the same decision, and clear refusals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from networks import networks
from worlds import held, loan, market_of

from abm.agents import Borrower, Dealer, Lender
from abm.agents.calls import DecisionError, DeliveryCall, ReturnCall
from scenarios.errors import InputError


class SameBorrower(Borrower):
    def choose_delivery(self, call: DeliveryCall) -> Mapping[str, int]:
        return call.default


class SameLender(Lender):
    def choose_return(self, call: ReturnCall) -> Mapping[str, int]:
        return call.default


class SameDealer(Dealer):
    def choose_delivery(self, call: DeliveryCall) -> Mapping[str, int]:
        return call.default

    def choose_return(self, call: ReturnCall) -> Mapping[str, int]:
        return call.default


SAME = {"borrower": SameBorrower, "lender": SameLender, "dealer": SameDealer}


def same_as_compiled(world: tuple[dict[str, Any], dict[str, list[int]]], who: set[str]) -> None:
    """Run a world with and without classes that decide as the standard ones do."""
    fields, prices = world
    names = {entry["name"]: SAME[entry["role"]] for entry in fields["participants"]["given"]}
    asked = {name: kind for name, kind in names.items() if name in who}
    one, other = (market_of(prices, behaviours=kinds, **fields) for kinds in ({}, asked))
    while one.running:
        one.step()
        other.step()
        assert (one.ledger.arrays.balance == other.ledger.arrays.balance).all(), one.day
        assert (one.books.reused == other.books.reused).all(), one.day
    pd.testing.assert_frame_equal(one.run().days_frame(), other.run().days_frame())
    assert (one.ledger.arrays.balance == other.ledger.arrays.balance).all()


EVERYBODY = {"L1", "L2", "D1", "D2", "D3", "B1", "B2"}


@given(networks(reuse=False))
def test_asking_everybody_moves_the_same_tokens(
    world: tuple[dict[str, Any], dict[str, list[int]]],
) -> None:
    same_as_compiled(world, EVERYBODY)


@given(networks(reuse=True))
def test_asking_some_moves_the_same_tokens_with_reuse(
    world: tuple[dict[str, Any], dict[str, list[int]]],
) -> None:
    same_as_compiled(world, {"D1", "L2", "B1"})


# A rising and a falling price, one loan whose borrower holds both tokens.
PRICES = {"A": [100, 90, 120], "B": [10, 10, 10]}
WORLD: dict[str, Any] = {
    "agreement": {"haircut": 0.0, "grace_days": 9},
    "loans": [loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10})],
    "participants": {
        "given": [{"name": "B1", "role": "borrower", "wallet": {"A": 50, "B": 50}}],
        "issuance_capacity": 0,
    },
}


class CheapestFirst(Borrower):
    """Delivers the cheapest tokens that it holds."""

    def choose_delivery(self, call: DeliveryCall) -> dict[str, int]:
        cheapest = min(call.priority, key=call.prices.__getitem__)
        return {cheapest: -int(-call.missing // call.prices[cheapest])}


def test_a_behaviour_from_python_in_five_lines() -> None:
    market = market_of(PRICES, behaviours={"borrower": CheapestFirst}, **WORLD)
    market.step()
    assert held(market) == [{"A": 10, "B": 10, "JPY": 0}]
    assert market.participants["B1"].wallet["B"] == 40


@pytest.mark.parametrize("single", [False, True])
def test_a_behaviour_from_a_scenario_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, single: bool
) -> None:
    (tmp_path / "stubborn.py").write_text(
        "from abm.agents import Borrower\n\n\n"
        "class Refuses(Borrower):\n"
        "    def meet_call(self, call):\n"
        "        return call.missing < 50\n"
    )
    monkeypatch.chdir(tmp_path)
    participants: dict[str, Any] = {"behaviour": {"borrower": "stubborn:Refuses"}}
    if single:
        participants = {
            "given": [
                {"name": "B1", "role": "borrower", "behaviour": "stubborn:Refuses"},
            ]
        }
    market = market_of(PRICES, **{**WORLD, "participants": participants})
    market.step()
    assert held(market) == [{"A": 10, "B": 0, "JPY": 0}]
    assert market.today["unmet_calls"] == 1
    assert market.today["unmet_value"] == 100
    assert market.today["gap"] == -100


def test_a_refused_call_ends_in_default_after_the_grace() -> None:
    class Refuses(Borrower):
        def meet_call(self, call: DeliveryCall) -> bool:
            return False

    falling = {"A": [100, 90, 90, 90, 90, 90]}
    fields = {**WORLD, "agreement": {"haircut": 0.0, "grace_days": 2, "trigger": 0.05}}
    fields["participants"] = {}
    market = market_of(falling, behaviours={"B1": Refuses}, **fields).run()
    assert market.days_frame()["defaults_liquidity"].tolist() == [0, 0, 0, 1, 0, 0]


def test_what_a_call_tells() -> None:
    seen: list[Any] = []

    class Watches(Borrower):
        def choose_delivery(self, call: DeliveryCall) -> Mapping[str, int]:
            seen.append((call.day, call.loan_id, call.lender, call.borrower, call.missing))
            seen.append((call.priority, call.held["A"], call.mintable["A"], call.prices["A"]))
            return call.default

    class Looks(Lender):
        def choose_return(self, call: ReturnCall) -> Mapping[str, int]:
            seen.append((call.day, call.excess, call.held["A"], call.default))
            return call.default

    market_of(PRICES, behaviours={"borrower": Watches, "lender": Looks}, **WORLD).run()
    assert seen == [
        (1, 1, "L1", "B1", 100.0),
        (("A", "B"), 50, 0, 90.0),
        # Two A came, and 12 at 120 are 440 too much: rounded down three go back.
        (2, 440.0, 12, {"A": 3}),
    ]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"X": 1}, "B1 chose X for loan 1; eligible are A, B"),
        ({"JPY": 1}, "B1 chose JPY for loan 1; eligible are A, B"),
        ({"A": -1}, "B1 chose -1 A for loan 1; expected a whole number"),
        ({"A": 1.5}, "B1 chose 1.5 A for loan 1; expected a whole number"),
        ({"A": float("nan")}, "B1 chose nan A for loan 1; expected a whole number"),
        ({"A": float("inf")}, "B1 chose inf A for loan 1; expected a whole number"),
        ({"A": 2**63}, "B1 chose 9223372036854775808 A for loan 1; expected a whole number"),
        ({"A": "10"}, "B1 chose '10' A for loan 1; expected a whole number"),
        ({"A": None}, "B1 chose None A for loan 1; expected a whole number"),
        (None, "B1 chose None for loan 1; expected tokens and their numbers, as"),
        (10, "B1 chose 10 for loan 1; expected tokens and their numbers, as"),
        (["A"], r"B1 chose \['A'\] for loan 1; expected tokens and their numbers, as"),
    ],
)
def test_bad_deliveries_are_refused(choice: Any, message: str) -> None:
    class Chooses(Borrower):
        def choose_delivery(self, call: DeliveryCall) -> Mapping[str, int]:
            return choice

    market = market_of(PRICES, behaviours={"borrower": Chooses}, **WORLD)
    with pytest.raises(DecisionError, match=message):
        market.step()


def test_a_return_of_more_than_is_held_is_refused() -> None:
    class Generous(Lender):
        def choose_return(self, call: ReturnCall) -> Mapping[str, int]:
            return {"A": 99}

    market = market_of(PRICES, behaviours={"lender": Generous}, **WORLD)
    market.step()
    with pytest.raises(DecisionError, match="L1 returns 99 A for loan 1, of which it holds 12"):
        market.step()


@pytest.mark.parametrize("answer", [None, "yes", 1])
def test_an_answer_that_is_none_is_refused(answer: Any) -> None:
    class Forgets(Borrower):
        def meet_call(self, call: DeliveryCall) -> bool:
            return answer

    market = market_of(PRICES, behaviours={"borrower": Forgets}, **WORLD)
    with pytest.raises(DecisionError, match=f"B1 answered {answer!r} to the call on loan 1;"):
        market.step()


def test_numbers_of_numpy_will_do() -> None:
    class Counts(Borrower):
        def meet_call(self, call: DeliveryCall) -> bool:
            return np.bool_(True)

        def choose_delivery(self, call: DeliveryCall) -> Mapping[str, int]:
            return {"A": np.int64(1), "B": np.float64(1.0)}  # type: ignore[dict-item]

    market = market_of(PRICES, behaviours={"borrower": Counts}, **WORLD)
    market.step()
    assert held(market) == [{"A": 11, "B": 1, "JPY": 0}]


def test_a_lender_may_keep_the_excess() -> None:
    class Keeps(Lender):
        def choose_return(self, call: ReturnCall) -> Mapping[str, int]:
            return {}

    market = market_of(PRICES, behaviours={"lender": Keeps}, **WORLD).run()
    assert market.summary()["returns"] == 0
    assert market.today["gap"] == 440


def test_delivering_more_than_there_is_brings_what_there_is() -> None:
    class Promises(Borrower):
        def choose_delivery(self, call: DeliveryCall) -> Mapping[str, int]:
            return {"A": 500}

    fields = {**WORLD, "participants": {"issuance_capacity": 0}}
    market = market_of(PRICES, behaviours={"borrower": Promises}, **fields)
    market.step()
    assert held(market)[0]["A"] == 10
    assert market.today["unmet_calls"] == 1


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("stubborn", "not of the form module:name"),
        ("no_such_module:X", "cannot be loaded"),
        ("abm.agents:Nobody", "cannot be loaded"),
        ("abm.agents:Lender", "B1: Lender does not extend Borrower, as a borrower must"),
        ("abm.agents:Wallet", "not a participant class"),
    ],
)
def test_classes_that_do_not_fit_are_refused(path: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        market_of(PRICES, **{**WORLD, "participants": {"behaviour": {"borrower": path}}})


@pytest.mark.parametrize(
    ("behaviours", "message"),
    [
        (CheapestFirst, "behaviours: expected classes by role or name, .* it is a type"),
        ({"borrower": CheapestFirst.meet_call}, "behaviours: borrower: .* is not a participant"),
        ({"borrower": int}, "behaviours: borrower: int is not a participant class"),
        ({"borrower": "mine:Own"}, "behaviours: borrower: 'mine:Own' is not a participant class"),
    ],
)
def test_behaviours_that_are_none_are_refused(behaviours: Any, message: str) -> None:
    with pytest.raises(InputError, match=message.replace("it is", r"\(it is")):
        market_of(PRICES, behaviours=behaviours, **WORLD)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero (broken.py, line 1, in <module>)"),
        ("def f(:", "SyntaxError: invalid syntax (broken.py, line 1)"),
    ],
)
def test_a_module_that_fails_is_told_with_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    (tmp_path / "broken.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    fields = {**WORLD, "participants": {"behaviour": {"borrower": "broken:Mine"}}}
    with pytest.raises(InputError, match=re.escape(f"broken:Mine cannot be loaded ({reason})")):
        market_of(PRICES, **fields)


def test_behaviours_of_nobody_are_refused() -> None:
    with pytest.raises(InputError, match="B7 is neither a participant nor one of lender, borrower"):
        market_of(PRICES, behaviours={"B7": CheapestFirst}, **WORLD)
