"""Loans that differ: what is drawn agrees with its closed form, and leaves the rest alone."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import CASH, held, loan, market_of, table_of

from abm.model import CollateralMarket
from abm.opening.build import Blueprint, Streams, draw_blueprint
from abm.opening.drawn_loans import (
    PARTS,
    FeatureStreams,
    draw_features,
    draw_shares,
    draw_term,
    pick,
)
from scenarios.agreement import CollateralAgreement
from scenarios.drawn import DrawnTerm
from scenarios.errors import InputError
from scenarios.loans import Loan
from scenarios.scenario import Scenario

NUMBER = 200_000
LAST = 60
TERMS: list[dict[str, Any]] = [
    {"kind": "uniform", "low": 3, "high": 12},
    {"kind": "geometric", "mean": 20.0},
    {"kind": "geometric", "mean": 1.0},
    {"kind": "table", "days": [1, 7, 30], "weights": [5, 3, 2]},
]


def features(seed: int = 1, last: int = LAST, **fields: Any) -> Any:
    kinds = (Loan(principal=1000, **fields),)
    streams = FeatureStreams(np.random.default_rng(seed))
    return draw_features(np.zeros(NUMBER, np.int64), kinds, lambda row: "loan", last, streams)


def within(found: float, wanted: float, deviation: float) -> bool:
    """Whether a mean over `NUMBER` loans lies within 4.5 standard errors of its expectation."""
    return abs(found - wanted) <= 4.5 * deviation / NUMBER**0.5 + 1e-12


def law(term: DrawnTerm) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Days and their probabilities, as the scenario's reference tells them."""
    if term.kind == "uniform":
        assert term.high is not None
        days = np.arange(term.low, term.high + 1)
        return days, np.full(len(days), 1 / len(days))
    if term.kind == "table":
        weights = np.array(term.weights)
        return np.array(term.days), weights / weights.sum()
    assert term.mean is not None
    days = np.arange(1, 2_000)
    return days, (1 - 1 / term.mean) ** (days - 1) / term.mean


@pytest.mark.parametrize("table", TERMS)
def test_terms_have_the_frequencies_of_their_distribution(table: dict[str, Any]) -> None:
    term = DrawnTerm(**table)
    found = features(maturity=term).term
    days, chance = law(term)
    mean = days @ chance
    assert within(found.mean(), mean, (((days - mean) ** 2) @ chance) ** 0.5)
    for day, wanted in zip(days[:12].tolist(), chance.tolist(), strict=False):
        assert within((found == day).mean(), wanted, (wanted * (1 - wanted)) ** 0.5)


@pytest.mark.parametrize("table", TERMS)
@pytest.mark.parametrize("ends", ["settle", "roll", "replace"])
def test_what_is_left_of_stationary_terms(table: dict[str, Any], ends: Any) -> None:
    """A renewal process met in the middle: P(left = r) = P(term >= r) / E[term] where loans come
    and go; where each keeps its term for ever, r is uniform within its own."""
    term = DrawnTerm(**table)
    drawn = features(maturity=term, age="stationary", at_maturity=ends)
    left = drawn.term - drawn.elapsed
    assert left.min() >= 1 and drawn.elapsed.min() >= 0
    days, chance = law(term)
    if ends == "settle":
        wanted = np.array([chance[days >= r].sum() for r in days]) / (days @ chance)
        wanted_at = dict(zip(days.tolist(), wanted.tolist(), strict=True))
        if term.kind == "table":
            wanted_at = {r: chance[days >= r].sum() / (days @ chance) for r in range(1, 31)}
    else:
        wanted_at = {r: (chance / days)[days >= r].sum() for r in range(1, 31)}
    for r in range(1, 13):
        wanted = wanted_at.get(r, chance[days >= r].sum() / (days @ chance))
        assert within((left == r).mean(), wanted, max(wanted * (1 - wanted), 0) ** 0.5), r


def test_a_fixed_term_has_uniformly_as_much_left() -> None:
    drawn = features(maturity=10, age="stationary")
    left = drawn.term - drawn.elapsed
    assert set(left.tolist()) == set(range(1, 11))
    assert within(left.mean(), 5.5, (99 / 12) ** 0.5)


def test_loans_that_begin_later_are_new() -> None:
    drawn = features(
        maturity=10, age="stationary", start={"kind": "table", "days": [0, 5], "weights": [1, 1]}
    )
    assert (drawn.elapsed[drawn.start > 0] == 0).all() and drawn.elapsed[drawn.start == 0].any()


