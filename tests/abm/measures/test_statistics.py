"""Statistics of the day, the run, and what tables show, against hand and brute force."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from networks import networks
from worlds import loan, market_of

from abm.books.loan_book import new_accounts
from abm.books.tally import EVENTS as KINDS
from abm.formulas import risk
from abm.measures.statistics import LANES, add_up, concentration, expected_shortfall
from abm.opening.terms import terms_of
from abm.rules.requirement import set_requirement
from abm.tables.meanings import EVENTS, LOANS, PARTICIPANTS, day_columns
from analysis import distributions
from scenarios.agreement import CollateralAgreement

NO_DISCOUNT = np.zeros(0, np.int64)
World = tuple[dict[str, Any], dict[str, list[int]]]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60), st.floats(0.01, 1))
def test_expected_shortfall_is_the_mean_of_the_tail(losses: list[float], tail: float) -> None:
    """By brute force: the quantile function averaged over the tail (Acerbi and Tasche 2002)."""
    ordered = sorted(losses, reverse=True)
    k = tail * len(losses)
    whole = int(k)
    total = sum(ordered[:whole])
    if whole < len(ordered):
        total += (k - whole) * ordered[whole]
    positive = np.array([loss for loss in losses if loss > 0])
    found = expected_shortfall(positive, len(losses), tail)
    assert found == pytest.approx(total / k, rel=1e-9, abs=1e-9)


def test_expected_shortfall_of_a_few() -> None:
    assert expected_shortfall(np.array([]), 100) == 0
    assert expected_shortfall(np.array([5.0]), 1) == pytest.approx(5)
    # 1 % of 100 loans short by 10, tail of 2.5 loans: 10 / 2.5.
    assert expected_shortfall(np.array([10.0]), 100) == pytest.approx(4)


@given(st.lists(st.integers(0, 10**9).map(float), min_size=1, max_size=200))
def test_compiled_or_not_is_the_same(values: list[float]) -> None:
    """Among all loans the market knows those that are short; results have all of them."""
    some = np.array([value for value in values if value])
    assert expected_shortfall(some, len(values)) == pytest.approx(
        distributions.expected_shortfall(values), rel=1e-12
    )
    assert concentration(np.array(values)) == risk.concentration(np.array(values))


def test_under_and_over_collateralisation_are_apart() -> None:
    """Three loans of 1000 whose collateral is worth 900, 1200 and 1000."""
    market = market_of(
        {"A": [100, 90, 90], "B": [100, 120, 120], "C": [100, 100, 100]},
        agreement={"haircut": 0.0, "trigger": 0.5},
        loans=[
            loan(i, f"L{min(i, 2)}", f"B{i}", lent={"JPY": 1000}, collateral={token: 10})
            for i, token in enumerate("ABC", start=1)
        ],
    )
    market.step()
    today = market.today
    assert today["gap"] == 100
    assert today["absolute_gap"] == 300
    assert today["uncollateralised_after"] == today["uncollateralised_after_largest"] == 100
    assert today["uncollateralised_after_loans"] == 1
    assert today["requirement_shortfall"] == today["requirement_shortfall_max"] == 100
    assert today["over_collateralisation"] == today["over_collateralisation_max"] == 200
    assert today["exposure"] == 3000
    assert today["collateral_value"] == 3100
    assert today["coverage"] == pytest.approx(3100 / 3000)
    assert today["hhi_lenders"] == pytest.approx((1 / 3) ** 2 + (2 / 3) ** 2)
    assert today["hhi_collateral"] == pytest.approx((9**2 + 12**2 + 10**2) / 31**2)
    assert today["uncollateralised_after_es"] == pytest.approx(100)
    summary = market.run().summary()
    assert summary["uncollateralised_after_max"] == 100
    assert summary["margin_calls"] == 0
    assert np.isnan(summary["loss_given_default"])


def test_exposure_is_at_market_value_and_the_shortfall_to_the_requirement() -> None:
    """Loans of 1000 at a haircut of 20 %: 1250 is required, 1100, 950 and 700 is there."""
    market = market_of(
        {"A": [125, 110, 110], "B": [125, 95, 95], "C": [125, 70, 70]},
        agreement={"haircut": 0.2, "trigger": 0.9},
        loans=[
            loan(i, f"L{min(i, 2)}", f"B{i}", lent={"JPY": 1000}, collateral={token: 10})
            for i, token in enumerate("ABC", start=1)
        ],
    )
    market.step()
    today = market.today
    assert today["uncollateralised_after"] == 50 + 300
    assert today["uncollateralised_after_largest"] == 300
    assert today["uncollateralised_after_es"] == pytest.approx(300), "of three loans, 2.5 % is one"
    assert today["uncollateralised_after_loans"] == 2
    assert today["requirement_shortfall"] == pytest.approx(120 + 240 + 440)
    assert today["requirement_shortfall_max"] == pytest.approx(440)
    assert today["absolute_gap"] == -today["gap"] == today["requirement_shortfall"]
    people = market.participants_frame().set_index("participant")
    assert people.loc["L2", "uncollateralised_exposure"] == 350
    assert people.loc["L2", "requirement_shortfall"] == pytest.approx(680)
    assert market.loans_frame()["uncollateralised_exposure"].tolist() == [0, 50, 300]
    edges = {key: data for _, _, key, data in market.network.edges(keys=True, data=True)}
    assert [edges[i]["uncollateralised_exposure"] for i in (1, 2, 3)] == [0, 50, 300]


@pytest.mark.parametrize("haircut", [0.0, 0.1, 0.3])
def test_a_haircut_covers_a_fall_that_is_smaller(haircut: float) -> None:
    """Prices fall by a fifth: exposure responds to the haircut, what is to be called does not."""
    market = market_of(
        {"A": [1000, 800, 800]},
        agreement={"haircut": haircut, "trigger": 0.9},
        loans=[loan(1, "L1", "B1", lent={"JPY": 9_000_000})],
    )
    market.step()
    today = market.today
    wanted = max(9_000_000 - 0.8 * 9_000_000 / (1 - haircut), 0)
    assert today["uncollateralised_after"] == pytest.approx(wanted, abs=1000)
    assert today["requirement_shortfall"] == pytest.approx(0.2 * 9_000_000, abs=1000)


@pytest.mark.parametrize(
    ("haircut", "lent"),
    [(0.123456789, 50_000_000_000), (0.333, 3 * 10**16), (0.333, 5 * 10**17)],
)
def test_the_gap_of_a_large_loan_is_exact(haircut: float, lent: int) -> None:
    """500 million USD in cents, and more; the price halves. Excess times fraction exceeds int64."""
    market = market_of(
        {"A": [0.02, 0.01, 0.01]},
        money={"currency": "USD", "unit": 0.01},
        agreement={"haircut": haircut, "trigger": 0.9},
        loans=[loan(1, "L1", "B1", lent={"USD": lent})],
    )
    market.step()
    today = market.today
    held = int(market.books.accounts.value[0])
    wanted = (1 - Fraction(str(haircut))) * held - lent
    assert today["gap"] == pytest.approx(float(wanted / 100), rel=4e-16)
    assert today["gap"] == pytest.approx(-lent / 200, rel=1e-10)
    assert today["coverage"] == pytest.approx(0.5, abs=1e-10)
    assert today["uncollateralised_after"] == pytest.approx((lent - held) / 100, rel=4e-16)


@given(
    st.integers(1, 10**9).map(lambda n: {"haircut": round(1 - n / 10**9, 9)})
    | st.integers(1, 30_000).map(lambda n: {"margin_percentage": n / 10_000}),
    st.integers(0, 2**61),
    st.integers(0, 2**61),
)
def test_gaps_are_exact(terms: dict[str, float], exposure: int, value: int) -> None:
    agreement = CollateralAgreement(**terms)
    ratio = agreement.collateral_ratio
    assume(exposure * ratio < 2**62)
    accounts = new_accounts(*np.zeros((3, 1), np.int64))
    columns, _ = terms_of([agreement], ["A", "JPY"], "JPY", 1.0)
    accounts.exposure[:] = exposure
    set_requirement(accounts, columns, 0)
    accounts.value[:], accounts.open_loans[:] = value, 1
    sums = add_up(accounts, columns, NO_DISCOUNT, np.zeros((LANES, 1)), np.zeros(1))
    wanted = value / ratio - exposure
    assert sums.gap == pytest.approx(float(wanted), rel=1e-15, abs=1e-9)
    assert sums.requirement_shortfall == pytest.approx(max(-float(wanted), 0), rel=1e-15, abs=1e-9)
    assert sums.uncollateralised == float(max(exposure - value, 0))


def test_everything_is_at_published_prices() -> None:
    """Published at twice the true price: what is held is worth that in every column of the day."""
    market = market_of(
        {"A": [100, 100, 100]},
        agreement={"haircut": 0.0, "trigger": 0.5},
        oracle={"wrong_prices": [{"day": 1, "token": "A", "factor": 1.25}]},
        participants={"given": [{"name": "B1", "role": "borrower", "wallet": {"A": 4}}]},
        loans=[loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10})],
    )
    market.step()
    assert market.today["collateral_value"] == 1250
    assert market.today["wallet_value"] == 500
    assert market.participants_frame()["posted_value"].tolist() == [1250, 0]


@given(networks())
def test_tables_agree_with_one_another(world: World) -> None:
    """Sums over loans and participants on the last day are the day's; events are its counts."""
    fields, prices = world
    market = market_of(prices, events=True, **fields).run()
    days, loans = market.days_frame(), market.loans_frame()
    people = market.participants_frame().set_index("participant")
    events = market.events_frame()
    last = days.iloc[-1]
    open_now = loans[loans["state"] == "open"]
    accounts = loans.drop_duplicates("account")
    assert accounts["gap"].sum() == pytest.approx(last["gap"], abs=1e-6)
    assert accounts["gap"].clip(upper=0).sum() == pytest.approx(
        -last["requirement_shortfall"], abs=1e-6
    )
    assert accounts["uncollateralised_exposure"].sum() == last["uncollateralised_after"]
    assert people["uncollateralised_exposure"].sum() == last["uncollateralised_after"]
    assert people["requirement_shortfall"].sum() == pytest.approx(
        last["requirement_shortfall"], abs=1e-6
    )
    assert people["lent"].sum() == people["borrowed"].sum()
    assert open_now["exposure"].sum() == last["exposure"] + last["close_out_exposure"]
    assert people["losses"].sum() == days["close_out_loss"].sum()
    during = events[events["day"] < len(days)]
    by_day = pd.crosstab(during["event"], during["day"])
    by_day = by_day.reindex(index=list(KINDS), columns=range(len(days)), fill_value=0)
    for kind, column in {
        "call": "margin_calls",
        "unmet_call": "unmet_calls",
        "open": "loans_opened",
        "settle": "loans_settled",
        "roll": "loans_rolled",
        "recall": "recalls",
        "recall_fail": "recall_fails",
    }.items():
        assert by_day.loc[kind].tolist() == days[column].tolist(), kind
    values = during.groupby(["event", "day"])["value"].sum()
    for kind, column in {"unmet_call": "unmet_value", "reuse": "reused_value"}.items():
        for day, expected in enumerate(days[column]):
            assert values.get((kind, day), 0.0) == pytest.approx(expected), (kind, day)


