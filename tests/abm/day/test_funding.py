"""Lenders withdraw from the leveraged, the volatile and when they are short of cash; some hoard."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from worlds import CASH, loan, market_of

from abm.agents import Borrower, Lender
from abm.agents.calls import DecisionError
from abm.model import CollateralMarket
from scenarios.errors import InputError

LEVERED = {"outside": {"A": 10}, "leverage": 4}


def of_lender(loans: list[dict[str, Any]], prices: list[int], **lender: Any) -> CollateralMarket:
    """A market in which B1 has four times its equity in A, and L1 lends as it is told."""
    return market_of(
        {"A": prices},
        loans=loans,
        agreement={"trigger": 0.9},
        recalls={"notice": 1},
        balance={"lender": lender, "borrower": LEVERED},
    ).run()


def column(market: CollateralMarket, name: str) -> list[float]:
    return list(market.days_frame()[name])


OPEN = loan(1, "L1", "B1", lent={CASH: 950}, open_ended=True)
ROLLING = loan(1, "L1", "B1", lent={CASH: 950}, maturity=2, at_maturity="roll")


def test_a_leveraged_borrower_is_recalled() -> None:
    """Equity of 500 in 2,000 of A and collateral; at 90 it is 300 in 1,800, six times."""
    market = of_lender([OPEN], [100, 100, 90, 90, 90], withdraw_leverage=5)
    assert column(market, "withdrawals") == [0, 0, 1, 0, 0]
    assert column(market, "recalls") == [0, 0, 1, 0, 0]
    assert column(market, "loans_settled") == [0, 0, 0, 1, 0]
    assert sum(column(of_lender([OPEN], [100, 100, 90, 90, 90]), "recalls")) == 0


def test_a_loan_is_not_rolled_once_its_collateral_is_volatile() -> None:
    """A move of a tenth on day 2 is above 5 % a day; on day 4 it has faded to 9 %."""
    quiet = of_lender([ROLLING], [100] * 6, withdraw_volatility=0.05)
    assert column(quiet, "loans_rolled") == [0, 0, 1, 0, 1, 0]
    market = of_lender([ROLLING], [100, 100, 90, 90, 90, 90], withdraw_volatility=0.02)
    assert column(market, "withdrawals")[:3] == [0, 0, 1]
    assert column(market, "loans_settled")[:3] == [0, 0, 1]


def test_a_lender_short_of_cash_withdraws() -> None:
    """It has 100 in cash and 950 lent: less than a tenth of its assets."""
    for limit, recalled in ((0.09, 0), (0.1, 1)):
        market = of_lender(
            [OPEN], [100] * 4, withdraw_liquidity=limit, outside={CASH: 100}, credit_line=0
        )
        assert column(market, "recalls")[1] == recalled


def test_a_loan_is_replaced_at_a_raised_haircut_until_it_is_funded_again() -> None:
    """At 5 % 950 take 1,000; at half of it 1,900, and on the way back 1,000 again."""
    replaced = loan(1, "L1", "B1", lent={CASH: 950}, maturity=2, at_maturity="replace")
    market = market_of(
        {"A": [100, 100, 80, 100, 100, 100]},
        loans=[replaced],
        balance={
            "lender": {"withdraw_leverage": 5, "raised_haircut": 0.5},
            "borrower": {"outside": {"A": 30}, "leverage": 4},
        },
    )
    required = []
    while market.running:
        market.step()
        required.append(int(market.books.accounts.required[0]))
    assert required == [1000, 1900, 1900, 1000, 1000]
    assert column(market, "withdrawals") == [0] * 6


SPENT = {"invest": 1, "portfolio": {"A": 1}, "credit_line": 0, "leverage": 4}
"""What it borrows is not there when it is due; at 90 its leverage is six."""


def test_a_loan_that_rolls_after_all_is_overdue_no_longer() -> None:
    """It cannot be repaid on days 2 and 5, and rolls on the days behind: never late for two."""
    market = market_of(
        {"A": [100, 100, 90, 100, 100, 90, 100, 100]},
        loans=[ROLLING],
        agreement={"trigger": 0.9, "grace_days": 1},
        balance={"lender": {"withdraw_leverage": 5}, "borrower": SPENT},
    ).run()
    assert column(market, "recall_fails") == [0, 0, 1, 0, 0, 1, 0, 0]
    assert column(market, "loans_rolled") == [0, 0, 0, 1, 0, 0, 1, 0]
    assert sum(column(market, "defaults_liquidity")) == 0


def test_a_haircut_is_not_raised_before_the_loan_is_repaid() -> None:
    """What it sold short it cannot return: the loan is overdue at the haircut that it has."""
    market = market_of(
        {"A": [100, 100, 90, 90, 90], "X": [10] * 5},
        loans=[
            loan(1, "L1", "B1", lent={"X": 95}, collateral={"A": 10}, maturity=2)
            | {"at_maturity": "replace"}
        ],
        agreement={"trigger": 0.9, "grace_days": 9},
        balance={
            "lender": {"withdraw_leverage": 5, "raised_haircut": 0.5},
            "borrower": {"outside": {"A": 10}, "short": 1, "leverage": 4},
        },
    )
    while market.running:
        market.step()
        assert market.books.accounts.required.tolist() == [1000]
    assert column(market, "recall_fails") == [0, 0, 1, 1, 1]


def test_who_hoards_lends_no_longer_and_posts_nothing_further() -> None:
    """A dealer re-uses what it received, until prices move."""
    fields: dict[str, Any] = {
        "agreement": {"transfer": "title", "reuse_rate": 1.0, "haircut": 0.0, "grace_days": 9},
        "loans": [
            loan(1, "D1", "B1", lent={CASH: 1000}, collateral={"A": 10}, maturity=2)
            | {"at_maturity": "roll"},
            loan(2, "L1", "D1", lent={CASH: 1000}, collateral={"A": 10}, open_ended=True),
        ],
        "participants": {"issuance_capacity": 0.0},
    }
    prices = {"A": [100, 90, 90, 90]}
    for limit, rolled in ((0.5, 1), (0.05, 0)):
        hoarding = {"dealer": {"hoard_volatility": limit}}
        market = market_of(prices, balance=hoarding, **fields).run()
        assert sum(column(market, "loans_rolled")) == rolled
        assert (column(market, "reused_value")[1] > 0) == bool(rolled)


def test_a_lender_of_ones_own_withdraws_alone_or_in_columns() -> None:
    def decide(loans: Any) -> Any:
        assert loans.liquidity == pytest.approx([0.0])
        return loans.borrower_leverage > 5

    alone = type("Alone", (Lender,), {"choose_withdrawals": lambda self, loans: decide(loans)})
    columns = {"choose_withdrawals_in_columns": classmethod(lambda cls, loans: decide(loans))}
    for kind in (alone, type("Columns", (Lender,), columns)):
        market = market_of(
            {"A": [100, 100, 90, 90]},
            loans=[OPEN],
            agreement={"trigger": 0.9},
            balance={"borrower": LEVERED},
            behaviours={"lender": kind},
        ).run()
        assert column(market, "withdrawals") == [0, 0, 1, 0]


def test_a_participant_of_ones_own_trades_alone_or_in_columns() -> None:
    """It sells a tenth of what it has each day; what it has not it cannot sell."""

    class Alone(Borrower):
        def choose_trades(self, sheet: Any) -> Any:
            assert sheet.equity == pytest.approx([1050])
            return {"A": -int(sheet.outside[0, 0] // 10) - 1000 * (sheet.day == 2)}

    class Columns(Borrower):
        @classmethod
        def choose_trades_in_columns(cls, sheets: Any) -> Any:
            orders = -(sheets.outside // 10) - 1000 * (sheets.day == 2)
            orders[:, -1] = 0
            return orders

    for kind in (Alone, Columns):
        market = market_of(
            {"A": [10, 10, 10]},
            loans=[loan(1, "L1", "B1", lent={CASH: 50}, collateral={"A": 5}, open_ended=True)],
            agreement={"haircut": 0.0},
            balance={"borrower": {"outside": {"A": 100}}},
            behaviours={"borrower": kind},
        ).run()
        assert column(market, "outside_sold_value") == [0, 100, 900]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"Z": 1}, "expected numbers of tokens, negative"),
        ({"A": 0.5}, "whole numbers of tokens"),
        (3, "expected numbers of tokens"),
    ],
)
def test_trades_that_cannot_be_are_refused(given: Any, says: str) -> None:
    kind = type("Odd", (Borrower,), {"choose_trades": lambda self, sheet: given})
    market = market_of(
        {"A": [10, 10]}, loans=[OPEN], balance={"dealer": {}}, behaviours={"borrower": kind}
    )
    with pytest.raises(DecisionError, match=says):
        market.step()


def test_a_decision_that_nobody_would_ask_for_is_refused() -> None:
    kind = type("Vain", (Lender,), {"choose_withdrawals": lambda self, loans: loans.withdrawn})
    with pytest.raises(InputError, match=r"Vain\.choose_withdrawals is never asked"):
        market_of({"A": [10, 10]}, loans=[OPEN], behaviours={"lender": kind})


def test_views_tell_what_the_sheets_say() -> None:
    seen: list[Any] = []

    class Watching(Lender):
        def choose_withdrawals(self, loans: Any) -> Any:
            seen.append((loans.borrower_leverage, loans.volatility, loans.withdrawn))
            return loans.withdrawn

    market = market_of(
        {"A": [100, 110]},
        loans=[OPEN],
        balance={"borrower": LEVERED},
        behaviours={"lender": Watching},
    ).run()
    ((leverage, volatility, withdrawn),) = seen
    table = market.participants_frame().set_index("participant")
    assert leverage == pytest.approx([table.loc["B1", "leverage"]], rel=0.1)
    assert volatility == pytest.approx([np.log(1.1)])
    assert withdrawn.tolist() == [False]