def test_starts() -> None:
    start = features(start={"kind": "uniform", "low": 1, "at_opening": 0.4}).start
    assert within((start == 0).mean(), 0.4, 0.5)
    assert (start.min(), start.max()) == (0, LAST)
    assert within(start[start > 0].mean(), (1 + LAST) / 2, 30)
    for day in (1, 30, LAST):
        assert within((start == day).mean(), 0.6 / LAST, 0.1)
    assert features(start={"kind": "uniform", "low": 7, "high": 7}).start.tolist() == [7] * NUMBER
    assert not features(start={"kind": "uniform", "low": 1, "at_opening": 1}).start.any()
    table = features(start={"kind": "table", "days": [0, 9], "weights": [3, 1]}).start
    assert within((table == 9).mean(), 0.25, 0.44)


def test_mixes_and_lent_tokens_are_drawn_apart() -> None:
    mixes = [{"shares": {"A": 1}, "weight": 3}, {"shares": {"B": 1, "A": 1}, "weight": 1}]
    drawn = features(lent_token={"A": 2, "B": 0, CASH: 3}, mixes=mixes)
    kinds = [(kind.lent_token, len(kind.composition or ())) for kind in drawn.kinds]
    assert kinds == [(token, n) for token in ("A", "B", CASH) for n in (1, 2)]
    shares = np.bincount(drawn.kind, minlength=6) / NUMBER
    wanted = [0.4 * 0.75, 0.4 * 0.25, 0, 0, 0.6 * 0.75, 0.6 * 0.25]
    for found, chance in zip(shares.tolist(), wanted, strict=True):
        assert within(found, chance, (chance * (1 - chance)) ** 0.5)


@pytest.mark.parametrize("concentration", [0.01, 1.0, 8.0, 1e6])
def test_shares_have_the_mean_and_variance_of_a_dirichlet(concentration: float) -> None:
    composition = {"A": 3.0, "B": 1.0, CASH: 0.0}
    drawn = features(composition=composition, concentration=concentration)
    none = np.zeros(NUMBER, np.int64)
    streams = FeatureStreams(np.random.default_rng(2))
    parts = draw_shares(drawn, (CollateralAgreement(),), none, ("A", "B", "C", CASH), streams)
    assert parts is not None
    assert (parts.sum(axis=1) == PARTS).all() and parts.min() >= 0
    assert not parts[:, 2:].any()
    found = parts[:, 0] / PARTS
    variance = 0.75 * 0.25 / (concentration + 1)
    # Rounded to millionths.
    assert within(found.mean(), 0.75, variance**0.5) or abs(found.mean() - 0.75) < 1e-6
    assert found.var() == pytest.approx(variance, rel=0.03, abs=1e-12)


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=6).filter(lambda w: sum(w) > 1e-3),
    st.lists(st.floats(0, 1, exclude_max=True), min_size=1),
)
def test_what_has_no_weight_is_never_picked(weights: list[float], u: list[float]) -> None:
    chosen = pick(np.array(u), weights)
    assert (np.array(weights)[chosen] > 0).all()
    assert (np.diff(chosen[np.argsort(u, kind="stable")]) >= 0).all()


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1), st.floats(1, 6e5))
def test_geometric_terms_grow_with_their_mean(u: list[float], mean: float) -> None:
    """Common random numbers: no loan is shorter under a longer mean."""
    one, other = (
        draw_term(DrawnTerm(kind="geometric", mean=m), np.array(u)) for m in (mean, 1.5 * mean)
    )
    assert (one >= 1).all() and (one <= other).all()


NETWORK: dict[str, Any] = {
    "network": {"topology": "random-bipartite", "lenders_per_borrower": 2},
    "participants": {
        "lenders": 6,
        "borrowers": 30,
        "inventory_spread": {"kind": "lognormal", "sigma": 1.0},
        "prefunded_inventory": {"A": 1000},
    },
}
DRAWN: dict[str, Any] = {
    "principal": 100_000,
    "spread": {"kind": "lognormal", "sigma": 0.5},
    "lent_token": {"A": 1, CASH: 2},
    "mixes": [{"shares": {"A": 1}}, {"shares": {"A": 1, "B": 1}, "weight": 2}],
    "concentration": 4.0,
    "start": {"kind": "uniform", "at_opening": 0.5},
    "maturity": {"kind": "geometric", "mean": 3},
    "age": "stationary",
}
PRICES = {"A": [100, 110, 90, 95, 120, 80], "B": [50, 45, 55, 60, 40, 50]}


def blueprint(loan: dict[str, Any], **fields: Any) -> Blueprint:
    from worlds import panel_of

    table = table_of(6, **{**NETWORK, **fields}, loan=loan)
    return draw_blueprint(Scenario.parse(table, "test"), Streams.spawn(3), panel_of(PRICES))


