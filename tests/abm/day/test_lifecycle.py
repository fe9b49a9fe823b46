"""How loans begin and end: settlement, rolling, replacement, recall."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from worlds import held, loan, market_of, outstanding

from abm.agents import Lender
from abm.agents.views import LoanView
from abm.books.loan_book import OPEN_LOAN, SETTLED
from abm.model import CollateralMarket

FLAT: dict[str, Any] = {"agreement": {"haircut": 0.0, "grace_days": 1000}}
CASH_LOAN: dict[str, Any] = {"lent": {"JPY": 1000}, "collateral": {"A": 10}}


def states(market: CollateralMarket) -> list[str]:
    return market.loans_frame()["state"].tolist()


def test_a_loan_opens_with_both_legs() -> None:
    """Four steps of the paper's section 2.1.1: mint, exchange, maintain, settle and redeem."""
    market = market_of({"A": [100, 100]}, events=True, loans=[loan(4, "L1", "B1", **CASH_LOAN)])
    assert dict(market.participants["L1"].wallet) == {"A": 0, "JPY": 0}
    assert dict(market.participants["B1"].wallet) == {"A": 0, "JPY": 1000}
    assert held(market) == [{"A": 10, "JPY": 0}]
    assert market.participants["L1"].loans == market.participants["B1"].loans == [4]
    opening = market.events_frame()["event"].tolist()
    assert sorted(opening) == ["mint", "mint", "open", "transfer", "transfer"]
    market.run()
    assert outstanding(market) == {"A": 0, "JPY": 0}
    kinds = market.events_frame().query("day == 2")["event"].tolist()
    assert kinds == ["transfer", "settle", "transfer", "burn", "burn"]


def test_term_loans_settle_at_maturity() -> None:
    market = market_of(
        {"A": [100] * 6},
        **FLAT,
        loans=[
            loan(1, "L1", "B1", maturity=2, **CASH_LOAN),
            loan(2, "L1", "B2", maturity=4, **CASH_LOAN),
            loan(3, "L1", "B3", **CASH_LOAN),
        ],
    )
    open_loans = [3]
    while market.running:
        market.step()
        open_loans.append(market.today["open_loans"])
    assert open_loans == [3, 3, 2, 2, 1, 1]
    assert market.days_frame()["loans_settled"].tolist() == [0, 0, 1, 0, 1, 0]
    assert market.participants["B1"].wallet["A"] == 10
    assert market.participants["L1"].wallet["JPY"] == 2000
    market.run()
    assert states(market) == ["settled", "settled", "open"], "the table shows the last day"
    assert not market.ledger.arrays.balance.any()


def test_a_basket_is_lent_and_comes_back() -> None:
    market = market_of(
        {"A": [100, 100, 100], "B": [10, 12, 12], "C": [5, 4, 4]},
        agreement={"haircut": 0.0, "priority": ["A"]},
        loans=[loan(1, "L1", "B1", lent={"B": 50, "C": 100, "JPY": 3}, maturity=2)],
    )
    assert market.today["exposure"] == 1003
    assert held(market)[0]["A"] == 11
    market.step()
    assert market.today["exposure"] == 600 + 400 + 3
    market.step()
    wallet = dict(market.participants["L1"].wallet)
    assert wallet == {"A": 0, "B": 50, "C": 100, "JPY": 3}
    assert market.participants["B1"].wallet["A"] == 11


def test_rolled_loans_go_on() -> None:
    market = market_of(
        {"A": [100] * 8},
        **FLAT,
        loans=[loan(1, "L1", "B1", maturity=3, at_maturity="roll", **CASH_LOAN)],
    )
    while market.running:
        market.step()
    assert market.days_frame()["loans_rolled"].tolist() == [0, 0, 0, 1, 0, 0, 1, 0]
    assert market.days_frame()["transfers"].tolist()[1:] == [0] * 7
    assert market.loans_frame()["maturity"].tolist() == [9]


@pytest.mark.parametrize(("price", "tokens"), [(100, 10), (200, 5), (50, 20), (30, 34)])
def test_a_replacement_is_secured_at_the_prices_of_its_day(price: int, tokens: int) -> None:
    """Whatever the trigger: a new loan is a new loan."""
    market = market_of(
        {"A": [100, price, price]},
        agreement={"haircut": 0.0, "trigger": 0.99},
        loans=[loan(1, "L1", "B1", maturity=1, at_maturity="replace", **CASH_LOAN)],
    )
    market.step()
    assert held(market)[0]["A"] == tokens
    assert market.loans_frame()["loan_id"].tolist() == [2]
    assert market.loans_frame()["opened"].tolist() == [1]
    assert market.today["loans_settled"] == market.today["loans_opened"] == 1
    assert market.participants["B1"].wallet["JPY"] == 1000