@given(networks())
def test_identities_of_a_day(world: World) -> None:
    fields, prices = world
    days = market_of(prices, **fields).run().days_frame()
    assert days["gap"].to_numpy() == pytest.approx(
        (days["over_collateralisation"] - days["requirement_shortfall"]).to_numpy(), abs=1e-6
    )
    assert days["absolute_gap"].to_numpy() == pytest.approx(
        (days["over_collateralisation"] + days["requirement_shortfall"]).to_numpy(), abs=1e-6
    )
    assert (days["delivery_calls"] + days["return_calls"] <= days["margin_calls"]).all()
    assert (days["uncollateralised_after_largest"] <= days["uncollateralised_after"] + 1e-9).all()
    assert (days["requirement_shortfall_max"] <= days["requirement_shortfall"] + 1e-9).all()
    missing = days["exposure"] - days["collateral_value"]
    assert (days["uncollateralised_after"] >= missing - 1e-9).all()
    assert (days["unmet_value"] <= days["delivery_call_value"]).all()
    largest = days["uncollateralised_after_largest"]
    assert (days["uncollateralised_after_es"] <= largest + 1e-9).all()
    assert (days["hhi_lenders"] <= 1 + 1e-12).all()


def test_every_column_is_described_and_nothing_else_is_there() -> None:
    market = market_of(
        {"A": [100, 90, 110]},
        events=True,
        loans=[loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 12})],
    ).run()
    assert list(market.days_frame()) == list(day_columns())
    assert list(market.events_frame()) == list(EVENTS)
    assert list(market.participants_frame()) == list(PARTICIPANTS)
    assert list(market.loans_frame()) == [*LOANS, "posted_A", "posted_JPY"]
    assert all(column.meaning.endswith(".") for column in day_columns().values())


def test_a_summary_adds_flows_and_keeps_the_worst_level() -> None:
    """A lag of a day: short by 100 on day 1, which is the largest call as well."""
    market = market_of(
        {"A": [100, 90, 90, 100, 100]},
        agreement={"haircut": 0.0, "settlement_lag": 1, "return_rounding": "up"},
        loans=[loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10})],
    ).run()
    summary = market.summary()
    assert summary["days"] == 4
    assert summary["margin_calls"] == 4
    assert summary["uncollateralised_after_max"] == 100
    assert summary["uncollateralised_after_mean"] == 25
    assert summary["peak_liquidity_demand"] == 100
    assert summary["delivered_value"] == 180
    assert summary["returned_value"] == 90 + 100, "80 too much on day 2, 100 on day 3"
    assert summary["defaults"] == 0


def test_events_since_a_day() -> None:
    market = market_of(
        {"A": [100, 90, 110]},
        events=True,
        loans=[loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 12})],
    ).run()
    everything, later = market.events_frame(), market.events_frame(since=2)
    expected = everything[everything["day"] >= 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(later, expected)
    assert set(everything["event"]) <= set(KINDS)