def columns(drawn: Blueprint) -> dict[str, Any]:
    loans = drawn.books.loans
    return {
        "term": loans.tenor.tolist(),
        "begins": np.maximum(loans.opened, 0).tolist(),
        "lent token": (drawn.books.lent > 0).argmax(axis=1).tolist(),
        "held": drawn.ledger.wallets.tolist(),
        "parties": drawn.books.accounts.borrower.tolist(),
    }


@pytest.mark.parametrize(
    ("change", "changes"),
    [
        ({"maturity": 3}, {"term"}),
        ({"start": 0}, {"begins", "term"}),  # of those that now have an age
        ({"lent_token": "A"}, {"lent token"}),
        ({"mixes": []}, set()),
        ({"concentration": None}, set()),
        ({"at_maturity": "roll"}, {"term"}),
    ],
)
def test_each_feature_is_drawn_by_itself(change: dict[str, Any], changes: set[str]) -> None:
    fields = {**DRAWN, **change}
    one = columns(blueprint(DRAWN))
    other = columns(blueprint({k: v for k, v in fields.items() if v is not None}))
    assert {name for name in one if one[name] != other[name]} == changes


def test_policies_see_the_same_loans() -> None:
    """The network stream knows nothing of the agreement: only what it requires differs."""
    one = blueprint(DRAWN)
    other = blueprint(DRAWN, agreement={"model": 3, "haircut": 0.3, "aggregated": True})
    assert columns(one)["begins"] == columns(other)["begins"]
    assert (one.books.lent == other.books.lent).all()
    assert (one.books.loans.maturity == other.books.loans.maturity).all()
    parts = [
        (each.posted * each.prices[0]) / (each.posted @ each.prices[0])[:, None]
        for each in (one, other)
    ]
    assert np.abs(parts[0] - parts[1]).max() < 0.01


def test_the_same_seed_gives_the_same_market() -> None:
    runs = []
    for _ in range(2):
        market = market_of(PRICES, rng=5, loan=DRAWN, **NETWORK)
        market.run()
        runs.append(market.loans_frame().to_csv() + market.days_frame().to_csv())
    assert runs[0] == runs[1]


def test_every_loan_opens_on_its_day() -> None:
    market = market_of(PRICES, rng=5, events=True, loan=DRAWN, **NETWORK)
    begins = np.maximum(market.books.loans.opened, 0)
    market.run()
    opened = market.events_frame().query("event == 'open'").groupby("day")["loan_id"].count()
    wanted = np.bincount(begins, minlength=6)
    assert opened.reindex(range(6), fill_value=0).tolist() == wanted.tolist()
    assert set(market.days_frame()["loans_opened"] - wanted) == {0}


def later(**fields: Any) -> CollateralMarket:
    """One cash loan of 1,000 against A at a haircut of zero, that begins on day 2."""
    return market_of(
        {"A": [100, 50, 40, 40, 40], "B": [7, 7, 7, 7, 7]},
        **{
            "agreement": {"haircut": 0, "priority": ["A", "B"]},
            "loans": [loan(1, "L1", "B1", principal=1000, start=2, maturity=2)],
            **fields,
        },
    )


def test_a_loan_that_begins_later_by_hand() -> None:
    """Nothing before day 2; then 25 A at 40, minted in spite of a capacity of zero."""
    market = later(
        loans=[
            loan(1, "L1", "B1", principal=1000, start=2, maturity=2, composition={"A": 1}),
            loan(2, "L1", "B1", principal=500, start=1, lent_token="A"),
            loan(3, "L1", "B1", collateral={"B": 30}, start=3),
        ],
        participants={"issuance_capacity": 0.0},
    )
    assert market.loans_frame()["state"].tolist() == ["pending"] * 3
    assert market.today["open_loans"] == market.today["margin_calls"] == 0
    assert set(outstanding := market.ledger.arrays.minted.tolist()) == {0}, outstanding
    market.step()
    # 500 buy 10 A at 50; half of 500 in either token: 35 B, rounded down, and 6 A for the rest. Of
    # the 45 that are too much the day's return takes 6 B.
    assert held(market)[1] == {"A": 6, "B": 35 - 6, CASH: 0}
    market.step()
    assert held(market)[0] == {"A": 25, "B": 0, CASH: 0}
    assert market.loans_frame()["opened"].tolist() == [2, 1, 3]
    assert market.loans_frame()["maturity"].tolist() == [4, 5, 5]
    market.step()
    assert held(market)[2]["B"] == 30
    assert market.today["open_loans"] == 3
    assert market.loans_frame()["exposure"].tolist() == [1000, 400, 210]
    market.step()
    assert market.loans_frame()["state"].tolist() == ["settled", "open", "open"]


