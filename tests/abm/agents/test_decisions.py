"""Every decision, taken alone and in columns, in worlds that can be worked out by hand."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from worlds import held, loan, market_of

from abm.agents import Borrower, ClearingHouse, Dealer, Lender, Oracle, Participant, decisions
from abm.agents.behaviour import STANDARD
from abm.agents.calls import DecisionError
from scenarios.errors import InputError

FLAT = {"A": [100, 100, 100, 100], "B": [10, 10, 10, 10]}
FALLING = {"A": [100, 90, 90, 90], "B": [10, 10, 10, 10]}


def both(base: type[Any], question: str, decide: Any) -> list[Any]:
    """A class that decides alone and one that decides in columns, on the same view."""
    alone = type("Alone", (base,), {question: lambda self, view: decide(view)})
    columns = {question + decisions.IN_COLUMNS: classmethod(lambda cls, view: decide(view))}
    return [pytest.param(alone, id="alone"), pytest.param(type("Columns", (base,), columns))]


def fields_of(*loans: dict[str, Any], wallet: dict[str, int], **agreement: Any) -> dict[str, Any]:
    return {
        "agreement": {"haircut": 0.0, "grace_days": 9, **agreement},
        "loans": list(loans),
        "participants": {
            "given": [{"name": "B1", "role": "borrower", "wallet": wallet}],
            "issuance_capacity": 0,
        },
    }


def test_every_decision_is_a_method_of_its_role_alone_and_in_columns() -> None:
    for decision in decisions.DECISIONS:
        for name in (decision.name, decision.name + decisions.IN_COLUMNS):
            asked = {**STANDARD, "participant": Participant}[decision.role]
            assert name in vars(asked), name
            assert hasattr(STANDARD["dealer"], name)


@pytest.mark.parametrize("kind", [Borrower, Lender, Oracle, ClearingHouse])
def test_a_behaviour_is_a_class_and_no_instance(kind: type[Any]) -> None:
    """`behaviours={"borrower": Mine()}` fails where it says `Mine()`, before the market sees it."""
    mine = type("Mine", (kind,), {})
    with pytest.raises(InputError, match=r"Mine\(\): .* the class, Mine without brackets"):
        mine()


@pytest.mark.parametrize(
    ("base", "method", "message"),
    [
        (Borrower, "meet_cal", "of Borrower .did you mean meet_call..; known are choose_delivery"),
        (Borrower, "chose_delivery", "did you mean choose_delivery"),
        (Borrower, "rank_call_in_columns", "did you mean rank_calls_in_columns"),
        (Borrower, "choose_recalls", "of Borrower; it is asked of lenders; known are "),
        (Lender, "choose_a_way", "Mine.choose_a_way is no decision of Lender"),
        (Dealer, "meet_calls", "of Dealer .did you mean meet_call."),
        (Oracle, "choose_price", "of Oracle .did you mean choose_prices."),
        (Oracle, "meet_call", "it is asked of borrowers; known are choose_prices"),
        (ClearingHouse, "declare_defaults", "did you mean declare_default"),
    ],
)
def test_a_misspelt_decision_is_refused(base: type[Any], method: str, message: str) -> None:
    """It would never be asked, and the market would be the standard one."""
    mine = type("Mine", (base,), {method: lambda self, view: None})
    key = {Oracle: "oracle", ClearingHouse: "clearing_house"}.get(base, base.__name__.lower())
    fields = fields_of(loan(1, "L1", "B1", lent={"JPY": 10}, collateral={"A": 10}), wallet={})
    fields["participants"]["dealers"] = 1
    fields["participants"]["given"].append({"name": "D1", "role": "dealer"})
    with pytest.raises(InputError, match=message):
        market_of(FLAT, behaviours={key: mine}, **fields)


def test_what_was_chosen_is_told_in_one_line() -> None:
    mine = type("Mine", (Borrower,), {"meet_call": lambda self, call: np.ones((2, 2))})
    fields = fields_of(loan(1, "L1", "B1", lent={"JPY": 990}, collateral={"A": 10}), wallet={})
    with pytest.raises(DecisionError, match=r"answered \[\[1. 1.\] \[1. 1.\]\] to the call"):
        market_of(FALLING, behaviours={"borrower": mine}, **fields).run()


def test_other_methods_are_ones_own_business() -> None:
    """Helpers, what overrides the standard class, and a dealer's decisions."""

    class Mine(Dealer):
        def _choose_anything(self) -> None: ...
        def worth(self) -> float: ...
        def choose_recalls(self, loans: Any) -> Any: ...

    class Younger(Mine):
        def step(self) -> None: ...

    decisions.refuse_unknown(Younger)