@pytest.mark.parametrize("lag", [0, 2])
def test_a_replacement_in_an_aggregated_account_needs_what_the_account_lacks(lag: int) -> None:
    """Two loans of 1000 on one account, one is replaced when the price has halved."""
    market = market_of(
        {"A": [100, 50, 50]},
        agreement={"haircut": 0.0, "trigger": 0.9, "aggregated": True, "settlement_lag": lag},
        loans=[
            loan(1, "L1", "B1", maturity=1, at_maturity="replace", **CASH_LOAN),
            loan(2, "L1", "B1", **CASH_LOAN),
        ],
    )
    market.step()
    assert held(market)[0]["A"] == 40
    assert market.today["gap"] == 0


def test_a_replacement_without_means_waits() -> None:
    """Both legs or neither: the borrower has no tokens for it until the price recovers."""
    market = market_of(
        {"A": [100, 50, 50, 100, 100]},
        agreement={"haircut": 0.0, "trigger": 0.99},
        loans=[loan(1, "L1", "B1", maturity=1, at_maturity="replace", **CASH_LOAN)],
        participants={"issuance_capacity": 0},
    )
    found = []
    while market.running:
        market.step()
        found.append((states(market)[0], held(market)[0]["A"], market.today["open_loans"]))
    assert found[:3] == [("pending", 0, 0), ("pending", 0, 0), ("open", 10, 1)]
    table = market.loans_frame()
    # The term of one day counts from the day on which it opened: it is replaced on day 4.
    assert (table["loan_id"].tolist(), table["opened"].tolist()) == ([3], [4])
    assert table["maturity"].tolist() == [5]


def test_open_loans_run_until_recalled_with_notice() -> None:
    market = market_of(
        {"A": [100] * 9},
        **FLAT,
        loans=[loan(i, "L1", "B1", open_ended=True, **CASH_LOAN) for i in (1, 2)],
        recalls={"scheduled": [(3, 2)], "notice": 2},
    )
    assert market.loans_frame()["maturity"].tolist() == [-1, -1]
    while market.running:
        market.step()
    days = market.days_frame()
    assert days["recalls"].tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0]
    assert days["loans_settled"].tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 0]
    market.run()
    assert states(market) == ["open", "settled"]
    assert outstanding(market) == {"A": 20, "JPY": 2000}, "B1 still has a loan"
    assert market.participants["B1"].wallet["A"] == 10


def test_recalls_at_a_daily_rate() -> None:
    market = market_of(
        {"A": [100] * 31},
        **FLAT,
        participants={"lenders": 1, "borrowers": 500},
        loan={"principal": 1000, "open_ended": True},
        recalls={"daily_rate": 0.1, "notice": 1},
    ).run()
    recalled = market.summary()["recalls"]
    expected = 500 * (1 - 0.9**30)
    assert abs(recalled - expected) < 4 * (expected * 0.9**30 + 1) ** 0.5
    late = market.days_frame()["recalls"].iloc[-1]
    assert states(market).count("settled") == recalled - late


@pytest.mark.parametrize(("grace", "day"), [(0, 4), (1, 5)])
def test_a_failed_recall_ends_in_default(grace: int, day: int) -> None:
    """B1 lent the securities on and cannot have them minted: it fails when the notice ends."""
    market = market_of(
        {"A": [100] * 8, "B": [10] * 8},
        agreement={"haircut": 0.0, "grace_days": grace, "priority": ["A"]},
        loans=[
            loan(1, "L1", "D1", lent={"B": 100}, open_ended=True),
            loan(2, "D1", "B2", lent={"JPY": 1000}),
        ],
        participants={
            "given": [
                {"name": "D1", "role": "dealer", "issuance_capacity": {"A": 1000, "JPY": 10**6}}
            ]
        },
        recalls={"scheduled": [(2, 1)], "notice": 2},
        close_out={"margin_period_of_risk": 0},
    )
    market.step()
    # Another use of the borrowed securities: they leave the wallet.
    market.ledger.transfer(market.participants["D1"].row, market.ledger.outside_market, 1, 40)
    market.run()
    days = market.days_frame()
    fails = [1 if 4 <= n <= day else 0 for n in range(8)]
    assert days["recall_fails"].tolist() == fails
    assert days["defaults_liquidity"].tolist() == [int(n == day) for n in range(8)]


