"""Haircuts that follow risk: models, the three tools, resets, and what they may know."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from worlds import market_of

from abm.model import CollateralMarket
from abm.rules.haircuts import RiskHaircut, drawn_down, value_at_risk
from abm.rules.rule import Rule, Seen
from scenarios.agreement import CollateralAgreement
from scenarios.errors import InputError
from scenarios.haircuts import HaircutModel
from scenarios.prices.file_source import FileSource

RULE = "abm.rules.haircuts:RiskHaircut"
Z = 2.3263478740408408
AGREEMENT = CollateralAgreement(haircut=0.3)


def seen(closes: list[float] | np.ndarray, first: str = "2024-01-01") -> Seen:
    """Closes of one token, or of several, on successive weekdays from a Monday on."""
    table = np.asarray(closes, np.float64).reshape(len(closes), -1)
    days = np.busday_offset(first, np.arange(len(table)))
    return Seen(len(table) - 1, tuple("AB"[: table.shape[1]]), table, table, days)


def haircuts(closes: Any, **parameters: Any) -> list[float | None]:
    """What a rule says on each day of a path."""
    rule = RiskHaircut(**{"minimum": 1, **parameters})
    days = range(2, len(closes) + 1)
    return [rule.today(AGREEMENT, seen(closes[:day])).get("haircut") for day in days]


def walk(seed: int, days: int, tokens: int = 1) -> np.ndarray:
    steps = np.random.default_rng(seed).normal(0, 0.02, (days, tokens))
    return 100 * np.exp(steps.cumsum(axis=0))


def test_ewma_over_the_margin_period_by_hand() -> None:
    """After log-returns of 1 % and -2 % at a decay of a half: z · √(3·10⁻⁴) · √10."""
    closes = 100 * np.exp([0, 0.01, -0.01])
    found = haircuts(closes, model="ewma", decay=0.5, margin_period_of_risk=10)
    assert found == pytest.approx([Z * 0.01 * np.sqrt(10), Z * np.sqrt(3e-4) * np.sqrt(10)])


def test_historical_over_the_margin_period_by_hand() -> None:
    """The largest of the last two falls, times the root of four days."""
    closes = 100 * np.exp(np.cumsum([0, -0.05, -0.01, 0.02, -0.03]))
    found = haircuts(closes, model="historical", lookback=2, margin_period_of_risk=4)
    assert found == pytest.approx([0.10, 0.10, 0.02, 0.06])


def test_of_several_tokens_the_largest_or_the_mean() -> None:
    closes = np.exp([[0, 0], [-0.02, -0.04]])
    given = {"model": "historical", "margin_period_of_risk": 1}
    assert haircuts(closes, **given) == pytest.approx([0.04])
    assert haircuts(closes, across="mean", **given) == pytest.approx([0.03])


def test_only_eligible_tokens_count() -> None:
    rule = RiskHaircut(model="historical", minimum=1, margin_period_of_risk=1)
    agreement = CollateralAgreement(priority=("A",))
    today = rule.today(agreement, seen(np.exp([[0, 0], [-0.02, -0.04]])))
    assert today == {"haircut": pytest.approx(0.02)}


def test_floor_cap_and_too_little_history() -> None:
    calm, wild = [100.0] * 5, [100.0, 1.0, 100.0]
    assert haircuts(calm, model="ewma", floor=0.08) == [0.08] * 4
    assert haircuts(wild, model="ewma", cap=0.6) == [0.6] * 2
    assert haircuts(calm, model="ewma", minimum=4) == [None, None, None, 0.0]


class TestBuffer:
    def test_by_hand(self) -> None:
        """It is drawn down from 12.5 to the risk, and filled up when that falls."""
        in_force, path = None, []
        for risk in (0.10, 0.12, 0.13, 0.15, 0.11, 0.08):
            in_force = drawn_down(np.array([risk]), 0.25, in_force)
            path.append(float(in_force[0]))
        assert path == pytest.approx([0.125, 0.125, 0.13, 0.15, 0.1375, 0.10])

    def test_without_a_buffer_it_is_the_risk(self) -> None:
        closes = walk(1, 60)
        assert haircuts(closes, model="ewma", buffer=0.0) == haircuts(closes, model="ewma")

    def test_never_below_the_risk_nor_above_it_and_the_buffer(self) -> None:
        closes = walk(2, 120)
        plain = np.array(haircuts(closes, model="ewma", cap=0.99))
        buffered = np.array(haircuts(closes, model="ewma", buffer=0.25, cap=0.99))
        assert (buffered >= plain - 1e-12).all() and (buffered <= 1.25 * plain + 1e-12).all()
        assert np.abs(np.diff(buffered)).sum() < np.abs(np.diff(plain)).sum()


class TestStressedWeight:
    @pytest.mark.parametrize("model", ["ewma", "historical", "filtered"])
    def test_in_its_limits(self, model: str) -> None:
        """0 is the model itself; 1 knows the stressed sessions alone, which stay the same."""
        crash = np.concatenate([walk(3, 40), 100 * np.exp(np.cumsum([-0.1] * 20))[:, None]])
        returns = np.diff(np.log(np.concatenate([crash, walk(4, 400)])), axis=0)[61:]
        returns = np.concatenate([np.full((20, 1), -0.1), returns])
        at = {
            weight: value_at_risk(
                returns,
                HaircutModel(model=model, stressed_weight=weight, stressed_days=20),  # type: ignore[arg-type]
            )[0]
            for weight in (0.0, 0.25, 1.0)
        }
        assert at[0.0] == value_at_risk(returns, HaircutModel(model=model))[0]  # type: ignore[arg-type]
        assert at[1.0] == pytest.approx(0.1 * (Z if model == "ewma" else 1))
        assert at[0.0] < at[0.25] <= at[1.0]

    def test_variances_are_mixed_by_hand(self) -> None:
        returns = np.array([[0.03], [0.01]])
        given = HaircutModel(model="ewma", decay=0.5, stressed_weight=0.25, stressed_days=1)
        recent = (0.5 * 9 + 1) / 1.5
        mixed = np.sqrt(0.75 * recent + 0.25 * 9) / 100
        assert value_at_risk(returns, given) == pytest.approx([Z * mixed])


def test_the_floor_of_years_is_the_volatility_of_all_that_is_known() -> None:
    """A calm week after a loud one: no lower than the two together, and a year is 252 sessions."""
    returns = np.array([0.04, -0.04] * 130 + [0.001, -0.001] * 126)[:, None]
    given = {"model": "ewma", "decay": 0.5}
    both = HaircutModel(**given, floor_years=10)  # type: ignore[arg-type]
    all_days = np.sqrt((260 * 0.04**2 + 252 * 0.001**2) / 512)
    assert value_at_risk(returns, both) == pytest.approx([Z * all_days])
    year = HaircutModel(**given, floor_years=1)  # type: ignore[arg-type]
    assert value_at_risk(returns, year) == pytest.approx([Z * 0.001])


class TestReset:
    def test_weekly_is_the_first_session_of_a_week(self) -> None:
        """The path begins on a Monday, and `haircuts` on the Tuesday after."""
        closes = walk(5, 12)
        daily = haircuts(closes, model="ewma", decay=0.5)
        weekly = haircuts(closes, model="ewma", decay=0.5, reset="weekly")
        assert weekly == [daily[0]] * 4 + [daily[4]] * 5 + [daily[9]] * 2

    def test_only_beyond_the_threshold(self) -> None:
        closes = walk(6, 80)
        daily = haircuts(closes, model="ewma", cap=0.99)
        reset = haircuts(closes, model="ewma", cap=0.99, reset="threshold", threshold=0.2)
        in_force = daily[0]
        for new, now in zip(daily[1:], reset[1:], strict=True):
            in_force = new if abs(new - in_force) > 0.2 * in_force else in_force
            assert now == in_force
        assert 3 < len(set(reset)) < len(set(daily)) / 3


class TestWhatItKnows:
    def test_nothing_of_the_future(self) -> None:
        """Two paths that part on day 30: the same haircuts until the day before."""
        prices = {"A": walk(7, 60)[:, 0].round(2).tolist()}
        other = {"A": [*prices["A"][:30], *(price / 2 for price in prices["A"][30:])]}
        world: dict[str, Any] = {
            "agreement": {"haircut": 0.1},
            "loan": {"principal": 1e6},
            "rules": [
                {"use": RULE, "parameters": {"model": "filtered", "stressed_weight": 0.25}},
            ],
        }
        ours, theirs = (
            market_of(each, **world).run().agreements.haircuts[:, 0] for each in (prices, other)
        )
        assert (ours[:30] == theirs[:30]).all()
        assert ours[30] != theirs[30]
        assert len(set(ours[:30])) > 5

    def test_closes_before_the_window(self) -> None:
        """On day 0 the value at risk of the file's closes up to that day, and loans open at it."""
        rules = [{"use": RULE, "parameters": {"model": "historical", "lookback": 250}}]
        market = CollateralMarket("crash", rng=1, rules=rules)
        panel = FileSource(file="bundled:us_stocks_2007_2010").read()
        closes = panel.close[panel.dates <= market.days[0]]
        falls = -np.diff(np.log(closes), axis=0)[-250:]
        # 99 % of 250 are 247.5: the 248th of them in order.
        largest = np.sort(falls, axis=0)[247].max() * np.sqrt(5)
        assert market.agreements.haircuts[0, 0] == pytest.approx(largest, abs=5e-5)
        coverage = market.days_frame()["coverage"][0]
        assert 1 <= coverage < 1.01

    def test_calendar_days_without_a_close_are_no_returns(self) -> None:
        """Over a week-end nothing is learnt: the haircut stays where it was on Friday."""
        rules = [{"use": RULE, "parameters": {"model": "ewma"}}]
        calendar = {"window.calendar": "causal"}
        market = CollateralMarket("crash", rng=1, rules=rules, **calendar).run()
        sundays = np.flatnonzero(market.days.day_of_week == 6)
        assert len(sundays) == 8
        for day in sundays:
            friday, saturday, sunday = market.agreements.haircuts[day - 2 : day + 1, 0]
            assert friday == saturday == sunday
        assert len(set(market.agreements.haircuts[:, 0])) > 30


