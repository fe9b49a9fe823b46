"""Fees, interest and dividends reach the balance sheets of those who earn and owe them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from random_balances import worlds_with_balances
from random_worlds import World
from worlds import CASH, loan, market_of, panel_of

from abm.books.sheet import DEBT, EARNED
from abm.model import CollateralMarket
from scenarios.scenario import Scenario


def lent_at_a_fee(seller: dict[str, Any], **fields: Any) -> CollateralMarket:
    """1,000 A at 100 for 3.6 % a year: 10 a day."""
    return market_of(
        {"A": [100] * 5},
        loans=[loan(1, "L1", "B1", lent={"A": 1000}, collateral={"A": 1100}, open_ended=True)],
        agreement={"priority": ["A"], "trigger": 0.5},
        assets={"all": {"tokens": ["A"], "lending_fee": 0.036}},
        fees={},
        balance={"borrower": seller, "lender": {"outside": {}}},
        **fields,
    )


def test_a_fee_is_paid_the_morning_after() -> None:
    market = lent_at_a_fee({"outside": {CASH: 100}, "credit_line": 0})
    sheet = market.sheet
    assert sheet is not None
    paid = []
    while market.running:
        market.step()
        paid.append(sheet.flows[:, EARNED].tolist())
    assert market.population.names == ("B1", "L1")
    assert paid == [[-10, 10]] * 4
    table = market.participants_frame().set_index("participant")
    assert table["sheet_cash"].to_dict() == {"B1": 60, "L1": 40}
    assert table["net_worth"].to_dict() == {"B1": 110_000 + 100 - 40, "L1": 100_000 + 40}


def test_what_cannot_be_paid_is_advanced_as_debt() -> None:
    """12 in cash for the first day and a fifth of the second's."""
    market = lent_at_a_fee({"outside": {CASH: 12}, "credit_line": 0}).run()
    assert market.sheet is not None
    assert market.sheet.lines[:, DEBT].tolist() == [28, 0]
    assert market.participants_frame()["net_worth"].tolist() == [110_012 - 40, 100_040]


def test_dividends_of_what_is_outside_the_ledger_are_its_owners() -> None:
    """2 each on 50 A outside, 1,100 posted and 1,000 borrowed, which B1 hands on to L1."""
    dividend = {"date": "2024-01-02", "token": "A", "amount": 2}
    market = lent_at_a_fee(
        {"outside": {"A": 50, CASH: 5000}, "credit_line": 0}, dividends={"given": [dividend]}
    ).run()
    assert market.earnings is not None
    assert market.earnings.by_participant.tolist() == [2 * (50 + 1100) - 50, 2 * 1000 + 50]
    assert market.earnings.outside == -2 * (50 + 1100 + 1000)


@given(worlds_with_balances())
@settings(max_examples=15)
def test_equity_changes_by_what_is_earned(world: World) -> None:
    """To the unit and each day, whatever else happens; all of it adds up to zero."""
    table, prices = world
    fees = {"benchmark": 0.5, "reinvestment": 0.7}
    day, token = "2024-01-02", next(iter(prices))
    dividends = {"given": [{"date": day, "token": token, "amount": 3}]}
    for kind in table["assets"].values():
        kind["lending_fee"] = 0.9
    scenario = Scenario.parse({**table, "fees": fees, "dividends": dividends}, "test")
    market = CollateralMarket(scenario, rng=1, prices=panel_of(prices))
    sheet, earned = market.sheet, market.earnings
    assert sheet is not None and earned is not None
    paid = np.zeros_like(earned.by_participant)
    while market.running:
        due, before = earned.by_participant.copy(), sheet.equity
        market.step()
        assert (sheet.flows[:, EARNED] == due - paid).all()
        assert (sheet.equity == before + sheet.flows.sum(axis=1)).all()
        assert earned.by_participant.sum() + earned.outside == 0
        assert (market.books.ledger.capacity >= 0).all()
        paid = due
    market.run()
