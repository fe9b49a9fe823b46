"""Small worlds for tests: prices as plain lists, scenarios as plain tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from abm.model import CollateralMarket
from scenarios.prices import PricePanel
from scenarios.scenario import Scenario

START = pd.Timestamp("2024-01-01")
CASH = "JPY"


def panel_of(prices: Mapping[str, Sequence[float]]) -> PricePanel:
    """A panel of consecutive days, without weekends."""
    days = len(next(iter(prices.values())))
    index = pd.date_range(START, periods=days)
    return PricePanel.from_frame(pd.DataFrame(prices, index=index, dtype=float), "test")


def table_of(days: int, **fields: Any) -> dict[str, Any]:
    """A scenario table over so many days, in yen, with the paper's haircut."""
    return {
        "money": {"currency": CASH, "unit": 1},
        "window": {"start": START.date(), "end": (START + pd.Timedelta(days=days)).date()},
        "prices": {"source": "file", "file": "given-by-the-test.csv"},
        **fields,
    }


def market_of(
    prices: Mapping[str, Sequence[float]],
    *,
    rng: int = 1,
    events: bool = False,
    behaviours: Any = None,
    **fields: Any,
) -> CollateralMarket:
    """A market with these prices and these fields of its scenario."""
    panel = panel_of(prices)
    scenario = Scenario.parse(table_of(len(panel.dates), **fields), "test")
    return CollateralMarket(scenario, rng=rng, prices=panel, events=events, behaviours=behaviours)


def loan(loan_id: int, lender: str, borrower: str, **fields: Any) -> dict[str, Any]:
    """One given loan."""
    return {"loan_id": loan_id, "lender": lender, "borrower": borrower, **fields}


def held(market: CollateralMarket) -> list[dict[str, int]]:
    """Collateral of each margin account by token: signed, as the paper counts it."""
    claims = market.ledger.collateral.copy()
    books = market.books
    if len(books.reused):
        claims += books.reused
    first = books.priority[books.accounts.agreement, 0]
    claims[np.arange(len(claims)), first] -= books.accounts.advanced
    return [dict(zip(market.tokens, row, strict=True)) for row in claims.tolist()]


def outstanding(market: CollateralMarket) -> dict[str, int]:
    """Tokens in circulation."""
    arrays = market.ledger.arrays
    return dict(zip(market.tokens, (arrays.minted - arrays.burned).tolist(), strict=True))