def test_an_overdue_loan_is_still_margined() -> None:
    market = market_of(
        {"A": [100, 100, 50, 50, 50], "B": [10] * 5},
        agreement={"haircut": 0.0, "grace_days": 99, "priority": ["A"]},
        loans=[loan(1, "L1", "B1", lent={"B": 100}, maturity=2)],
        participants={
            "given": [{"name": "B1", "role": "borrower", "issuance_capacity": {"A": 1000}}]
        },
    )
    market.step()
    market.ledger.transfer(market.participants["B1"].row, market.ledger.outside_market, 1, 1)
    market.step()
    assert held(market)[0]["A"] == 20
    assert market.today["recall_fails"] == 1
    market.custodian.mint(market.participants["B1"], "B", 1)  # type: ignore[arg-type]
    market.step()
    assert market.today["loans_settled"] == 1
    assert market.participants["B1"].wallet["A"] == 20


def test_instructions_of_a_settled_loan_are_cancelled() -> None:
    """A delivery on its way when the loan settles goes back to the borrower."""
    market = market_of(
        {"A": [100, 50, 50, 50]},
        agreement={"haircut": 0.0, "settlement_lag": 3},
        loans=[loan(1, "L1", "B1", maturity=2, **CASH_LOAN)],
    )
    market.step()
    assert market.ledger.in_transit.sum() == 10
    market.step()
    assert not market.ledger.in_transit.any()
    assert market.participants["B1"].wallet["A"] == 20


def test_what_a_lender_issued_is_redeemed_when_the_loan_settles() -> None:
    market = market_of(
        {"A": [100, 400, 400], "B": [100, 400, 400]},
        agreement={"model": 1, "haircut": 0.0},
        loans=[loan(1, "L1", "B1", lent={"JPY": 2000}, collateral={"A": 10, "B": 10}, maturity=2)],
    )
    market.step()
    assert held(market)[0]["A"] == -5
    assert market.participants["B1"].wallet["A"] == 15
    market.step()
    assert dict(market.participants["B1"].wallet) == {"A": 10, "B": 10, "JPY": 0}
    assert outstanding(market)["A"] == 10


def test_concluding_settles_only_what_ends_with_the_window() -> None:
    market = market_of(
        {"A": [100] * 3},
        **FLAT,
        loans=[
            loan(1, "L1", "B1", **CASH_LOAN),
            loan(2, "L1", "B2", maturity=50, **CASH_LOAN),
            loan(3, "L1", "B3", open_ended=True, **CASH_LOAN),
        ],
    ).run()
    assert market.books.accounts.open_loans.tolist() == [0, 1, 1]
    assert [row["A"] for row in held(market)] == [0, 10, 10]
    before = market.days_frame()
    market.step()
    assert market.run().days_frame().equals(before), "nothing happens after the end"


def test_minting_that_ends_with_the_window_arrives_before_the_last_settlement() -> None:
    """Six A are called for on the last day: three go from the wallet and are owed elsewhere on the
    next morning; the three that are being minted arrive then and repay them."""
    market = market_of(
        {"A": [100, 64]},
        **FLAT,
        participants={"minting_days": 1},
        loans=[
            loan(1, "L1", "B1", **CASH_LOAN),
            loan(2, "L2", "B1", lent={"A": 3}, collateral={"A": 3}),
        ],
    )
    market.run()
    assert market.today["unmet_value"] == 3 * 64 - 24
    assert market.books.loans.state.tolist() == [SETTLED, SETTLED]
    assert not market.ledger.arrays.balance.any()


def test_lenders_are_asked_about_loans_that_end_with_the_window() -> None:
    """On the morning after the last day, as on any other; a loan that rolls stays open."""

    class Rolling(Lender):
        def choose_at_maturity(self, loans: LoanView) -> np.ndarray:
            asked.append(loans.day)
            return np.full(len(loans), "roll")

    asked: list[int] = []
    market = market_of(
        {"A": [100] * 3}, loans=[loan(1, "L1", "B1", **CASH_LOAN)], behaviours={"lender": Rolling}
    )
    market.run()
    assert asked == [3] and len(market.days_frame()) == 3
    assert market.books.loans.state.tolist() == [OPEN_LOAN]
    assert held(market)[0]["A"] >= 10


def test_a_loan_that_begins_today_is_not_lent_in_the_morning() -> None:
    market = market_of({"A": [100] * 3}, **FLAT, loans=[loan(1, "L1", "B1", start=1, **CASH_LOAN)])
    market.step()
    assert market.today["lent_before"] == 0 and market.today["open_loans"] == 1
