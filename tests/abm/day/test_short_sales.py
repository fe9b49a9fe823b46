"""What is sold short comes back: bought in time, bought in after fails, or never."""

from __future__ import annotations

from typing import Any

import pytest
from worlds import CASH, loan, market_of

from abm.model import CollateralMarket
from scenarios.errors import InputError

FAILS = ["failing", "failing_value", "bought_in", "purchase_impact"]
MEASURES = [f"abm.measures.fails:{name}" for name in FAILS]


def short_of(
    prices: list[int], buy_in_days: int | None = 2, cash: int = 500, **fields: Any
) -> CollateralMarket:
    """10 A lent against cash until day 3, all sold at once."""
    lender = {} if buy_in_days is None else {"buy_in_days": buy_in_days}
    seller = {"short": 1, "outside": {CASH: cash}, "credit_line": 0}
    given = {
        "loans": [loan(1, "L1", "B1", lent={"A": 10}, collateral={CASH: 1100}, maturity=3)],
        "agreement": {"priority": [CASH], "grace_days": 3},
        "balance": {"borrower": seller, "lender": lender},
        "measures": MEASURES,
    }
    return market_of({"A": prices}, events=True, **{**given, **fields})


def events_of(market: CollateralMarket, *kinds: str) -> list[tuple[Any, ...]]:
    events = market.events_frame()
    columns = ["day", "event", "party", "token", "quantity", "value"]
    return list(events[events["event"].isin(kinds)][columns].itertuples(index=False, name=None))


def test_two_fails_and_a_buy_in() -> None:
    """Sold at 100, not returned on days 3 and 4, bought in on the morning of day 5, at 115."""
    market = short_of([100, 100, 100, 105, 110, 115, 115]).run()
    days = market.days_frame()
    assert days["failing"].tolist() == [0, 0, 0, 1, 1, 0, 0]
    assert days["failing_value"].tolist() == [0, 0, 0, 1050, 1100, 0, 0]
    assert days["bought_in"].tolist() == [0, 0, 0, 0, 0, 1150, 0]
    assert events_of(market, "buy_in", "purchase", "default") == [
        (5, "buy_in", "B1", "A", 10, 1150)
    ]
    assert market.loans_frame()["state"].tolist() == ["settled"]
    equity = market.participants_frame().set_index("participant")["net_worth"]
    assert equity.to_dict() == {"B1": 1100 + 500 + 1000 - 1150, "L1": 1150}


def test_without_buy_ins_the_fail_ends_in_default() -> None:
    market = short_of([100] * 8, buy_in_days=None).run()
    assert market.days_frame()["failing"].tolist() == [0, 0, 0, 1, 1, 1, 0, 0]
    assert events_of(market, "buy_in") == []
    assert [event[:3] for event in events_of(market, "default")] == [(6, "default", "B1")]


def test_what_cannot_be_paid_for_is_not_bought_in() -> None:
    """1,000 from the sale and nothing more: nine A at 110, and the return fails on."""
    market = short_of([100, 100, 100, 100, 110, 110, 110, 110], cash=100).run()
    assert events_of(market, "buy_in") == [(5, "buy_in", "B1", "A", 9, 990)]
    assert market.loans_frame()["state"].tolist() == ["closed out"]


def test_buy_ins_move_the_price_and_what_that_costs_is_measured() -> None:
    """A tenth of all A, and b = 1: the price rises by exp(0.1), for good."""
    impact = {"kind": "exponential", "depth": 100, "b": 1, "permanent": 1}
    market = short_of([1000] * 7, cash=20_000, close_out={"impact": impact}).run()
    days = market.days_frame()
    assert days["bought_in"].tolist()[5] == 11_050
    assert days["purchase_impact"].tolist()[5] == 1_050
    assert market.prices[0] == 1105


def test_a_purchase_that_is_under_way_is_not_bought_in_again() -> None:
    """Who raises funds buys for the day on which it is due; with a notice of one day, too late."""
    market = short_of(
        [100] * 9,
        buy_in_days=1,
        loans=[loan(1, "L1", "B1", lent={"A": 10}, collateral={CASH: 1100}, open_ended=True)],
        recalls={"scheduled": [[2, 1]], "notice": 1},
        balance={
            "borrower": {"short": 1, "outside": {CASH: 500}, "raises_funds": True},
            "lender": {"buy_in_days": 1},
        },
    ).run()
    assert events_of(market, "buy_in") == []
    assert events_of(market, "purchase") == [(3, "purchase", "B1", "A", 10, 1000)]
    assert market.days_frame()["failing"].tolist() == [0, 0, 0, 1, 1, 0, 0, 0, 0]


def test_loans_that_begin_later_are_sold_on_the_morning_after() -> None:
    """Half of 10 A of day 2, at the price of day 3; the other half goes back as it is."""
    later = loan(1, "L1", "B1", lent={"A": 10}, collateral={CASH: 1100}, start=2, maturity=4)
    first = loan(2, "L1", "B2", lent={CASH: 100}, collateral={"A": 2}, open_ended=True)
    market = short_of(
        [100, 100, 100, 90, 90, 90, 80, 80],
        loans=[later, first],
        agreement={"priority": [CASH, "A"]},
        balance={"B1": {"short": 0.5, "outside": {CASH: 9000}, "raises_funds": True}},
    ).run()
    assert events_of(market, "sale", "purchase", "buy_in") == [
        (3, "sale", "B1", "A", 5, 450),
        (4, "purchase", "B1", "A", 5, 450),
    ]
    assert market.loans_frame().set_index("loan_id").loc[1, "state"] == "settled"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"buy_in_days": 4}, "in default when it has failed to return for more than 3 days"),
        ({"participants": {"minting_days": 1}}, "could not go back on its day"),
        ({"balance": {}}, "measures of purchases need balance sheets"),
    ],
)
def test_what_would_have_no_effect_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        short_of([100] * 8, **fields)
