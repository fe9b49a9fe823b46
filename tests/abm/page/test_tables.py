"""Tables of the day's events and of one participant."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from abm.page.tables import MOST_ROWS, event_rows, facts, loan_rows, money, wallet_rows
from abm.page.view import DayView
from tests.abm.page.conftest import NETWORK, market_of, view_after


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0"),
        (12.345, "12.3"),
        (999, "999"),
        (1_234, "1.23k"),
        (-5_600_000, "-5.6M"),
        (7.2e9, "7.2bn"),
        (3e12, "3T"),
    ],
)
def test_money_in_few_digits(amount: float, text: str) -> None:
    assert money(amount) == text
    assert money(amount, "USD") == f"{text} USD"


def test_events_come_newest_first() -> None:
    view = view_after(market_of(NETWORK, **{"agreement.model": 2}), 1)
    rows, number = event_rows(view)
    assert number == len(view.events) == len(rows)
    assert [row["event"] for row in rows] == [
        kind.replace("_", " ") for kind in reversed(view.events["event"].tolist())
    ]


def test_events_of_a_participant_all_name_it() -> None:
    view = view_after(market_of(NETWORK, **{"agreement.model": 2}), 1)
    rows, number = event_rows(view, "D1")
    assert 0 < number < len(view.events)
    assert all("D1" in (row["lender"], row["borrower"], row["party"]) for row in rows)


def test_no_more_rows_than_a_browser_should_get(pair: DayView) -> None:
    many = replace(pair, events=_events(pair, MOST_ROWS + 5))
    rows, number = event_rows(many)
    assert (len(rows), number) == (MOST_ROWS, MOST_ROWS + 5)


def _events(view: DayView, number: int) -> pd.DataFrame:
    row = {name: [""] * number for name in view.events.columns}
    return pd.DataFrame(row | {"loan_id": -1, "quantity": 0, "value": 0.0, "event": "call"})


def test_a_participant_is_told_as_the_markets_own_table_has_it() -> None:
    market = market_of(NETWORK)
    view = view_after(market, 3)
    row = view.graph.names.index("D1")
    known = market.participants_frame().set_index("participant").loc["D1"]
    told = facts(view, row)
    assert told["Role"] == "dealer"
    assert told["Lent"] == money(known["lent"], "USD")
    assert told["Borrowed"] == money(known["borrowed"], "USD")
    assert told["Wallet"] == money(known["wallet_value"], "USD")
    assert told["Equity"] == money(known["equity"], "USD")
    loans, number = loan_rows(view, row)
    frame = market.loans_frame()
    mine = frame[(frame["lender"] == "D1") | (frame["borrower"] == "D1")]
    assert number == len(mine) == len(loans)
    assert {loan["loan"] for loan in loans} == set(mine["loan_id"])


def test_a_wallet_has_the_tokens_of_the_ledger() -> None:
    market = market_of(NETWORK, **{"participants.prefunded_inventory": 0.5})
    view = view_after(market, 2)
    rows = wallet_rows(view, view.graph.names.index("B1"))
    wallet = {token: q for token, q in market.participants["B1"].wallet.items() if q}
    assert {row["token"]: int(row["quantity"].replace(",", "")) for row in rows} == wallet


def test_a_default_is_told_with_its_day_and_cause(all_defaulted: DayView) -> None:
    row = all_defaulted.graph.names.index("B1")
    assert facts(all_defaulted, row)["Default"] == "day 2 (exogenous)"
    assert loan_rows(all_defaulted, row) == ([], 0)
