"""Decisions in columns: the same market as alone or by default, and clear refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from deciding import ALONE, BY_DEFAULT, STANDARD, TOGETHER
from hypothesis import given
from networks import networks
from worlds import held, loan, market_of

from abm.agents import Borrower, Dealer, Lender
from abm.agents.calls import DecisionError
from abm.model import CollateralMarket
from scenarios.errors import InputError

World = tuple[dict[str, Any], dict[str, list[int]]]
Kinds = Mapping[str, type[Any]]


def same(world: World, one: Kinds, other: Kinds) -> None:
    """Run a world with two sets of classes that decide alike."""
    fields, prices = world
    roles = {entry["name"]: entry["role"] for entry in fields["participants"]["given"]}
    markets = []
    for kinds in (one, other):
        behaviours = {name: kinds[role] for name, role in roles.items()}
        markets.append(market_of(prices, behaviours=behaviours, events=True, **fields))
    a, b = markets
    while a.running:
        a.step()
        b.step()
        assert (a.ledger.arrays.balance == b.ledger.arrays.balance).all(), a.day
        assert (a.books.reused == b.books.reused).all(), a.day
    pd.testing.assert_frame_equal(a.run().days_frame(), b.run().days_frame())
    pd.testing.assert_frame_equal(ordered(a), ordered(b))


def ordered(market: CollateralMarket) -> pd.DataFrame:
    """Events in an order of their own: who is asked first is no part of what happens."""
    table = market.events_frame()
    return table.sort_values(list(table.columns), ignore_index=True)


@given(networks(reuse=False))
def test_default_decisions_in_columns_move_the_same_tokens(world: World) -> None:
    same(world, STANDARD, BY_DEFAULT)


@given(networks(reuse=True))
def test_default_decisions_in_columns_move_the_same_tokens_with_reuse(world: World) -> None:
    same(world, STANDARD, BY_DEFAULT)


@given(networks(reuse=False))
def test_alone_and_in_columns_are_the_same_market(world: World) -> None:
    same(world, ALONE, TOGETHER)


@given(networks(reuse=True))
def test_alone_and_in_columns_are_the_same_market_with_reuse(world: World) -> None:
    same(world, ALONE, TOGETHER)


FALLING = {"A": [100, 90, 80, 80, 80], "B": [10, 10, 10, 10, 10]}
RISING = {"A": [100, 120, 120, 120, 120], "B": [10, 10, 10, 10, 10]}
PAIR: dict[str, Any] = {
    "agreement": {"haircut": 0.0, "grace_days": 9},
    "loans": [
        loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10}),
        loan(2, "L1", "B1", lent={"JPY": 2000}, collateral={"A": 20}, maturity=1),
        loan(3, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10}, open_ended=True),
    ],
    "participants": {"issuance_capacity": 0},
}


def answering(base: type[Any], question: str, answer: Any) -> type[Any]:
    """A class that gives an answer in columns, whatever it is asked."""
    return type("Answers", (base,), {f"{question}_in_columns": classmethod(lambda *_: answer)})


def test_wilful_classes_make_a_difference() -> None:
    """The differential tests above would hold for classes that are never asked, too."""
    unmet, loans = [], [{**entry, "maturity": None} for entry in PAIR["loans"]]
    for kinds in (STANDARD, ALONE, TOGETHER):
        short = {"name": "B1", "role": "borrower", "wallet": {"A": 3, "B": 90}}
        participants = {"given": [short], "issuance_capacity": 0}
        market = market_of(
            FALLING, behaviours=kinds, **{**PAIR, "loans": loans, "participants": participants}
        )
        unmet.append(market.run().summary()["unmet_calls"])
    assert unmet[0] == 0 < unmet[1] == unmet[2]


@pytest.mark.parametrize(
    ("question", "answer", "message"),
    [
        ("meet_call", np.ones(2, bool), r"expected True or False for each of 3 rows, got bool of"),
        ("meet_call", np.ones(3), r"expected True or False for each of 3 rows, got float64"),
        ("meet_call", None, r"expected True or False for each of 3 rows, got object of shape \(\)"),
        ("meet_call", [[True], [True, False]], r"Answers: expected an array \("),
        ("choose_delivery", np.zeros((3, 2), int), r"tokens of shape \(3, 3\), got int64 of shape"),
        (
            "choose_delivery",
            np.zeros((3, 3)),
            r"whole numbers of tokens of .* got float64 of shape",
        ),
        ("choose_delivery", None, r"whole numbers of tokens of shape \(3, 3\), got object"),
        (
            "choose_delivery",
            np.full((3, 3), -1),
            "Answers chose -1 A for loan 1; expected a number",
        ),
        ("choose_delivery", [[0, 0, 0], [0, 0, 7], [0, 0, 0]], "Answers chose 7 JPY for loan 2;"),
        ("choose_delivery", np.full((3, 3), 2**62), "Answers chose 4611686018427387904 A for loan"),
        ("choose_delivery", np.full((3, 3), 2**63, np.uint64), "chose 9223372036854775808 A for"),
        ("rank_calls", [1, 2], r"expected a number for each of 3 rows, got int64 of shape \(2,\)"),
        ("rank_calls", [1, np.nan, 2], "expected a number for each of 3 rows, got .* with nan"),
        ("rank_calls", ["a", "b", "c"], "expected a number for each of 3 rows, got <U1 of shape"),
        ("rank_calls", None, "expected a number for each of 3 rows, got object of shape"),
    ],
)
def test_bad_answers_of_borrowers_are_refused(question: str, answer: Any, message: str) -> None:
    kind = answering(Borrower, question, answer)
    fields = {**PAIR, "loans": [{**entry, "maturity": None} for entry in PAIR["loans"]]}
    market = market_of(FALLING, behaviours={"borrower": kind}, **fields)
    with pytest.raises(DecisionError, match=message):
        market.step()


@pytest.mark.parametrize(
    ("question", "answer", "message"),
    [
        ("choose_return", [[11, 0, 0]] * 3, "Answers returns 11 A for loan 1, of which the lender"),
        ("choose_return", [[0, 1, 0]] * 3, "Answers returns 1 B for loan 1, of which the lender h"),
        (
            "choose_return",
            [[0.5, 0, 0]] * 3,
            r"whole numbers of tokens of shape \(3, 3\), got float",
        ),
        ("choose_recalls", [True, True], "expected True or False for each of 1 rows, got bool of"),
        ("choose_recalls", [1], "expected True or False for each of 1 rows, got int64 of shape"),
        ("choose_at_maturity", ["keep"], "Answers chose keep; expected settle, roll, replace for"),
        ("choose_at_maturity", [None], "Answers chose None; expected settle, roll, replace for ea"),
        (
            "choose_at_maturity",
            [1],
            "Answers chose 1; expected settle, roll, replace for each of 1",
        ),
        ("choose_at_maturity", "roll", r"expected settle, roll, .* got an array of shape \(\)"),
    ],
)
def test_bad_answers_of_lenders_are_refused(question: str, answer: Any, message: str) -> None:
    fields = PAIR
    if question == "choose_return":
        fields = {**PAIR, "loans": [{**entry, "maturity": None} for entry in PAIR["loans"]]}
    kind = answering(Lender, question, answer)
    market = market_of(RISING, behaviours={"lender": kind}, **fields)
    with pytest.raises(DecisionError, match=message):
        market.step()


CHAIN: dict[str, Any] = {
    "agreement": {"haircut": 0.0, "trigger": 0.95, "transfer": "title", "reuse_rate": 1},
    "agreements": {"tight": {"haircut": 0.0, "grace_days": 9}},
    "loans": [
        loan(1, "D1", "B1", lent={"JPY": 1000}, collateral={"A": 20}),
        loan(2, "L1", "D1", lent={"JPY": 1000}, collateral={"A": 10}, agreement="tight"),
    ],
    "participants": {"issuance_capacity": 0},
}
HALVING = {"A": [100, 50, 40, 40], "B": [10, 10, 10, 10]}


@pytest.mark.parametrize("answer", [[1.5], [-0.1], ["all"], [np.nan], None, [1, 1]])
def test_parts_for_reuse_beyond_all_and_nothing_are_refused(answer: Any) -> None:
    market = market_of(
        HALVING, behaviours={"dealer": answering(Dealer, "choose_reuse", answer)}, **CHAIN
    )
    with pytest.raises(DecisionError, match=r"Answers: expected (shares from 0|a number for)"):
        market.step()


@pytest.mark.parametrize("together", [False, True])
def test_half_of_what_may_be_posted_further_stays_half(together: bool) -> None:
    """Of 20 tokens 10 may go on: all on day 1, and none on day 2, however often it is asked."""

    class Half(Dealer):
        def choose_reuse(self) -> float:
            return 0.5

    kind = answering(Dealer, "choose_reuse", np.array([0.5])) if together else Half
    market = market_of(HALVING, behaviours={"dealer": kind}, **CHAIN)
    reused = []
    while market.running:
        market.step()
        reused.append(int(market.books.reused.sum()))
    assert reused == [10, 10, 10]
    assert market.days_frame()["unmet_calls"].tolist() == [0, 0, 1, 1]
    standard = market_of(HALVING, **CHAIN)
    while standard.running:
        standard.step()
    assert int(standard.books.reused.sum()) == 15
    assert standard.summary()["unmet_calls"] == 0


@pytest.mark.parametrize(
    "names",
    [
        ("meet_call", "meet_call_in_columns"),
        ("choose_delivery", "meet_call_in_columns"),
        ("choose_reuse", "choose_reuse_in_columns"),
        ("rank_calls", "rank_calls_in_columns"),
    ],
)
def test_a_class_that_answers_both_ways_is_refused(names: tuple[str, str]) -> None:
    kind = type("Torn", (Borrower,), dict.fromkeys(names, lambda *_: None))
    with pytest.raises(InputError, match=f"Torn has {names[0]} and {names[1]}: one class answers"):
        market_of(FALLING, behaviours={"borrower": kind}, **PAIR)


def test_a_subclass_that_answers_in_columns_what_its_base_answers_alone_is_refused() -> None:
    kind = answering(ALONE["lender"], "choose_recalls", [True])
    with pytest.raises(InputError, match="Answers has choose_recalls and choose_recalls_in_colu"):
        market_of(FALLING, behaviours={"lender": kind}, **PAIR)


def test_a_class_that_is_called_on_nothing_is_not_asked() -> None:
    """What would fail on no rows, `missing.max()` for one, does not."""

    class Compares(Borrower):
        @classmethod
        def meet_call_in_columns(cls, calls: Any) -> Any:
            return calls.missing < calls.missing.max()

    flat = {"A": [100, 100, 90], "B": [10, 10, 10]}
    market = market_of(flat, behaviours={"borrower": Compares}, **PAIR).run()
    assert market.days_frame()["unmet_calls"].tolist()[1] == 0


def test_ranks_in_columns_decide_who_gets_the_default_delivery() -> None:
    """Three tokens are enough for the larger call, on which a class asked in columns has them."""

    class LargestFirst(Borrower):
        @classmethod
        def rank_calls_in_columns(cls, calls: Any) -> Any:
            return -calls.missing

        @classmethod
        def choose_delivery_in_columns(cls, calls: Any) -> Any:
            return calls.default

    fields = {**PAIR, "loans": [{**entry, "maturity": None} for entry in PAIR["loans"][:2]]}
    fields["participants"] = {
        "given": [{"name": "B1", "role": "borrower", "wallet": {"A": 3}}],
        "issuance_capacity": 0,
    }
    market = market_of(FALLING, behaviours={"borrower": LargestFirst}, **fields)
    market.step()
    assert [account["A"] for account in held(market)] == [10, 23]


def test_a_return_that_is_held_back_though_blocked_counts_as_blocked() -> None:
    """One A at 120 is dearer than the 100 in excess: by default nothing can go back."""
    dear = {"A": [100, 120], "B": [10, 10]}
    fields = {**PAIR, "loans": [loan(1, "L1", "B1", lent={"JPY": 500}, collateral={"A": 5})]}
    runs = [
        market_of(dear, behaviours=kinds, **fields).run().days_frame()["blocked_returns"].tolist()
        for kinds in (STANDARD, BY_DEFAULT)
    ]
    assert runs == [[0, 1], [0, 1]]
