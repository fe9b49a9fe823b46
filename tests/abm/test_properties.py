"""What must not matter in any market, whatever the rules come to: no other market is computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import NAMES, networks
from worlds import CASH, loan, market_of

from abm.model import CollateralMarket
from abm.tables.meanings import day_columns

World = tuple[dict[str, Any], dict[str, list[int]]]
LONG = [*(f"{letter}{i}" for letter in "KMQ" for i in range(3)), "a", "z"]


def undrawn(fields: Mapping[str, Any], *, impact: bool = True) -> dict[str, Any]:
    """Fields without anything drawn by row: who is struck then depends on who else there is."""
    fields = {**fields, "recalls": {**fields["recalls"], "daily_rate": 0}}
    fields["defaults"] = {**fields.get("defaults", {}), "daily_hazard": 0}
    if not impact and "close_out" in fields:
        fields["close_out"] = {k: v for k, v in fields["close_out"].items() if k != "impact"}
    return fields


def changed_terms(fields: Mapping[str, Any], **terms: Any) -> dict[str, Any]:
    """Fields with these terms in both agreements."""
    second = {**fields["agreements"]["second"], **terms}
    return {
        **fields,
        "agreement": {**fields["agreement"], **terms},
        "agreements": {"second": second},
    }


def one_way(loans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Loans of which none goes the other way between the same two."""
    kept: list[dict[str, Any]] = []
    for entry in loans:
        back = (entry["borrower"], entry["lender"])
        if all((other["lender"], other["borrower"]) != back for other in kept):
            kept.append(entry)
    return kept


def with_loans(fields: Mapping[str, Any], loans: list[dict[str, Any]]) -> dict[str, Any]:
    """Fields with these loans, and only their parties."""
    parties = {entry[side] for entry in loans for side in ("lender", "borrower")}
    part, scheduled = fields["participants"], fields.get("defaults", {}).get("scheduled", [])
    return {
        **fields,
        "loans": loans,
        "participants": {**part, "given": [g for g in part["given"] if g["name"] in parties]},
        "defaults": {
            **fields.get("defaults", {}),
            "scheduled": [entry for entry in scheduled if entry["participant"] in parties],
        },
    }


def tables(market: CollateralMarket) -> dict[str, pd.DataFrame]:
    """All tables of a market that has run."""
    market.run()
    return {
        name: getattr(market, f"{name}_frame")()
        for name in ("days", "loans", "participants", "events")
    }


def assert_same(one: Mapping[str, pd.DataFrame], other: Mapping[str, pd.DataFrame]) -> None:
    for name, frame in one.items():
        pd.testing.assert_frame_equal(frame, other[name], check_exact=True, obj=name)


@given(networks(), st.permutations(LONG))
def test_names_do_not_matter(world: World, names: list[str]) -> None:
    """Everybody gets another name, in another order of the alphabet."""
    fields, prices = world
    fields = undrawn(fields)
    called = dict(zip(NAMES, names, strict=False))
    other = {
        **fields,
        "loans": [
            {**entry, **{side: called[entry[side]] for side in ("lender", "borrower")}}
            for entry in fields["loans"]
        ],
        "participants": {
            **fields["participants"],
            "given": [{**g, "name": called[g["name"]]} for g in fields["participants"]["given"]],
        },
        "defaults": {
            **fields["defaults"],
            "scheduled": [
                {**entry, "participant": called[entry["participant"]]}
                for entry in fields["defaults"]["scheduled"]
            ],
        },
    }
    one, two = (tables(market_of(prices, **each)) for each in (fields, other))
    pd.testing.assert_frame_equal(one["days"], two["days"], rtol=1e-12)
    renamed = one["loans"].replace({"lender": called, "borrower": called})
    pd.testing.assert_frame_equal(renamed, two["loans"])
    people = one["participants"].replace({"participant": called})
    pd.testing.assert_frame_equal(
        people.sort_values("participant", ignore_index=True), two["participants"], rtol=1e-12
    )


@given(networks(reuse=False), st.randoms(use_true_random=False))
def test_identifiers_of_loans_do_not_matter(world: World, shuffler: Any) -> None:
    """Nor their order; each borrower has one loan, so that nobody has to be served first."""
    fields, prices = world
    first = {entry["borrower"]: entry for entry in reversed(fields["loans"])}
    loans = [entry for entry in fields["loans"] if entry is first[entry["borrower"]]]
    fields = with_loans(undrawn(fields), one_way(loans))
    numbers = shuffler.sample(range(1, 100), len(fields["loans"]))
    called = {entry["loan_id"]: n for entry, n in zip(fields["loans"], numbers, strict=True)}
    other = {
        **fields,
        "loans": [{**entry, "loan_id": called[entry["loan_id"]]} for entry in fields["loans"]],
    }
    one, two = (tables(market_of(prices, **each)) for each in (fields, other))
    pd.testing.assert_frame_equal(one["days"], two["days"], rtol=1e-12)
    pd.testing.assert_frame_equal(one["participants"], two["participants"], rtol=1e-12)
    given_ones = one["loans"][one["loans"]["loan_id"].isin(called)]
    renamed = given_ones.replace({"loan_id": called}).set_index("loan_id").sort_index()
    found = two["loans"].set_index("loan_id").loc[renamed.index]
    hidden = ["account"]  # the number of a row
    pd.testing.assert_frame_equal(renamed.drop(columns=hidden), found.drop(columns=hidden))