@pytest.mark.parametrize(
    "kind", both(Lender, "choose_recalls", lambda loans: loans.coverage < 0.95)
)
def test_recall_in_stress(kind: type[Any]) -> None:
    """10 A at 90 cover nine tenths of the first loan on day 1; it is due and repaid on day 2.

    The second has collateral to spare, and the third cannot be recalled.
    """
    fields = fields_of(
        loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10}, open_ended=True),
        loan(2, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 11}, open_ended=True),
        loan(3, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10}),
        wallet={},
        trigger=0.5,
    )
    fields["recalls"] = {"notice": 1}
    market = market_of(FALLING, behaviours={"lender": kind}, **fields)
    market.step()
    market.step()
    days = market.days_frame()
    assert days["recalls"].tolist() == [0, 1, 0]
    assert days["loans_settled"].tolist() == [0, 0, 1]
    assert market.participants["L1"].loans == [2, 3]


@pytest.mark.parametrize(
    "kind",
    both(Lender, "choose_at_maturity", lambda due: np.where(due.coverage < 1.1, "settle", "roll")),
)
def test_rolling_what_is_well_covered(kind: type[Any]) -> None:
    """Both are due on day 1: 10 A just cover theirs, which ends; 12 A do better, and it goes on."""
    fields = fields_of(
        loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10}, maturity=1),
        loan(2, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 12}, maturity=1),
        wallet={},
        trigger=0.5,
    )
    market = market_of(FLAT, behaviours={"lender": kind}, **fields)
    market.step()
    assert market.today["loans_settled"] == market.today["loans_rolled"] == 1
    assert market.books.loans.maturity[1] == 2
    assert market.participants["B1"].wallet["A"] == 10


def test_what_the_scenario_says_is_what_a_lender_is_told() -> None:
    told: list[Any] = []

    class Looks(Lender):
        def choose_at_maturity(self, loans: Any) -> Any:
            told.append((self.model.day, loans.loan_id.tolist(), loans.at_maturity.tolist()))
            return loans.at_maturity

    fields = fields_of(
        loan(1, "L1", "B1", lent={"JPY": 10}, collateral={"A": 1}, maturity=2, at_maturity="roll"),
        loan(2, "L1", "B1", lent={"JPY": 10}, collateral={"A": 1}, maturity=2),
        wallet={},
        trigger=0.9,
    )
    market_of(FLAT, behaviours={"lender": Looks}, **fields).run()
    assert told[0] == (2, [1, 2], ["roll", "settle"])


CALLED_TWICE = fields_of(
    loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10}),
    loan(2, "L2", "B1", lent={"JPY": 2000}, collateral={"A": 20}),
    wallet={"A": 3},
)
"""At 90 the first lacks 100, two A; the second 200, three A; the wallet has three."""


def after_a_day(kind: type[Any]) -> tuple[list[int], float]:
    market = market_of(FALLING, behaviours={"borrower": kind}, **CALLED_TWICE)
    market.step()
    return [account["A"] for account in held(market)], market.today["unmet_value"]


def test_without_ranks_calls_share() -> None:
    """In proportion to 100 and 200; 10 and 20 are missing still."""
    assert after_a_day(Borrower) == ([11, 22], 30)


@pytest.mark.parametrize("kind", both(Borrower, "rank_calls", lambda calls: -calls.missing))
def test_the_largest_call_first(kind: type[Any]) -> None:
    assert after_a_day(kind) == ([10, 23], 100)


@pytest.mark.parametrize("kind", both(Borrower, "meet_call", lambda call: call.missing < 150))
def test_meeting_small_calls_only(kind: type[Any]) -> None:
    assert after_a_day(kind) == ([12, 20], 200)


@pytest.mark.parametrize(
    "kind",
    [
        type("Alone", (Borrower,), {"choose_delivery": lambda self, call: {"A": 1}}),
        type(
            "Columns",
            (Borrower,),
            {
                "choose_delivery_in_columns": classmethod(
                    lambda cls, calls: np.tile([1, 0, 0], (len(calls), 1))
                )
            },
        ),
    ],
)
def test_choosing_what_to_deliver(kind: type[Any]) -> None:
    """One A each: 10 and 110 are missing still."""
    assert after_a_day(kind) == ([11, 21], 10 + 110)


