"""Event records: what happened, one row each, when somebody wants to know."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from abm.books.tally import DEFAULT, EVENTS, OPEN, RECALL, RECALL_FAIL, ROLL, SETTLE, new_log

Ints = npt.NDArray[np.int64]

OF_LOANS = (OPEN, SETTLE, ROLL, RECALL, RECALL_FAIL)
"""Kinds of events that are about one loan rather than about its margin account."""

CHUNK = 16_384
"""Loans that a compiled pass handles before its log is read; it bounds the log's size."""

MEANINGS = {
    "mint": "The custodian issued tokens to the party against a deposit.",
    "burn": "The custodian took redeemed tokens of the party out of circulation.",
    "transfer": "Tokens changed hands at the opening or settlement of a loan.",
    "call": "The clearing house called for a delivery (negative value) or a return (positive).",
    "delivery": "The borrower delivered collateral, or instructed it.",
    "return": "The lender returned collateral, or instructed it.",
    "settlement": "An instruction settled.",
    "unmet_call": "The borrower could not meet a call, or did not; the value is what is missing.",
    "return_fail": "The lender could not return tokens that it had posted further, or cash that it"
    " had invested.",
    "reuse": "The party posted received collateral further.",
    "open": "A loan began; the value is that of what it lends.",
    "settle": "A loan was repaid.",
    "roll": "A loan went on for another term.",
    "recall": "The lender recalled a loan.",
    "recall_fail": "The borrower could not return what was lent.",
    "default": "The party defaulted; the value is what it had borrowed.",
    "liquidation": "The lender sold collateral of a defaulter; the value is what it fetched.",
    "close_out": "A close-out with the party ended; the value is what it did not get (negative) or"
    " its surplus.",
    "estate_sale": "The party's estate sold tokens of its wallet; the value is what they fetched.",
    "recovery": "The party got from an estate a part of what a close-out had left it to get.",
    "stale_price": "The oracle did not publish a price; the last good one is used.",
    "wrong_price": "The oracle published a wrong price.",
    "sale": "The party sold assets outside the ledger; the value is what they fetched.",
    "purchase": "The party bought assets outside the ledger; the value is what they cost.",
    "trade_settlement": "Assets bought, or cash of assets sold, arrived outside the ledger.",
    "credit": "The party drew on its credit line (positive value), or paid back (negative).",
    "contribution": "The party was given what it lacked: minted without limit, or by its own.",
    "indemnity": "The party's agent paid its loss (positive value), or got back a recovery.",
    "reinvestment": "The lender took cash collateral to invest it; negative: it put cash back.",
    "placement": "The party placed cash in a token until a day; the value is what it cost.",
    "redemption": "A placement was due; the value is what was paid for it.",
    "buy_in": "What a borrower had failed to return was bought outside the ledger on its account.",
    "substitution": "The borrower brought collateral in exchange; negative: it took some back.",
}
"""What each kind of event says."""


class EventRecorder:
    """Collects the events of a run; switched off, it costs nothing."""

    def __init__(self, enabled: bool, tokens: int):
        """Record if `enabled`; a loan makes at most so many events in one pass."""
        self.enabled = enabled
        self.buffer = new_log(CHUNK * (12 * tokens + 16) if enabled else 0)
        self.logged = np.zeros(1, np.int64)
        self._parts: list[tuple[int, npt.NDArray[np.void]]] = []

    def drain(self, day: int) -> None:
        """Take over what a compiled pass has logged."""
        number = int(self.logged[0])
        if number:
            self._parts.append((day, self._rows(number).copy()))
            self.logged[0] = 0

    def _rows(self, number: int) -> npt.NDArray[np.void]:
        return np.asarray(self.buffer)[:number]

    def add(
        self,
        day: int,
        kind: int,
        party: int = -1,
        account: int = -1,
        token: int = -1,
        quantity: int = 0,
        value: int = 0,
    ) -> None:
        """Record one event from outside the compiled passes."""
        if self.enabled:
            self.drain(day)
            event = np.zeros(1, self._rows(0).dtype)
            event[0] = (kind, account, party, token, quantity, value)
            self._parts.append((day, event))

    def add_all(
        self,
        day: int,
        kind: int,
        party: Ints,
        token: Ints | int,
        quantity: Ints,
        value: Ints,
        account: Ints | int = -1,
    ) -> None:
        """Record one event a party, from columns of one length."""
        if self.enabled and len(party):
            self.drain(day)
            events = np.zeros(len(party), self._rows(0).dtype)
            events["kind"], events["account"] = kind, account
            events["party"], events["token"] = party, token
            events["quantity"], events["value"] = quantity, value
            self._parts.append((day, events))

    def frame(
        self,
        tokens: tuple[str, ...],
        participants: tuple[str, ...],
        loan_ids: npt.NDArray[np.int64],
        lender: npt.NDArray[np.int64],
        borrower: npt.NDArray[np.int64],
        causes: tuple[str, ...],
        unit: float,
        since: int = 0,
    ) -> pd.DataFrame:
        """All events from a day on, as `abm.tables.meanings.EVENTS` describes them.

        Args:
            tokens: names of the ledger's columns.
            participants: names of its wallets.
            loan_ids: first loan of each account; likewise lender and borrower.
            lender: row of the lender of each account.
            borrower: row of the borrower of each account.
            causes: names of the causes of defaults.
            unit: smallest money unit.
            since: first day.
        """
        parts = [(day, rows) for day, rows in self._parts if day >= since]
        rows = np.concatenate([self._rows(0), *(rows for _, rows in parts)])
        day = np.repeat([day for day, _ in parts], [len(rows) for _, rows in parts])
        kind, account, party, token, quantity, value = (
            rows[name] for name in rows.dtype.names or ()
        )
        names = np.array([*participants, "market", ""], dtype=object)
        symbols = np.array([*tokens, ""], dtype=object)
        defaults = kind == DEFAULT
        cause = np.where(
            defaults, np.array([*causes, ""], dtype=object)[np.where(defaults, token, -1)], ""
        )
        token = np.where(defaults, -1, token)
        # The log has no room of its own for a loan: of these the quantity is its identifier.
        of_loans = np.isin(kind, OF_LOANS)
        secured = account >= 0
        row = np.where(secured, account, 0)
        return pd.DataFrame(
            {
                "day": day.astype(np.int64),
                "event": np.array(EVENTS, dtype=object)[kind],
                "loan_id": np.where(of_loans, quantity, np.where(secured, loan_ids[row], -1)),
                "lender": np.where(secured, names[lender[row]], ""),
                "borrower": np.where(secured, names[borrower[row]], ""),
                "party": names[np.where(party < 0, -1, party)],
                "token": symbols[np.where(token < 0, -1, token)],
                "quantity": np.where(of_loans, 0, quantity),
                "cause": cause,
                "value": value * unit,
            }
        )
