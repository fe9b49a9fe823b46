"""The compiled market moves the same tokens as the slow one, day by day, whatever the terms."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.market import ReferenceMarket
from worlds import CASH, held, loan, panel_of, table_of

from abm.model import CollateralMarket
from scenarios.scenario import Scenario

TOKENS = ("A", "B", "C")
PAIRS = [("L1", "B1"), ("L1", "B2"), ("L2", "B1"), ("L1", "D1"), ("D1", "B1"), ("D1", "B2")]
ROLES = {"L": "lender", "B": "borrower", "D": "dealer"}

counts = st.integers(0, 60)
roundings = st.sampled_from(["up", "down"])


@st.composite
def agreements(draw: st.DrawFn, tokens: tuple[str, ...]) -> dict[str, Any]:
    terms: dict[str, Any] = {
        "trigger": draw(st.sampled_from([0, 0, 0.01, 0.02, 0.1, 0.3])),
        "minimum_transfer_amount": draw(st.sampled_from([0, 0, 0, 1, 150, 3000])),
        "adjustment": draw(st.sampled_from(["single", "multi"])),
        "delivery_rounding": draw(roundings),
        "return_rounding": draw(roundings),
        "settlement_lag": draw(st.sampled_from([0, 0, 0, 1, 2, 3])),
        "aggregated": draw(st.booleans()),
        "grace_days": 1000,
    }
    if draw(st.booleans()):
        terms["haircut"] = draw(st.sampled_from([0, 0.02, 0.05, 0.333, 0.5]))
    else:
        terms["margin_percentage"] = draw(st.sampled_from([0.9, 1, 1.02, 1.055, 1.5]))
    if draw(st.booleans()):
        order = draw(st.permutations([*tokens, CASH]))
        terms["priority"] = order[: draw(st.integers(1, len(order)))]
    if terms["adjustment"] == "single":
        terms["lender_issuance"] = draw(st.booleans())
    return terms


def amounts(tokens: tuple[str, ...], at_least: int = 0) -> st.SearchStrategy[dict[str, int]]:
    filled = st.dictionaries(st.sampled_from(tokens), st.integers(1, 60), min_size=at_least)
    return filled.map(lambda chosen: dict(sorted(chosen.items())))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, list[int]]]:
    tokens = TOKENS[: draw(st.integers(1, 3))]
    days = draw(st.integers(3, 9))
    jumpy = draw(st.booleans())
    prices: dict[str, list[int]] = {}
    for token in tokens:
        path = [draw(st.integers(1, 300))]
        for _ in range(days - 1):
            step = st.integers(1, 300) if jumpy else st.integers(-4, 4)
            path.append(draw(step) if jumpy else max(path[-1] + draw(step), 1))
        prices[token] = path
    loans = []
    for loan_id in draw(st.lists(st.integers(1, 99), min_size=1, max_size=4, unique=True)):
        lender, borrower = draw(st.sampled_from(PAIRS))
        lent = draw(amounts((*tokens, CASH), 1))
        if CASH in lent:
            lent[CASH] = draw(st.integers(1, 9000))
        fields: dict[str, Any] = {"lent": lent, "collateral": draw(amounts(tokens, 1))}
        if draw(st.booleans()):
            fields["maturity"] = draw(st.integers(1, days + 1))
        if draw(st.booleans()):
            fields["agreement"] = "other"
        loans.append(loan(loan_id, lender, borrower, **fields))
    names = sorted({name for entry in loans for name in (entry["lender"], entry["borrower"])})
    known = []
    for name in names:
        entry: dict[str, Any] = {"name": name, "role": ROLES[name[0]]}
        if draw(st.booleans()):
            entry["wallet"] = draw(amounts((*tokens, CASH)))
        if draw(st.booleans()):
            entry["issuance_capacity"] = draw(amounts((*tokens, CASH)))
        known.append(entry)
    table = table_of(
        days,
        window={**table_of(days)["window"], "calendar": "sessions"},
        agreement=draw(agreements(tokens)),
        agreements={"other": draw(agreements(tokens))},
        loans=loans,
        participants={"given": known, "minting_days": draw(st.sampled_from([0, 0, 1, 2]))},
    )
    return table, prices


def compare(table: dict[str, Any], prices: dict[str, list[int]]) -> None:
    """Run both markets and hold every balance, gap and count of every day against the other."""
    days = len(next(iter(prices.values())))
    reference = ReferenceMarket(
        table, [{token: path[day] for token, path in prices.items()} for day in range(days)]
    )
    market = CollateralMarket(Scenario.parse(table, "test"), rng=1, prices=panel_of(prices))
    while True:
        assert [dict(account.held) for account in reference.accounts] == [
            {t: n for t, n in row.items() if n or t in account.held}
            for row, account in zip(held(market), reference.accounts, strict=True)
        ], f"collateral on day {market.day}"
        for name, agent in market.participants.items():
            wanted = {token: reference.wallet[name][token] for token in market.tokens}
            if agent.role == "lender":
                continue
            assert dict(agent.wallet) == wanted, f"wallet of {name} on day {market.day}"
        gaps = [float(reference.gap(account)) for account in reference.accounts]
        assert market.today["gap"] == pytest.approx(sum(gaps), rel=1e-9, abs=1e-6)
        assert market.today["absolute_gap"] == pytest.approx(
            sum(map(abs, gaps)), rel=1e-9, abs=1e-6
        )
        if market.day:
            assert market.today["margin_calls"] == reference.calls, f"day {market.day}"
            assert market.today["unmet_calls"] == reference.unmet, f"day {market.day}"
        if not market.running:
            break
        market.step()
        reference.step()
    market.conclude()
    reference.day += 1
    reference.settle_instructions()
    reference.settle_loans()
    for account, row in zip(reference.accounts, held(market), strict=True):
        assert {t: n for t, n in row.items() if n} == {t: n for t, n in account.held.items() if n}


@given(worlds())
def test_every_balance_every_day(world: tuple[dict[str, Any], dict[str, list[int]]]) -> None:
    compare(*world)
