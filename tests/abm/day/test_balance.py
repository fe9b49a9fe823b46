"""Balance sheets close, uses of funds are traded back, and leverage spirals as in closed form."""

from __future__ import annotations

import os
from copy import copy
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from random_balances import LONG, long_worlds, worlds_with_balances
from random_worlds import World, worlds
from worlds import CASH, loan, market_of, panel_of

from abm.books.loan_book import OPEN_LOAN
from abm.books.sheet import (
    BORROWED,
    COLLATERAL_OWED,
    ISSUE_OWED,
    ISSUED,
    LENT,
    LINES,
    POSTED,
    RECEIVED,
)
from abm.model import CollateralMarket
from abm.rules.balance_sheet import mark_accounts
from scenarios.errors import InputError
from scenarios.scenario import Scenario

Ints = npt.NDArray[np.int64]

OF_ACCOUNTS = [LENT, POSTED, RECEIVED, ISSUED, BORROWED, COLLATERAL_OWED, ISSUE_OWED]


def market_in(world: World, **fields: Any) -> CollateralMarket:
    table, prices = world
    scenario = Scenario.parse({**table, **fields}, "test")
    return CollateralMarket(scenario, rng=1, prices=panel_of(prices))


def claims_cancel(market: CollateralMarket) -> None:
    """What all own together is what is on the ledger and outside it, less debt to outside."""
    sheet, ledger = market.sheet, market.ledger
    assert sheet is not None
    number = len(sheet.debt)
    tokens = ledger.wallets[:number].sum(axis=0) + ledger.collateral.sum(axis=0)
    tokens = tokens + ledger.in_transit.sum(axis=0) + sheet.unsettled.sum(axis=(0, 1))
    tokens = tokens + sheet.placed.sum(axis=(0, 1))
    tokens = tokens + ledger.arrays.arriving[:, :number].sum(axis=(0, 1))
    tokens = tokens + (ledger.arrays.capacity[:number] - sheet.allowed).sum(axis=0)
    assert sheet.equity.sum() == tokens @ market.prices - sheet.debt.sum()


def account_by_account(market: CollateralMarket) -> Ints:
    """The lines that margin accounts make, from the accounts as they are."""
    sheet, given = market.sheet, market.scenario.agreement
    assert sheet is not None
    agreements = (given, *market.scenario.agreements.values())
    rows = range(len(market.books.terms))
    titled = [agreements[t % len(agreements)].transfer == "title" for t in rows]
    lines = np.zeros_like(sheet.lines)
    mark_accounts(market.books, market.prices, np.array(titled), lines)
    for a, proceeds in market.phases.closing.items():
        lines[market.books.accounts.borrower[a], POSTED] += proceeds
        lines[market.books.accounts.lender[a], COLLATERAL_OWED] += proceeds
    return lines[:, OF_ACCOUNTS]


def closes_every_day(market: CollateralMarket) -> int:
    """Run a market and see that its sheets close; gives the days on which a loan was open.

    To the unit: `close` itself refuses any change of equity that none of the flows explains.
    """
    sheet, ledger, days = market.sheet, market.ledger, 0
    assert sheet is not None
    while True:
        claims_cancel(market)
        assert (sheet.lines[:, OF_ACCOUNTS] == account_by_account(market)).all()
        assert (sheet.lines >= 0).all() or market.closed_out.liquidated_value
        assert (sheet.unsettled >= 0).all() and (ledger.arrays.capacity >= 0).all()
        assert (sheet.placed >= 0).all() and (market.books.reused >= 0).all()
        if not market.running:
            break
        before = sheet.equity
        days += bool((market.books.loans.state == OPEN_LOAN).any())
        try:
            market.step()
        except InputError as error:  # prices of some worlds rise a millionfold
            assert "cannot be counted any more" in str(error)
            return days
        assert (sheet.equity == before + sheet.flows.sum(axis=1)).all()
    market.run()
    return days


