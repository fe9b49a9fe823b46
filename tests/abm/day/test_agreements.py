"""Rules of a user's own: what they rewrite counts from the day on, and nothing else passes."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, ClassVar

import pytest
from worlds import loan, market_of

from abm.agents.calls import DecisionError
from abm.rules.rule import Rule
from scenarios.errors import InputError

FLAT = {"A": [100, 100, 100, 100]}
WORLD: dict[str, Any] = {
    "agreement": {"haircut": 0.0, "grace_days": 9},
    "loans": [loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10})],
}


class FromDayTwo(Rule):
    """A haircut of a half, if nothing else is said, from day 2 on."""

    rewrites = ("haircut",)

    def __init__(self, haircut: float = 0.5):
        self.haircut = haircut

    def today(self, agreement: Any, seen: Any) -> Any:
        return {"haircut": self.haircut} if seen.day >= 2 else {}


class Says(Rule):
    """Rewrites a field to whatever it is told."""

    rewrites = ("haircut", "grace_days", "priority")

    def __init__(self, answer: Any):
        self.answer = answer

    def today(self, agreement: Any, seen: Any) -> Any:
        return self.answer


class Looks(Rule):
    """Writes down what it sees."""

    seen: ClassVar[list[Any]] = []

    def today(self, agreement: Any, seen: Any) -> Any:
        self.seen.append((seen.day, seen.tokens, seen.prices.tolist()))
        return {}


def rule(kind: type[Rule], **parameters: Any) -> dict[str, Any]:
    return {"use": f"rules_for_tests:{kind.__name__}", "parameters": parameters}


@pytest.fixture(autouse=True)
def _found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules of this file, under a name by which a scenario can name them."""
    module = ModuleType("rules_for_tests")
    vars(module).update(FromDayTwo=FromDayTwo, Says=Says, Looks=Looks)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    Looks.seen.clear()


def test_a_haircut_that_rises_calls_for_more() -> None:
    """1,000 at a haircut of a half ask for 2,000: ten more A on day 2, and none on day 3."""
    days = market_of(FLAT, rules=[rule(FromDayTwo)], **WORLD).run().days_frame()
    assert days["delivered_value"].tolist() == [0, 0, 1000, 0]
    assert days["collateral_value"].tolist() == [1000, 1000, 2000, 2000]


def test_the_last_rule_that_rewrites_a_term_decides() -> None:
    rules = [rule(FromDayTwo), rule(Says, answer={"haircut": 0.2})]
    days = market_of(FLAT, rules=rules, **WORLD).run().days_frame()
    # 1,000 / 0.8 = 1,250 need thirteen A.
    assert days["collateral_value"].tolist() == [1000, 1300, 1300, 1300]


def test_loans_open_at_the_haircut_of_the_rule() -> None:
    """1,000 at a haircut of 0.2 ask for 1,250: thirteen A from the beginning."""
    world: dict[str, Any] = {"agreement": {"haircut": 0.0}, "loan": {"principal": 1000}}
    days = market_of(FLAT, rules=[rule(Says, answer={"haircut": 0.2})], **world).run().days_frame()
    assert days["collateral_value"].tolist() == [1300] * 4
    assert days["delivered_value"].sum() == 0


def test_what_a_rule_has_seen() -> None:
    market_of({"A": [100, 90]}, rules=[rule(Looks)], **WORLD).run()
    assert Looks.seen == [(0, ("A",), [[100.0]]), (1, ("A",), [[100.0], [90.0]])]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"trigger": 0.1}, "Says changes trigger on day 0; it may change"),
        ({"priority": 1}, "Says changes priority on day 0; it may change"),
        ({"haircut": float("nan")}, "Says sets haircut to nan on day 0"),
        ({"haircut": "much"}, "Says sets haircut to much on day 0"),
        ({"haircut": None}, "Says sets haircut to None on day 0"),
        (None, "Says gave None on day 0; expected terms by name, as"),
        (0.1, r"Says gave 0\.1 on day 0; expected terms by name, as"),
    ],
)
def test_what_cannot_be_is_refused(answer: Any, message: str) -> None:
    with pytest.raises(DecisionError, match=message):
        market_of(FLAT, rules=[rule(Says, answer=answer)], **WORLD)


@pytest.mark.parametrize(
    ("answer", "message"),
    [({"haircut": 1.0}, "haircut"), ({"haircut": -0.1}, "haircut"), ({"grace_days": 1.5}, "grace")],
)
def test_what_no_agreement_can_say_is_refused(answer: Any, message: str) -> None:
    with pytest.raises(InputError, match=rf"rules on day 0.*{message}"):
        market_of(FLAT, rules=[rule(Says, answer=answer)], **WORLD)


def test_a_haircut_that_nobody_could_meet_is_refused() -> None:
    huge = [loan(1, "L1", "B1", lent={"JPY": 10**15}, collateral={"A": 10**13})]
    with pytest.raises(DecisionError, match="rules: a loan would need collateral worth"):
        late = [rule(FromDayTwo, haircut=0.9999)]
        market_of(FLAT, rules=late, **{**WORLD, "loans": huge}).run()