def test_the_rule_of_the_documentation_runs() -> None:
    page = (Path(__file__).parents[3] / "docs" / "schedules.md").read_text()
    (example,) = re.findall(r"```toml\n(measures.*?)```", page, re.DOTALL)
    days = CollateralMarket("crash", rng=1, **tomllib.loads(example)).run().days_frame()
    assert days["haircut_peak_to_trough"].iloc[-1] > 1.5
    assert days["calls_by_haircuts"].sum() > 1e7


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "model is missing"),
        ({"model": "garch"}, "model: expected 'ewma', 'historical' or 'filtered'"),
        ({"model": "ewma", "confidence": 99}, "confidence: expected a number less than 1"),
        ({"model": "ewma", "flor": 0.1}, "unknown key flor"),
        ({"model": "ewma", "floor": 0.5, "cap": 0.2}, "cap: expected at least the floor"),
    ],
)
def test_what_cannot_be(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as refused:
        RiskHaircut(**parameters)
    assert message in str(refused.value)


class ForNewLoans(Rule):
    """The haircut of day n is n tenths, for loans that begin on it."""

    rewrites = ("haircut",)
    for_new_loans = True

    def today(self, agreement: CollateralAgreement, seen: Seen) -> dict[str, float]:
        return {"haircut": seen.day / 10}


def test_a_rule_for_new_loans_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """One loan is there from the beginning, one begins on day 2, one is replaced every two days."""
    monkeypatch.setitem(sys.modules, "mine", SimpleNamespace(ForNewLoans=ForNewLoans))
    market = market_of(
        {"A": [1] * 6},
        agreement={"schedule": "s"},
        schedules={"s": {"criteria": [{}]}},
        rules=[{"use": "mine:ForNewLoans"}],
        measures=["abm.measures.procyclicality:calls_by_haircuts"],
        loans=[
            {**LOAN, "loan_id": 1},
            {**LOAN, "loan_id": 2, "start": 2},
            {**LOAN, "loan_id": 3, "maturity": 2, "at_maturity": "replace"},
        ],
    )
    required = []
    while market.running:
        market.step()
        required.append(market.books.accounts.required[:3].tolist())
    assert [row[0] for row in required] == [1000] * 5
    assert [row[1] for row in required[1:]] == [1250] * 4
    assert [row[2] for row in required] == [1000, 1250, 1250, 1667, 1667]
    assert market.days_frame()["calls_by_haircuts"].eq(0).all()
    assert market.days_frame()["gap"].abs().max() < 1


def test_a_loan_that_cannot_be_repaid_is_no_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The 10 A that are due on day 2, to be lent anew, have been delivered on another call."""
    monkeypatch.setitem(sys.modules, "mine", SimpleNamespace(ForNewLoans=ForNewLoans))
    parties = {"lender": "L1", "borrower": "B1"}
    due = {"maturity": 2, "at_maturity": "replace"}
    market = market_of(
        {"A": [10] * 5, "B": [100, 1, 1, 1, 1]},
        agreement={"haircut": 0.0, "priority": ["A"], "grace_days": 99},
        participants={"given": [{"name": "B1", "role": "borrower", "issuance_capacity": {}}]},
        rules=[{"use": "mine:ForNewLoans"}],
        loans=[
            {**parties, "loan_id": 1, "lent": {"A": 10}, "collateral": {"A": 10}, **due},
            {**parties, "loan_id": 2, "lent": {"JPY": 100}, "collateral": {"B": 1}},
        ],
    )
    market.run_days()
    assert market.books.loans.recall_fails.tolist() == [3, 0]
    assert market.books.accounts.required.tolist() == [100, 100]


LOAN = {"lender": "L1", "borrower": "B1", "lent": {"JPY": 1000}}


def test_new_loans_only_leaves_old_loans_alone() -> None:
    """What begins on day 0 keeps its haircut, however the rule goes on; what begins later has that
    of its day."""
    path = {"A": walk(3, 60)[:, 0].round(2).tolist()}
    parameters = {"model": "ewma", "minimum": 5, "loans": "new"}
    loans = [{**LOAN, "loan_id": 1}, {**LOAN, "loan_id": 2, "start": 50}]
    common = {"money": {"currency": "JPY", "unit": 0.01}, "loans": loans}
    fixed = market_of(path, **common).run().days_frame().fillna(0)
    ruled = market_of(path, rules=[{"use": RULE, "parameters": parameters}], **common).run()
    same = (ruled.days_frame().fillna(0) == fixed).all(axis=1)
    assert same[:50].all() and not same[50:].any()
    all_loans = {**parameters, "loans": "all"}
    other = market_of(path, rules=[{"use": RULE, "parameters": all_loans}], **common).run()
    assert not (other.days_frame().fillna(0) == fixed).all(axis=1)[:50].all()


def test_new_loans_only_is_refused_where_there_are_none() -> None:
    rules = [{"use": RULE, "parameters": {"model": "ewma", "loans": "new"}}]
    with pytest.raises(InputError, match="all loans begin on the first day"):
        market_of({"A": [1, 1]}, rules=rules, loans=[{**LOAN, "loan_id": 1}])


def test_new_loans_only_is_refused_where_loans_are_margined_together() -> None:
    rules = [{"use": RULE, "parameters": {"model": "ewma", "loans": "new"}}]
    with pytest.raises(InputError, match="aggregated = false"):
        market_of(
            {"A": [1, 1]},
            agreement={"aggregated": True},
            rules=rules,
            loans=[{**LOAN, "loan_id": 1}],
        )