@given(worlds_with_balances())
def test_sheets_close_whatever_happens(world: World) -> None:
    closes_every_day(market_in(world))


DAYS = 100_000 if os.environ.get("HYPOTHESIS_PROFILE") == "search" else 1_000


def test_sheets_close_on_many_days() -> None:
    """Days with open loans are asked for, not examples: `HYPOTHESIS_PROFILE=search` for 100,000."""
    days = examples = 0

    @settings(max_examples=4 * DAYS // LONG)
    @given(long_worlds())
    def run(world: World) -> None:
        nonlocal days, examples
        if days < DAYS:
            days, examples = days + closes_every_day(market_in(world)), examples + 1

    run()
    print(f"{days:,} days with open loans, of {examples} markets")
    assert days >= DAYS


@given(worlds_with_balances())
@settings(max_examples=10)
def test_a_copy_goes_on_as_the_market_does(world: World) -> None:
    market = market_in(world)
    market.step()
    other = copy(market)
    for each in (market, other):
        each.run()
    pd.testing.assert_frame_equal(market.days_frame(), other.days_frame())
    pd.testing.assert_frame_equal(market.participants_frame(), other.participants_frame())


@given(worlds())
def test_sheets_alone_change_nothing(world: World) -> None:
    """Where funds are without limit and nobody decides on anything, and no equity is given.

    What a loan that begins later has minted is taken from pools, where sheets are kept.
    """
    table, _ = world
    begins = any(
        loan.get("start") or loan.get("at_maturity") == "replace" for loan in table["loans"]
    )
    # Estates that pay have what is outside, where sheets are kept.
    table["close_out"].pop("recovery", None)
    table["close_out"].pop("recovery_delay", None)
    for known in table["participants"]["given"]:
        known.pop("equity", None)
        if begins:
            known.pop("issuance_capacity", None)
    plain, kept = market_in(world).run(), market_in(world, balance={"dealer": {}}).run()
    days, with_sheets = plain.days_frame(), kept.days_frame()
    same = list(days.columns[: days.columns.get_loc("equity")])
    pd.testing.assert_frame_equal(days[same], with_sheets[same])
    pd.testing.assert_frame_equal(plain.loans_frame(), kept.loans_frame())
    assert (days[days.columns.difference(same)] == 0).all(axis=None)
    assert (with_sheets["equity"] != 0).any()


def test_who_can_mint_without_limit_shares_nothing_out() -> None:
    """As without a sheet the first of two calls for 4 A takes the 3 of the wallet and mints 1."""
    given = [
        {"name": "B1", "role": "borrower", "wallet": {"A": 3}},
        {"name": "L1", "role": "lender", "issuance_capacity": {"A": 5}},
    ]
    for balance in ({}, {"borrower": {}}):
        market = market_of(
            {"A": [100, 97]},
            events=True,
            loans=[loan(i, "L1", "B1", lent={CASH: 9500}, collateral={"A": 100}) for i in (1, 2)],
            agreement={"priority": ["A"]},
            participants={"given": given},
            balance=balance,
        ).run()
        minted = market.events_frame().query("event == 'mint' and day == 1")
        assert minted["quantity"].tolist() == [1, 4]


def test_who_runs_short_by_its_balance_sheet_alone_shares_out() -> None:
    """Two calls for 20 each, and 10 in all: 5 each. Nothing else limits what is minted."""
    market = market_of(
        {"X": [100, 120]},
        loans=[
            loan(i, "L1", "B1", lent={"X": 1}, collateral={CASH: 100}, open_ended=True)
            for i in (1, 2)
        ],
        agreement={"haircut": 0, "priority": [CASH], "grace_days": 9},
        balance={"borrower": {"outside": {CASH: 10}}},
    ).run()
    assert market.ledger.collateral[:, -1].tolist() == [105, 105]


SPIRAL: dict[str, Any] = {
    "money": {"currency": CASH, "unit": 1e-6},
    "loans": [loan(1, "L1", "B1", lent={CASH: 1_000_000}, open_ended=True)],
    "agreement": {"haircut": 0},
}


def fall(leverage: float, per_unit: float, shock: float, days: int = 60) -> float:
    """How far the price of 100 units of assets falls in the end, of which one sold moves it so."""
    market = market_of(
        {"A": [100] + [100 * (1 - shock)] * days},
        **SPIRAL,
        balance={
            "borrower": {"outside": {"A": 1_000_000}, "leverage": leverage}
            | {"leverage_limit": leverage}
        },
        # 100 units are a million tokens.
        close_out={"impact": {"depth": 1e4 / per_unit, "b": 1, "permanent": 1}} if per_unit else {},
    )
    market.run()
    return 1 - market.prices[0] * 1e-8


def test_a_leverage_spiral_is_that_of_the_closed_form() -> None:
    """Shock / (1 - κ) with κ = (λ - 1)·A·ℓ: 1.81818 % for λ = 10, A = 100, ℓ = 5e-4, shock 1 %.

    The closed form is linear: what is left of the difference shrinks with the shock.
    """
    kappa = (10 - 1) * 100 * 5e-4
    assert 0.01 / (1 - kappa) == pytest.approx(0.0181818, abs=1e-7)
    for shock in (1e-2, 1e-3, 1e-4):
        assert fall(10, 5e-4, shock) / shock == pytest.approx(1 / (1 - kappa), abs=4 * shock)


def test_a_spiral_diverges_above_one_and_needs_impact_and_leverage() -> None:
    """κ = 1.08: the fall goes on until assets are sold. Without impact or leverage: none."""
    assert fall(10, 1.2e-3, 1e-4) / 1e-4 > 50
    assert fall(10, 0, 0.01) == pytest.approx(0.01)
    assert fall(1, 5e-4, 0.01) == pytest.approx(0.01)


def test_deleveraging_sells_for_all_that_is_above_the_target() -> None:
    """Assets of 11,100 at a leverage of 5; a fall by 10 % leaves 1,110 of equity against 9,990, so
    that 4,440 are sold, 50 A at 90. Cash beside them is no part of it."""
    market = market_of(
        {"A": [100, 90]},
        events=True,
        loans=[loan(1, "L1", "B1", lent={CASH: 1000}, collateral={"A": 11}, open_ended=True)],
        agreement={"trigger": 0.5},
        balance={
            "borrower": {"outside": {"A": 100, CASH: 1000}, "leverage": 5, "leverage_limit": 5}
        },
    ).run()
    assert trades(market) == [(1, "sale", "B1", "A", 50, 4500)]


def trades(market: CollateralMarket) -> list[tuple[Any, ...]]:
    """What was traded: day, event, party, token, quantity, value."""
    events = market.events_frame()
    of = events["event"].isin(["sale", "purchase", "trade_settlement"])
    columns = ["day", "event", "party", "token", "quantity", "value"]
    return list(events.loc[of, columns].itertuples(index=False, name=None))


def test_borrowed_cash_is_invested_and_raised_again_when_it_is_due() -> None:
    """1,000 buy 10 A; the credit line of 10 % of 2,100 goes first, then 8 A two days ahead."""
    market = market_of(
        {"A": [100, 100, 100, 100, 90, 90, 90], "B": [50] * 7},
        events=True,
        loans=[loan(1, "L1", "B1", lent={CASH: 1000}, collateral={"B": 22}, maturity=5)],
        agreement={"priority": ["B"]},
        participants={"issuance_capacity": 0},
        balance={
            "borrower": {"invest": 1, "portfolio": {"A": 1}, "credit_line": 0.1}
            | {"raises_funds": True}
        },
    ).run()
    assert trades(market) == [
        (3, "sale", "B1", "A", 8, 800),
        (5, "trade_settlement", "B1", CASH, 800, 800),
    ]
    days = market.days_frame()
    assert days["loans_settled"].tolist() == [0, 0, 0, 0, 0, 1, 0]
    assert days["credit_drawn"].tolist() == [0, 0, 0, 0, 0, 200, 200]
    assert days["equity"].tolist() == [2100, 2100, 2100, 2100, 2080, 2080, 2080]


def test_parts_are_those_of_the_decimals_that_are_written() -> None:
    """0.7 of 90 is 63, which floats make 62.99; 33 over a leverage of 1.1 is 30."""
    own = {"invest": 0.7, "portfolio": {"A": 1}, "credit_line": 0, "outside": {"A": 9}}
    market = market_of(
        {"A": [1, 1], "B": [1, 1]},
        loans=[loan(1, "L1", "B1", lent={CASH: 90}, collateral={"B": 60}, open_ended=True)],
        balance={"borrower": own | {"leverage": 1.1}},
    )
    sheet = market.participants_frame().set_index("participant").loc["B1"]
    assert (sheet["sheet_outside"], sheet["net_worth"]) == (72, 120)


def test_what_was_sold_short_is_bought_back() -> None:
    """10 A sold at 100, bought at 110 for the day on which they are due, worth 120 by then."""
    market = market_of(
        {"A": [100, 100, 100, 110, 110, 120, 120]},
        events=True,
        loans=[loan(1, "L1", "B1", lent={"A": 10}, collateral={CASH: 1100}, maturity=5)],
        agreement={"priority": [CASH]},
        balance={"borrower": {"short": 1, "outside": {CASH: 500}, "raises_funds": True}},
    )
    sheet = market.participants_frame().set_index("participant").loc["B1"]
    assert (sheet["sheet_wallet"], sheet["sheet_cash"], sheet["sheet_borrowed"]) == (0, 1500, 1000)
    market.run()
    assert trades(market) == [
        (3, "purchase", "B1", "A", 10, 1100),
        (5, "trade_settlement", "B1", "A", 10, 1200),
    ]
    # The seller lost 100 by the rise to 110, and what it had bought earned what it owed from there.
    table = market.participants_frame().set_index("participant")
    assert table["net_worth"].to_dict() == {"B1": 1500, "L1": 1200}


def test_a_call_is_met_by_a_purchase_once_it_settles() -> None:
    """Cash is not eligible: 5 B are bought with borrowed cash and delivered when they arrive."""
    market = market_of(
        {"X": [100] * 6, "B": [50, 50, 40, 40, 40, 40]},
        events=True,
        loans=[loan(1, "L1", "B1", lent={CASH: 1000}, collateral={"B": 22}, open_ended=True)],
        agreement={"priority": ["B"], "grace_days": 3},
        balance={"borrower": {"outside": {"X": 10}, "raises_funds": True}},
        assets={"all": {"tokens": ["X", "B"], "settlement_days": 2}},
    ).run()
    assert trades(market) == [
        (2, "purchase", "B1", "B", 5, 200),
        (4, "trade_settlement", "B1", "B", 5, 200),
    ]
    assert market.days_frame()["unmet_calls"].tolist() == [0, 0, 1, 1, 0, 0]


def test_without_cash_another_asset_is_sold_for_the_purchase() -> None:
    """Both settle on one day, so that the one pays for the other."""
    market = market_of(
        {"X": [100] * 6, "B": [50, 50, 40, 40, 40, 40]},
        events=True,
        loans=[loan(1, "L1", "B1", lent={"X": 10}, collateral={"B": 22}, open_ended=True)],
        agreement={"priority": ["B"], "grace_days": 3},
        balance={"borrower": {"outside": {"X": 10}, "raises_funds": True}},
    ).run()
    assert trades(market) == [
        (2, "sale", "B1", "X", 2, 200),
        (2, "purchase", "B1", "B", 5, 200),
        (4, "trade_settlement", "B1", "B", 5, 200),
    ]
    assert market.days_frame()["unmet_calls"].tolist() == [0, 0, 1, 1, 0, 0]


def test_whoever_has_no_equity_left_by_prices_defaults() -> None:
    """Leverage of 10: a fall of 10 % is the end of it, on the evening of the day."""
    market = market_of(
        {"A": [100, 100, 90, 90]},
        loans=[loan(1, "L1", "B1", lent={CASH: 1000}, open_ended=True)],
        balance={"borrower": {"outside": {"A": 1000}, "leverage": 10}},
    ).run()
    days = market.days_frame()
    assert days["defaults_insolvency"].tolist() == [0, 0, 1, 0]
    assert days["without_equity"].tolist() == [0, 0, 0, 0]
    table = market.participants_frame().set_index("participant")
    assert table.loc["B1", "default_cause"] == "insolvency"


def test_lines_of_a_small_market_by_hand() -> None:
    """Title passes: the collateral is the lender's asset, and owed back."""
    market = market_of(
        {"A": [10, 12]},
        loans=[loan(1, "L1", "B1", lent={CASH: 950}, collateral={"A": 100}, open_ended=True)],
        agreement={"transfer": "title", "trigger": 0.5},
        balance={"borrower": {"outside": {"A": 7, CASH: 50}, "leverage": 4}},
    )
    table = market.participants_frame().set_index("participant")
    lines = {name: table[f"sheet_{name}"] for name in LINES}
    # Assets other than cash are 1,070, so equity is 267, and debt the rest.
    borrower = {"cash": 1000, "outside": 70, "posted": 1000, "borrowed": 950, "debt": 853}
    lender = {"lent": 950, "received": 1000, "collateral_owed": 1000}
    for name, line in lines.items():
        assert line["B1"] == borrower.get(name, 0), name
        assert line["L1"] == lender.get(name, 0), name
    market.step()
    table = market.participants_frame().set_index("participant")
    assert table["net_worth"].to_dict() == {"B1": 267 + 2 * 107, "L1": 950}
    assert table.loc["B1", "leverage"] == pytest.approx(107 * 12 / (267 + 2 * 107))


@pytest.mark.parametrize(
    ("balance", "says"),
    [
        ({"X1": {}}, "balance: no participant X1"),
        ({"borrower": {"outside": {"Z": 1}}}, "Z"),
        ({"borrower": {"invest": 1}}, "invest needs a credit_line"),
        ({"borrower": {"short": 1, "credit_line": 0}}, "B1 sells short, but its issuance capacity"),
        ({"borrower": {"leverage_target": 2}}, "leverage_target goes with a leverage_limit"),
        ({"B1": {"leverage": 2}}, "B1 has a leverage and an equity"),
        ({"borrower": {"outside": {"A": 2**60}}}, "B1 has 1.38e+19 money units outside the ledger"),
    ],
)
def test_what_cannot_be_is_refused(balance: dict[str, Any], says: str) -> None:
    given = [{"name": "B1", "role": "borrower", "equity": 10}]
    with pytest.raises(InputError, match=says.replace("+", r"\+")):
        market_of(
            {"A": [10, 12]},
            loans=[loan(1, "L1", "B1", lent={CASH: 950}, open_ended=True)],
            participants={"given": given if "B1" in balance else []},
            balance=balance,
        )


def test_contracts_keep_no_balance_sheets() -> None:
    with pytest.raises(InputError, match="balance: the contracts know what is on the ledger"):
        market_of(
            {"A": [10, 12]},
            loans=[loan(1, "L1", "B1", lent={CASH: 950})],
            balance={"borrower": {}},
            ledger="evm",
        )


def test_volatility_follows_the_days_returns() -> None:
    market = market_of(
        {"A": [100, 110, 121, 121]},
        loans=[loan(1, "L1", "B1", lent={CASH: 950}, open_ended=True)],
        balance={"borrower": {}},
    )
    squared = np.log(1.1) ** 2
    for weight in (1, 1, 0.94):
        market.step()
        assert market.sheet is not None
        assert market.sheet.volatility[0] == pytest.approx(np.sqrt(weight * squared))
