"""What holds in every run, whatever goes wrong in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import networks
from worlds import held, loan, market_of, outstanding

from abm.books.books import VALUED_TOGETHER
from abm.books.loan_book import ACTIVE, OPEN_LOAN

World = tuple[dict[str, Any], dict[str, list[int]]]


@given(networks())
def test_no_token_is_lost_or_made(world: World) -> None:
    """Minted - burned = wallets + collateral + in transit, nothing below zero, in every market."""
    fields, prices = world
    market = market_of(prices, **fields)
    arrays = market.ledger.arrays

    def check() -> None:
        assert (arrays.balance >= 0).all()
        assert (arrays.balance.sum(axis=0) == arrays.minted - arrays.burned).all()
        assert (market.books.reused >= 0).all()
        assert (arrays.capacity >= 0).all()
        assert (market.books.accounts.advanced >= 0).all()
        open_loans = np.bincount(
            market.books.loans.account[market.books.loans.state == OPEN_LOAN],
            minlength=len(market.books.accounts),
        )
        assert (open_loans == market.books.accounts.open_loans).all()

    check()
    while market.running:
        market.step()
        check()
    market.conclude()
    check()


@given(networks())
def test_recording_events_changes_nothing(world: World) -> None:
    """Nor does the loop that is compiled for markets in which nobody listens."""
    fields, prices = world
    heard, unheard = (market_of(prices, events=events, **fields) for events in (True, False))
    for market in (heard, unheard):
        market.run()
    assert unheard.events_frame().empty
    assert not heard.events_frame().empty
    assert (heard.ledger.arrays.balance == unheard.ledger.arrays.balance).all()
    pd.testing.assert_frame_equal(heard.days_frame(), unheard.days_frame())
    pd.testing.assert_frame_equal(heard.loans_frame(), unheard.loans_frame())


@pytest.mark.parametrize("beyond", [-1, 0, 1, 2 * VALUED_TOGETHER + 5])
def test_valuing_many_accounts_at_once_changes_nothing(beyond: int) -> None:
    """Nor to pass over many that are not called: a market that is heard takes each alone."""
    random = np.random.default_rng(7)
    loans = []
    for number, size in enumerate(random.integers(1, 100, VALUED_TOGETHER + beyond).tolist(), 1):
        lent = {"lent": {"B": size}} if size % 3 else {"principal": size * 100}
        terms = {"agreement": "second"} if size % 2 else {}
        loans.append(loan(number, "L", f"B{number % 7}", **lent, **terms))
    fields = {
        "loans": loans,
        "agreement": {"trigger": 0.02, "adjustment": "single"},
        "agreements": {"second": {"haircut": 0.2, "trigger": 0}},
        "participants": {"issuance_capacity": 0},
    }
    prices = {token: random.integers(90, 112, 8).tolist() for token in "AB"}
    heard, unheard = (market_of(prices, events=events, **fields).run() for events in (True, False))
    pd.testing.assert_frame_equal(heard.days_frame(), unheard.days_frame())
    pd.testing.assert_frame_equal(heard.loans_frame(), unheard.loans_frame())
    days = unheard.days_frame()
    assert ((days["delivery_calls"] > 0) & (days["return_calls"] > 0)).any()
    assert (days["unmet_calls"] > 0).any()


@given(networks(reuse=True))
def test_nobody_posts_further_more_than_it_may(world: World) -> None:
    """At most the re-use rate of a token in an account; returns may leave more than that."""
    fields, prices = world
    market = market_of(prices, **fields)
    rate = fields["agreement"]["reuse_rate"]
    books, ledger = market.books, market.ledger
    while market.running:
        before = books.reused.copy()
        market.step()
        grown = books.reused > before
        claims = ledger.collateral + books.reused
        assert (books.reused[grown] <= rate * claims[grown] + 1e-9).all()


@given(networks())
def test_money_is_conserved_through_close_outs(world: World) -> None:
    """Cash is made by sales, surplus payments and funding, and every loss is claim less proceeds.

    What counterparties lose together with what they pay out is what claims exceed proceeds by.
    """
    fields, prices = world
    market = market_of(prices, events=True, **fields).run()
    days = market.days_frame()
    assert market.standing.losses.sum() == days["close_out_loss"].sum()
    assert (market.standing.losses >= 0).all()
    events = market.events_frame()
    sold = events[events["event"] == "liquidation"]
    assert (sold["value"] > 0).all()
    assert (sold["quantity"] > 0).all()
    defaults = events[events["event"] == "default"]
    assert len(defaults) == days.filter(like="defaults_").to_numpy().sum()
    assert defaults["party"].is_unique
    assert defaults["value"].sum() == days["exposure_at_default"].sum()
    gone = market.participants_frame().set_index("participant")["default_day"]
    assert gone[gone >= 0].to_dict() == dict(zip(defaults["party"], defaults["day"], strict=True))
    # Who has defaulted has no active account with an open loan left.
    accounts = market.final.accounts if market.final is not None else market.books.accounts
    rows = {market.population.row(name) for name in gone[gone >= 0].index}
    live = (accounts.state == ACTIVE) & (accounts.open_loans > 0)
    assert not rows & {*accounts.lender[live].tolist(), *accounts.borrower[live].tolist()}


@given(networks())
def test_calls_leave_less_than_a_token(world: World) -> None:
    """|d| < (1-α)·P after an unconstrained call of today (reference results, Margining)."""
    fields, prices = world
    fields = {**fields, "defaults": {}, "recalls": {}}
    for name in ("agreement", "agreements"):
        terms = fields[name] if name == "agreement" else fields[name]["second"]
        terms = {**terms, "settlement_lag": 0, "trigger": 0, "reuse_rate": 0, "grace_days": 1000}
        fields[name] = terms if name == "agreement" else {"second": terms}
    fields["participants"] = {"given": [], "issuance_capacity": "unlimited"}
    market = market_of(prices, **fields)
    books = market.books
    while market.running:
        market.step()
        dearest = market.prices[:-1].max()
        for a in np.flatnonzero((books.accounts.state == ACTIVE) & books.accounts.open_loans):
            excess = int(books.accounts.value[a] - books.accounts.required[a])
            row = held(market)[a]
            movable = [
                market.tokens[t] for t in books.priority[books.accounts.agreement[a]] if t >= 0
            ]
            if excess >= 0 and not any(row[token] for token in movable):
                continue  # nothing left that could go back
            assert -dearest < excess < dearest
            assert excess >= 0  # a delivery rounded up, or a return rounded down


@st.composite
def plain(draw: st.DrawFn, tokens: int = 2) -> dict[str, list[int]]:
    days = draw(st.integers(3, 12))
    price = st.integers(20, 300)
    return {"AB"[i]: [draw(price) for _ in range(days)] for i in range(tokens)}


def gaps(prices: dict[str, list[int]], model: int, **terms: Any) -> list[tuple[float, ...]]:
    """Gap, calls and holdings of each day of one pair."""
    market = market_of(
        prices,
        agreement={"model": model, "haircut": 0.05, **terms},
        loan={"collateral": dict.fromkeys(prices, 1000)},
    )
    rows = []
    while market.running:
        market.step()
        today = market.today
        rows.append((today["gap"], today["margin_calls"], *held(market)[0].values()))
    return rows


@given(plain(1))
def test_with_one_token_model_2_is_model_1(prices: dict[str, list[int]]) -> None:
    assert gaps(prices, 1) == gaps(prices, 2)


@given(plain())
def test_without_a_trigger_models_3_and_4_are_1_and_2(prices: dict[str, list[int]]) -> None:
    assert gaps(prices, 3, trigger=0) == gaps(prices, 1)
    assert gaps(prices, 4, trigger=0) == gaps(prices, 2)


@given(plain())
def test_without_a_lag_model_0_is_model_1(prices: dict[str, list[int]]) -> None:
    assert gaps(prices, 0, settlement_lag=0) == gaps(prices, 1)


@given(plain(1))
def test_a_lag_is_the_immediate_market_a_day_late(prices: dict[str, list[int]]) -> None:
    """With the price unmoved after a jump, the lagged market holds the same a day later."""
    jump = {"A": [prices["A"][0], *[prices["A"][1]] * 4]}
    now = [row[2] for row in gaps(jump, 1)]
    late = [row[2] for row in gaps(jump, 0)]
    assert late[1:] == now[:-1]
    assert late[0] == 1000


@given(plain(1), st.sampled_from([1, 2, 3, 4]))
def test_identical_tokens_may_be_permuted(prices: dict[str, list[int]], model: int) -> None:
    same = {"A": prices["A"], "B": prices["A"]}
    one = gaps(same, model, priority=["A", "B"])
    other = gaps(same, model, priority=["B", "A"])
    assert [row[:2] for row in one] == [row[:2] for row in other]
    assert [row[2:4] for row in one] == [row[2:4][::-1] for row in other]


@given(plain(), st.sampled_from([1, 2, 3, 4]), st.integers(2, 1000))
def test_prices_and_loans_scale_together(prices: dict[str, list[int]], model: int, k: int) -> None:
    """Money grows by k, tokens and calls stay (haircut 0.5, where all values stay whole)."""
    scaled = {token: [k * price for price in path] for token, path in prices.items()}
    for (gap, *counts), (scaled_gap, *same) in zip(
        gaps(prices, model, haircut=0.5), gaps(scaled, model, haircut=0.5), strict=True
    ):
        assert counts == same
        assert scaled_gap == pytest.approx(k * gap, rel=1e-12)


COUNTS_AND_SUMS = ["gap", "margin_calls", "delivered_value", "returned_value", "transfers"]


@given(plain(), st.sampled_from([0, 1, 2, 3, 4]), st.integers(2, 5))
def test_identical_pairs_give_a_multiple_of_one(
    prices: dict[str, list[int]], model: int, pairs: int
) -> None:
    fields = {"agreement": {"model": model}}
    entry = {"collateral": {"A": 700, "B": 300}}
    one = market_of(prices, loans=[loan(1, "L1", "B1", **entry)], **fields).run()
    many = market_of(
        prices, loans=[loan(i, f"L{i}", f"B{i}", **entry) for i in range(pairs)], **fields
    ).run()
    columns = [*COUNTS_AND_SUMS, "lender_issuances", "borrower_issuances", "absolute_gap"]
    pd.testing.assert_frame_equal(
        many.days_frame()[columns], one.days_frame()[columns] * pairs, check_dtype=False
    )


@given(networks(defaults=False))
def test_pairs_in_one_market_are_as_if_alone(world: World) -> None:
    """N independent pairs in one market equal N single runs, token for token."""
    fields, prices = world
    rules = {**fields["agreement"], "reuse_rate": 0}
    seconds = {**fields["agreements"]["second"], "reuse_rate": 0}
    common = {"agreement": rules, "agreements": {"second": seconds}}
    common["participants"] = {
        key: value for key, value in fields["participants"].items() if key != "given"
    }
    loans = [
        {**entry, "lender": f"L{i}", "borrower": f"B{i}"} for i, entry in enumerate(fields["loans"])
    ]
    together = market_of(prices, loans=loans, **common)
    alone = [market_of(prices, loans=[entry], **common) for entry in loans]
    while together.running:
        together.step()
        for i, market in enumerate(alone):
            market.step()
            assert held(together)[i] == held(market)[0]
            for name in (f"L{i}", f"B{i}"):
                wallets = [dict(m.participants[name].wallet) for m in (together, market)]
                assert wallets[0] == wallets[1]
    for column in ("gap", "margin_calls", "unmet_value", "borrower_issued_value"):
        total = sum(market.days_frame()[column] for market in alone)
        assert together.days_frame()[column].to_numpy() == pytest.approx(np.asarray(total))


@given(networks(), st.randoms(use_true_random=False))
def test_the_order_of_the_tables_does_not_matter(world: World, shuffler: Any) -> None:
    """Loans and participants listed in another order: the same results to the last bit."""
    fields, prices = world
    loans, known = list(fields["loans"]), list(fields["participants"]["given"])
    shuffler.shuffle(loans)
    shuffler.shuffle(known)
    other = {**fields, "loans": loans, "participants": {**fields["participants"], "given": known}}
    one, two = market_of(prices, **fields).run(), market_of(prices, **other).run()
    pd.testing.assert_frame_equal(one.days_frame(), two.days_frame())
    pd.testing.assert_frame_equal(one.loans_frame(), two.loans_frame())
    pd.testing.assert_frame_equal(one.participants_frame(), two.participants_frame())


def test_tokens_in_circulation_are_backed() -> None:
    """Day 0 mints exactly what is lent and posted; the end burns all of it."""
    market = market_of({"A": [10, 10]}, loans=[loan(1, "L1", "B1", collateral={"A": 100})])
    assert outstanding(market) == {"A": 100, "JPY": 950}
    market.run()
    assert outstanding(market) == {"A": 0, "JPY": 0}
