"""The page's tables: the day's events, and everything about one participant."""

from __future__ import annotations

from typing import Any

import numpy as np

from abm.books.loan_book import LOAN_STATES, NEVER, OPEN_LOAN, PENDING
from abm.books.standing import CAUSES
from abm.page.view import DayView

MOST_ROWS = 300
"""Rows of events that a browser is sent."""

EVENT_COLUMNS = ("event", "lender", "borrower", "party", "loan", "token", "quantity", "value")

Rows = list[dict[str, Any]]


def money(amount: float, currency: str = "") -> str:
    """An amount in few digits: 1.23M, 456k."""
    size = abs(amount)
    for limit, letter in ((1e12, "T"), (1e9, "bn"), (1e6, "M"), (1e3, "k")):
        if size >= limit:
            text = f"{amount / limit:.3g}{letter}"
            break
    else:
        text = f"{amount:.3g}" if size and size < 100 else f"{amount:.0f}"
    return f"{text} {currency}" if currency else text


def event_rows(view: DayView, participant: str | None = None) -> tuple[Rows, int]:
    """The day's events, newest first, `MOST_ROWS` at most, and how many there are in all.

    Args:
        view: the day.
        participant: only events that name it.
    """
    events = view.events
    if participant:
        named = (events[["lender", "borrower", "party"]] == participant).any(axis=1)
        events = events[named]
    rows = [
        {
            "event": row["event"].replace("_", " "),
            "lender": row["lender"],
            "borrower": row["borrower"],
            "party": row["party"],
            "loan": "" if row["loan_id"] < 0 else row["loan_id"],
            "token": row["token"],
            "quantity": f"{row['quantity']:,}" if row["quantity"] else "",
            "value": f"{row['value']:,.0f}" if row["value"] else "",
        }
        for row in events.iloc[::-1].head(MOST_ROWS).to_dict("records")
    ]
    return rows, len(events)


def facts(view: DayView, row: int) -> dict[str, str]:
    """What is to say of a participant, in the order in which it is told."""
    graph, cur = view.graph, view.currency
    lent = float(view.exposure[graph.lender == row].sum())
    borrowed = float(view.exposure[graph.borrower == row].sum())
    equity = view.equity[row]
    told = {"Role": graph.roles[row], "Size": f"{graph.size[row]:.2f}"}
    if graph.roles[row] != "borrower":
        told["Lent"] = money(lent, cur)
    if graph.roles[row] != "lender":
        told["Borrowed"] = money(borrowed, cur)
    told["Wallet"] = money(float(view.wallets[row] @ view.token_values), cur)
    told["Equity"] = money(equity, cur) if np.isfinite(equity) else "not limited"
    told["Losses"] = money(float(view.losses[row]), cur)
    if view.default_day[row] >= 0:
        cause = CAUSES[view.default_cause[row]]
        told["Default"] = f"day {view.default_day[row]} ({cause})"
    return told


def wallet_rows(view: DayView, row: int) -> Rows:
    """A participant's tokens, those that it has none of left out."""
    return [
        {
            "token": view.tokens[token],
            "quantity": f"{view.wallets[row, token]:,}",
            "value": f"{view.wallets[row, token] * view.token_values[token]:,.0f}",
        }
        for token in np.flatnonzero(view.wallets[row]).tolist()
    ]


def loan_rows(view: DayView, row: int) -> tuple[Rows, int]:
    """A participant's open loans, the largest first, `MOST_ROWS` at most, and their number."""
    books = view.books
    loans, accounts = books.loans, books.accounts
    a = loans.account
    mine = (accounts.lender[a] == row) | (accounts.borrower[a] == row)
    rows = np.flatnonzero(mine & ((loans.state == OPEN_LOAN) | (loans.state == PENDING)))
    rows = rows[np.argsort(-books.exposure[rows], kind="stable")]
    table = []
    for loan in rows[:MOST_ROWS].tolist():
        account = a[loan]
        lends = accounts.lender[account] == row
        other = accounts.borrower[account] if lends else accounts.lender[account]
        exposure = accounts.exposure[account]
        covered = (exposure + books.gaps[account]) / exposure if exposure else np.nan
        maturity = loans.maturity[loan]
        table.append(
            {
                "loan": int(loans.loan_id[loan]),
                "side": "lends to" if lends else "borrows from",
                "counterparty": view.graph.names[other],
                "exposure": f"{books.exposure[loan] * view.unit:,.0f}",
                "coverage": f"{covered:.1%}" if np.isfinite(covered) else "",
                "matures": "open" if maturity == NEVER else f"day {maturity}",
                "state": LOAN_STATES[loans.state[loan]],
            }
        )
    return table, len(rows)