@pytest.mark.parametrize(
    "kind",
    [
        type("Alone", (Lender,), {"choose_return": lambda self, call: {"A": 1}}),
        type(
            "Columns",
            (Lender,),
            {
                "choose_return_in_columns": classmethod(
                    lambda cls, calls: np.tile([1, 0, 0], (len(calls), 1))
                )
            },
        ),
    ],
)
def test_choosing_what_to_return(kind: type[Any]) -> None:
    """At 150 three A could go back of ten, and six of twenty."""
    rising = {"A": [100, 150], "B": [10, 10]}
    market = market_of(rising, behaviours={"lender": kind}, **CALLED_TWICE)
    market.step()
    assert [account["A"] for account in held(market)] == [9, 19]
    assert market.today["returned_value"] == 300


class TestForbearance:
    """B1 owes a call from day 1 on, with two days of grace."""

    PRICES: ClassVar = {"A": [100, 90, 90, 90, 90, 90, 90], "B": [10] * 7}
    FIELDS: ClassVar = fields_of(
        loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10}), wallet={}, grace_days=2
    )

    def defaults(self, kind: type[Any]) -> list[int]:
        behaviours = {"clearing_house": kind}
        market = market_of(self.PRICES, behaviours=behaviours, **self.FIELDS).run()
        return market.days_frame()["defaults_liquidity"].tolist()

    def test_by_default_none(self) -> None:
        assert self.defaults(ClearingHouse) == [0, 0, 0, 1, 0, 0, 0]

    def test_two_more_days(self) -> None:
        asked: list[Any] = []

        class Forbears(ClearingHouse):
            def declare_default(self, participant: str, days: int) -> bool:
                asked.append((self.model.day, participant, days))
                return days > 4

        assert self.defaults(Forbears) == [0, 0, 0, 0, 0, 1, 0]
        assert asked == [(3, "B1", 3), (4, "B1", 4), (5, "B1", 5)]

    @pytest.mark.parametrize("answer", [None, "no", 1])
    def test_an_answer_that_is_none_is_refused(self, answer: Any) -> None:
        kind = type("Mute", (ClearingHouse,), {"declare_default": lambda *_: answer})
        with pytest.raises(DecisionError, match=f"Mute answered {answer!r} to the question"):
            self.defaults(kind)


class TestOracle:
    FIELDS: ClassVar = fields_of(
        loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10}), wallet={"A": 9}
    )

    def test_smoothing(self) -> None:
        """80 after 100 is published as 90, and as 85 a day later: two A come, then none."""

        class Smooths(Oracle):
            last = 100.0

            def choose_prices(self, prices: dict[str, float]) -> dict[str, float]:
                self.last = (self.last + prices["A"]) / 2
                return {"A": self.last}

        prices = {"A": [100, 80, 80], "B": [10, 10, 10]}
        market = market_of(prices, behaviours={"oracle": Smooths}, events=True, **self.FIELDS)
        seen = []
        while market.running:
            market.step()
            seen.append((market.prices.tolist(), held(market)[0]["A"]))
        assert seen == [([90, 10, 1], 12), ([85, 10, 1], 12)]
        wrong = market.events_frame().query("event == 'wrong_price'")
        assert wrong[["day", "token", "value"]].values.tolist() == [[1, "A", 90], [2, "A", 85]]
        assert market.market_prices.tolist() == [80, 10, 1]

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            ({"A": 0.0}, "Wrong publishes 0.0 for A; expected a price above zero"),
            ({"A": -1.0}, "Wrong publishes -1.0 for A; expected a price above zero"),
            ({"A": float("nan")}, "Wrong publishes nan for A; expected a price above zero"),
            ({"A": float("inf")}, "Wrong publishes inf for A; expected a price above zero"),
            ({"A": 1e300}, r"Wrong publishes 1e\+300 for A; expected a price above zero and below"),
            ({"A": 4e15}, "Wrong publishes 4e.15 for A, of which there are"),
            ({"A": "90"}, "Wrong publishes '90' for A; expected a price above zero"),
            ({"A": None}, "Wrong publishes None for A; expected a price above zero"),
            ({"X": 90.0}, "Wrong publishes 90.0 for X; expected a price .* of one of A, B$"),
            ({"JPY": 2.0}, "Wrong publishes 2.0 for JPY; expected a price .* of one of A, B$"),
            (None, "Wrong publishes None; expected prices by token, as"),
            ([90.0, 10.0], r"Wrong publishes \[90.0, 10.0\]; expected prices by token, as"),
        ],
    )
    def test_what_is_no_price_is_refused(self, answer: Any, message: str) -> None:
        kind = type("Wrong", (Oracle,), {"choose_prices": lambda *_: answer})
        many = {**self.FIELDS, "participants": {"issuance_capacity": 0}}
        many["loans"] = [loan(1, "L1", "B1", lent={"JPY": 10**6}, collateral={"A": 10**4})]
        with pytest.raises(DecisionError, match=message):
            market_of(FLAT, behaviours={"oracle": kind}, **many).run()