@given(networks(), st.integers(2, 1000))
def test_prices_and_money_scale_together(world: World, k: int) -> None:
    """Money grows by k, tokens and counts stay (haircuts at which all values stay whole)."""
    fields, prices = world
    fields = undrawn(changed_terms(fields, haircut=0.5), impact=False)

    def scaled_wallet(entry: dict[str, Any]) -> dict[str, Any]:
        entry = dict(entry)
        if "equity" in entry:
            entry["equity"] *= k
        if "wallet" in entry:
            entry["wallet"] = {**entry["wallet"], CASH: entry["wallet"][CASH] * k}
        return entry

    part = fields["participants"]
    other = {
        **fields,
        "loans": [
            {**entry, "principal": entry["principal"] * k} if "principal" in entry else entry
            for entry in fields["loans"]
        ],
        "participants": {**part, "given": [scaled_wallet(entry) for entry in part["given"]]},
    }
    scaled = {token: [k * price for price in path] for token, path in prices.items()}
    one, two = market_of(prices, **fields), market_of(scaled, **other)
    while one.running:
        one.step()
        two.step()
        tokens = slice(0, -1)
        assert (one.ledger.arrays.balance == two.ledger.arrays.balance)[:, tokens].all(), one.day
    days, grown = one.run().days_frame(), two.run().days_frame()
    for name, column in day_columns().items():
        if name == "date":
            continue
        factor = k if column.unit == "money" else 1
        expected = days[name].to_numpy(float) * factor
        assert grown[name].to_numpy(float) == pytest.approx(expected, rel=1e-9, nan_ok=True), name


@given(networks(), st.data())
def test_a_token_that_nobody_uses_changes_nothing(world: World, data: st.DataObject) -> None:
    fields, prices = world
    fields = changed_terms(fields, priority=["A", "B"])
    days = len(prices["A"])
    path = data.draw(st.lists(st.integers(1, 500), min_size=days, max_size=days))
    place = data.draw(st.integers(0, 2))
    name = data.draw(st.sampled_from(["0", "Aa", "U"]))
    columns = list(prices.items())
    more = dict([*columns[:place], (name, path), *columns[place:]])
    one, two = (tables(market_of(p, events=True, **fields)) for p in (prices, more))
    assert not two["loans"].pop(f"posted_{name}").any()
    two["loans"] = two["loans"][one["loans"].columns]
    for table in one:
        pd.testing.assert_frame_equal(one[table], two[table], rtol=1e-12, obj=table)


@given(networks(), st.sampled_from([("AA", "AB"), ("ZY", "ZZ")]), st.sampled_from([0, 50]))
def test_a_pair_apart_changes_nothing_for_the_others(
    world: World, pair: tuple[str, str], loan_id: int
) -> None:
    """Before or after the others in all orders; it is called, and meets its calls."""
    fields, prices = world
    fields = undrawn(fields)
    lender, borrower = pair
    entry = loan(loan_id, lender, borrower, principal=1000)
    part = fields["participants"]
    given = {"name": borrower, "role": "borrower", "wallet": {"A": 10**6}}
    other = {
        **fields,
        "loans": [*fields["loans"], entry],
        "participants": {**part, "given": [*part["given"], given]},
    }
    one, two = market_of(prices, **fields), market_of(prices, **other)
    names = list(one.participants)
    while one.running:
        one.step()
        two.step()
        for name in names:
            wallets = [dict(market.participants[name].wallet) for market in (one, two)]
            assert wallets[0] == wallets[1], (one.day, name)
    ones, twos = tables(one), tables(two)
    ours = twos["participants"]["participant"].isin(names)
    pd.testing.assert_frame_equal(
        twos["participants"][ours].reset_index(drop=True), ones["participants"]
    )
    hidden = ["account", "loan_id"]  # numbers of rows, and of replacements
    ours = twos["loans"]["lender"].ne(lender)
    pd.testing.assert_frame_equal(
        twos["loans"][ours].reset_index(drop=True).drop(columns=hidden),
        ones["loans"].drop(columns=hidden),
    )


@given(networks(), st.integers(0, 10))
def test_running_in_pieces_and_looking_on_changes_nothing(world: World, steps: int) -> None:
    fields, prices = world
    whole = market_of(prices, events=True, **fields)
    pieces = market_of(prices, events=True, **fields)
    unheard = market_of(prices, **fields)
    for _ in range(steps):
        pieces.step()
        pieces.summary()
        pieces.events_frame(pieces.day)
        for name in ("days", "loans", "participants"):
            getattr(pieces, f"{name}_frame")()
        assert pieces.network.number_of_edges() >= 0
    for _ in range(steps):
        unheard.step()
    one = tables(whole)
    assert_same(one, tables(pieces))
    others = tables(unheard)
    assert others.pop("events").empty
    assert_same({name: one[name] for name in others}, others)
    for market in (pieces, unheard):
        assert (market.ledger.arrays.balance == whole.ledger.arrays.balance).all()
    pieces.step()
    assert_same(one, tables(pieces))


@given(networks(), st.integers(0, 2**63 - 1))
def test_the_same_seed_gives_the_same_market(world: World, seed: int) -> None:
    fields, prices = world
    markets = [market_of(prices, rng=seed, events=True, **fields) for _ in range(2)]
    assert_same(*(tables(market) for market in markets))
    assert (markets[0].ledger.arrays.balance == markets[1].ledger.arrays.balance).all()
    assert markets[0].random.random() == markets[1].random.random()
    assert markets[0].rng.random() == markets[1].rng.random()