def test_collateral_is_what_the_published_price_requires() -> None:
    """The oracle is wrong on day 2: 20 A at 50 are posted, while the lent B are the true ones."""
    market = later(
        loans=[loan(1, "L1", "B1", principal=1000, lent_token="B", start=2, composition={"A": 1})],
        oracle={"wrong_prices": [{"day": 2, "token": "A", "factor": 1.25}]},
    )
    market.step()
    market.step()
    assert market.books.lent[0].tolist() == [0, 142, 0]
    assert held(market)[0]["A"] == -(-142 * 7 // 50)


def test_a_loan_of_somebody_in_default_does_not_begin() -> None:
    market = later(
        loans=[loan(i, "L1", f"B{i}", principal=1000, start=2) for i in (1, 2)],
        defaults={"scheduled": [{"participant": "B2", "day": 1}]},
    )
    market.run()
    assert market.loans_frame()["state"].tolist() == ["open", "closed out"]
    assert market.days_frame()["loans_opened"].sum() == 1


def test_fractions_of_a_participants_loans_count_those_that_begin_later() -> None:
    market = later(participants={"prefunded_inventory": 0.4, "equity_ratio": 0.5})
    assert market.participants["B1"].wallet["A"] == 0.4 * 25 / 2  # half of it in B
    assert market.standing.equity[1] == 500


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"start": 5}, "loan 7.start: day 5; the days of this window are 0 to 4"),
        ({"start": {"kind": "uniform", "high": 9}}, "loan 7.start: day 9; the days of"),
        ({"start": {"kind": "table", "days": [8], "weights": [0]}}, "weights must have a positive"),
        ({"start": {"kind": "uniform", "low": 3, "high": 2}}, "start: high must be at least low"),
        ({"start": {"kind": "uniform", "days": [2]}}, 'days changes nothing with kind = "uniform"'),
        ({"start": {"kind": "geometric"}}, "start.kind: expected 'uniform' or 'table'"),
        ({"maturity": {"kind": "uniform", "low": 4}}, "maturity: uniform needs a high of at least"),
        ({"maturity": {"kind": "geometric"}}, "maturity: geometric needs a mean"),
        ({"maturity": {"kind": "table", "days": [3]}}, "a table needs days, and as many weights"),
        ({"maturity": {"kind": "table", "days": [0], "weights": [1]}}, "maturity.days.1: expected"),
        ({"mixes": [{"shares": {"A": 0}}]}, "mixes.1: shares must have a positive one"),
        ({"mixes": [{"shares": {"A": 1}, "weight": 0}]}, "mixes must have a positive weight"),
        ({"mixes": [{"shares": {"A": 1}}], "composition": {"A": 1}}, "composition or mixes, not"),
        ({"composition": {"X": 1}, "concentration": 3}, "loan.composition: X has no price"),
        ({"mixes": [{"shares": {"X": 1}}]}, "loan.composition: X has no price"),
        ({"lent_token": {"X": 1, "A": 1}}, "loan.lent_token: X has no price"),
        ({"lent_token": {"A": 0}}, "lent_token must have a positive weight"),
        ({"age": "stationary"}, "age = 'stationary' needs a maturity"),
        ({"concentration": 0}, "concentration: expected a number greater than or equal to 0.01"),
    ],
)
def test_what_cannot_be_drawn_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        later(loans=[loan(7, "L1", "B1", principal=1000, **fields)])


def test_collateral_in_tokens_is_not_drawn() -> None:
    with pytest.raises(InputError, match="mixes and concentration go with composition"):
        later(loans=[loan(1, "L1", "B1", collateral={"A": 1}, concentration=2)])


def test_a_recall_before_the_beginning_is_refused() -> None:
    with pytest.raises(InputError, match="loan 1 on day 1; it begins on day 2"):
        later(
            loans=[loan(1, "L1", "B1", principal=1000, start=2, open_ended=True)],
            recalls={"scheduled": [(1, 1)]},
        )


def test_the_example_of_the_reference_runs() -> None:
    text = (Path(__file__).parents[3] / "docs" / "scenarios.md").read_text()
    example = re.search(r"```toml\n(\[loan\].*?)```", text, re.DOTALL)
    assert example
    table = Scenario.load("network-random-bipartite").model_dump(exclude_unset=True)
    table["loan"] = tomllib.loads(example[1])["loan"]
    market = CollateralMarket(Scenario.parse(table, "example"), rng=1)
    assert set(market.loans_frame()["state"]) == {"open", "pending"}
    assert market.books.lent[:, -1].any() and market.books.lent[:, :-1].any()
