"""The compiled market moves the same tokens as the slow one, day by day, whatever the terms.

Small random markets with all that `docs/rules.md` is about, at once: every wallet, account, loan,
statistic and event of every day.
`HYPOTHESIS_PROFILE=search` tries 5,000 new ones instead of the same 300.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_balances import worlds_with_balances
from random_worlds import World, worlds
from reference.market import ReferenceMarket
from worlds import held, panel_of

from abm.books.loan_book import LOAN_STATES, NEVER
from abm.books.tally import COUNTED
from abm.model import CollateralMarket
from scenarios.scenario import Scenario

STATISTICS = [
    *COUNTED,
    "reuse_chain",
    "defaults_exogenous",
    "defaults_liquidity",
    "defaults_contagion",
    "defaults_insolvency",
    "exposure_at_default",
    "liquidated_value",
    "residual_claims",
    "close_out_recovery",
    "close_out_loss",
    "close_out_surplus",
]
"""What rules determine of the statistics of a day, beside the gaps."""

EXAMPLES = 5_000 if os.environ.get("HYPOTHESIS_PROFILE") == "search" else 300


def differences(market: CollateralMarket, reference: ReferenceMarket) -> list[tuple[Any, ...]]:
    """What is not the same in both today: what, where, in the market, in the reference."""
    found: list[tuple[Any, ...]] = []

    def same(what: str, where: Any, one: Any, other: Any) -> None:
        if one != other:
            found.append((what, where, one, other))

    books = reference.books
    for i, (account, row) in enumerate(zip(books.accounts, held(market), strict=True)):
        same("claims", account.loan_id, {t: n for t, n in row.items() if n}, account.claims)
        if len(market.books.reused):
            row = dict(zip(market.tokens, market.books.reused[i].tolist(), strict=True))
        else:
            row = {}
        reused = {t: account.reused[t] + account.invested[t] for t in books.tokens}
        reused = {t: n for t, n in reused.items() if n}
        same("reused", account.loan_id, {t: n for t, n in row.items() if n}, reused)
    for name, agent in market.participants.items():
        wallet = {t: n for t, n in dict(agent.wallet).items() if n}
        same("wallet", name, wallet, {t: n for t, n in books.wallet[name].items() if n})
    loans = {loan.loan_id: loan for account in books.accounts for loan in account.loans}
    rows = market.books.loans
    for loan_id, state, opened, maturity in zip(
        rows.loan_id, rows.state, rows.opened, rows.maturity, strict=True
    ):
        loan = loans[loan_id]
        same("state", loan_id, LOAN_STATES[state], loan.state)
        if loan.state == "open":
            same("opened", loan_id, opened, loan.opened)
            same("maturity", loan_id, maturity, NEVER if loan.maturity is None else loan.maturity)
    for name, lost in zip(market.population.names, market.standing.losses.tolist(), strict=True):
        same("losses", name, lost, books.losses[name])
    for name, got in zip(market.population.names, market.standing.recovered.tolist(), strict=True):
        same("recovered", name, got, books.recovered[name])
    if reference.sheets and market.sheet:
        sides = zip(market.sheet.assets.tolist(), market.sheet.liabilities.tolist(), strict=True)
        for name, (assets, liabilities) in zip(market.population.names, sides, strict=True):
            worth = reference.sheets.worth(name, books.prices)
            same("sheet", name, (assets, liabilities), (worth.assets, worth.liabilities))
    statistics = reference.statistics()
    for name in STATISTICS if market.day else ():
        same(name, "", market.today[name], statistics.get(name, 0))
    gaps = [float(reference.gap(account)) for account in books.accounts]
    for name, value in (("gap", sum(gaps)), ("absolute_gap", sum(map(abs, gaps)))):
        if market.today[name] != pytest.approx(value, rel=1e-9, abs=1e-6):
            found.append((name, "", market.today[name], value))
    for name, value in reference.moments().items() if market.day else ():
        if market.today[name] != pytest.approx(float(value), rel=1e-9, abs=1e-6):
            found.append((name, "", market.today[name], value))
    if market.day:
        share = reference.wrong_way()
        told = market.today["wrong_way_share"]
        wanted = float("nan") if share is None else float(share)
        if told != pytest.approx(wanted, nan_ok=True):
            found.append(("wrong_way_share", "", told, share))
        today = market.exposures_frame().query(f"day == {market.day}")
        told = dict(zip(today["participant"], today["uncollateralised_before"], strict=True))
        for name in told:
            same("uncollateralised_before", name, told[name], reference.to_whom[name])
    return found


def events_of(market: CollateralMarket) -> dict[int, Counter[tuple[Any, ...]]]:
    """What happened on each day, whatever its order within the day."""
    found: dict[int, Counter[tuple[Any, ...]]] = defaultdict(Counter)
    frame = market.events_frame(since=1)
    columns = ["event", "loan_id", "party", "token", "cause", "quantity", "value"]
    for day, *event in frame[["day", *columns]].itertuples(index=False):
        found[day][tuple(event)] += 1
    return found


def compare(table: dict[str, Any], prices: dict[str, list[int]], heard: bool = True) -> None:
    """Run both markets and hold every balance, loan and count of every day against the other."""
    days = len(next(iter(prices.values())))
    reference = ReferenceMarket(
        table, [{token: path[day] for token, path in prices.items()} for day in range(days)]
    )
    market = CollateralMarket(
        Scenario.parse(table, "test"), rng=1, prices=panel_of(prices), events=heard
    )
    events = {}
    while True:
        assert not differences(market, reference), f"day {market.day}"
        if not market.running:
            break
        market.step()
        reference.step()
        events[market.day] = reference.books.events
    found = events_of(market)
    for day, wanted in events.items() if heard else ():
        assert found[day] == wanted, f"events of day {day}"
    market.conclude()
    reference.conclude()
    for account, row in zip(reference.accounts, held(market), strict=True):
        assert {t: n for t, n in row.items() if n} == account.claims


@settings(max_examples=EXAMPLES // 3)
@given(worlds_with_balances(), st.booleans())
def test_everything_every_day_with_balance_sheets(world: World, heard: bool) -> None:
    compare(*world, heard=heard)


@settings(max_examples=EXAMPLES)
@given(worlds(), st.booleans())
def test_everything_every_day(world: World, heard: bool) -> None:
    compare(*world, heard=heard)
