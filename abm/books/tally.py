"""What the compiled passes count in a day, and the record of single events."""

from __future__ import annotations

from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from abm.books.records import Records

Ints = npt.NDArray[np.int64]

COUNTED = (
    "margin_calls",
    "delivery_calls",
    "return_calls",
    "delivery_call_value",
    "return_call_value",
    "deliveries",
    "delivered_value",
    "returns",
    "returned_value",
    "transfers",
    "borrower_issuances",
    "borrower_issued_value",
    "lender_issuances",
    "lender_issued_value",
    "unmet_calls",
    "unmet_value",
    "return_fails",
    "return_fail_value",
    "loans_opened",
    "loans_settled",
    "loans_rolled",
    "recalls",
    "recall_fails",
    "reused_value",
    "blocked_returns",
    "outside_sold_value",
    "outside_bought_value",
    "withdrawals",
)
"""Names of the positions of the tally, described in `abm.measures.standard`."""

(
    MARGIN_CALLS,
    DELIVERY_CALLS,
    RETURN_CALLS,
    DELIVERY_CALL_VALUE,
    RETURN_CALL_VALUE,
    DELIVERIES,
    DELIVERED_VALUE,
    RETURNS,
    RETURNED_VALUE,
    TRANSFERS,
    BORROWER_ISSUANCES,
    BORROWER_ISSUED_VALUE,
    LENDER_ISSUANCES,
    LENDER_ISSUED_VALUE,
    UNMET_CALLS,
    UNMET_VALUE,
    RETURN_FAILS,
    RETURN_FAIL_VALUE,
    LOANS_OPENED,
    LOANS_SETTLED,
    LOANS_ROLLED,
    RECALLS,
    RECALL_FAILS,
    REUSED_VALUE,
    BLOCKED_RETURNS,
    OUTSIDE_SOLD_VALUE,
    OUTSIDE_BOUGHT_VALUE,
    WITHDRAWALS,
) = range(len(COUNTED))

EVENTS = (
    "mint",
    "burn",
    "transfer",
    "call",
    "delivery",
    "return",
    "settlement",
    "unmet_call",
    "return_fail",
    "reuse",
    "open",
    "settle",
    "roll",
    "recall",
    "recall_fail",
    "default",
    "liquidation",
    "close_out",
    "estate_sale",
    "recovery",
    "stale_price",
    "wrong_price",
    "sale",
    "purchase",
    "trade_settlement",
    "credit",
    "contribution",
    "indemnity",
    "reinvestment",
    "placement",
    "redemption",
    "buy_in",
    "substitution",
)
"""Kinds of events, described in `abm.books.events`."""

(
    MINT,
    BURN,
    TRANSFER,
    CALL,
    DELIVERY,
    RETURN,
    SETTLEMENT,
    UNMET_CALL,
    RETURN_FAIL,
    REUSE,
    OPEN,
    SETTLE,
    ROLL,
    RECALL,
    RECALL_FAIL,
    DEFAULT,
    LIQUIDATION,
    CLOSE_OUT,
    ESTATE_SALE,
    RECOVERY,
    STALE_PRICE,
    WRONG_PRICE,
    SALE,
    PURCHASE,
    TRADE_SETTLEMENT,
    CREDIT,
    CONTRIBUTION,
    INDEMNITY,
    REINVESTMENT,
    PLACEMENT,
    REDEMPTION,
    BUY_IN,
    SUBSTITUTION,
) = range(len(EVENTS))


class Log(Protocol):
    """A buffer of events that a compiled pass fills; of length zero when nobody listens."""

    kind: Ints
    account: Ints
    party: Ints
    token: Ints
    quantity: Ints
    value: Ints

    def __len__(self) -> int: ...


_NARROW = ("kind", "token", "party")
_COLUMNS = [(name, "i4" if name in _NARROW else "i8") for name in Log.__annotations__]


class LogRecords(Records, columns=_COLUMNS):
    """A `Log` as it is kept."""


def new_log(length: int) -> Log:
    """An empty buffer for `length` events."""
    return cast(Log, LogRecords.zeros(length))
