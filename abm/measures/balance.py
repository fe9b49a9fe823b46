"""What balance sheets come to on a day."""

from __future__ import annotations

import numpy as np

from abm.books.books import Books, reinvested
from abm.books.sheet import CONTRIBUTED, CREDIT, REVALUATION, Sheet
from abm.books.standing import Standing
from abm.measures.measure import COUNT, FLOW, LEVEL, MONEY, PEAK, Measure

OF_SHEETS = (
    Measure(
        "equity",
        MONEY,
        LEVEL,
        "Assets less liabilities of all participants; 0 where no balance sheets are kept, as "
        "for all that follow.",
    ),
    Measure(
        "leverage_median",
        "ratio",
        LEVEL,
        "Assets other than cash over equity: the median of those that have both.",
        label="leverage, median",
    ),
    Measure("leverage_95", "ratio", LEVEL, "Its 95 % quantile.", label="leverage, 95 % quantile"),
    Measure(
        "without_equity",
        COUNT,
        PEAK,
        "Participants that are not in default and whose assets are not more than they owe.",
        label="participants without equity",
    ),
    Measure("credit_drawn", MONEY, PEAK, "Drawn on credit lines."),
    Measure("revaluation", MONEY, FLOW, "What the day's prices have added to everybody's equity."),
    Measure(
        "contributed",
        MONEY,
        FLOW,
        "What came from outside without anything for it: minted without limit.",
    ),
    Measure(
        "reinvested",
        MONEY,
        LEVEL,
        "Cash collateral that lenders have invested outside the ledger, and owe back.",
        label="cash collateral reinvested",
    ),
    Measure("outside_sold_value", MONEY, FLOW, "Assets sold outside the ledger, at their price."),
    Measure("outside_bought_value", MONEY, FLOW, "Assets bought outside the ledger, likewise."),
    Measure(
        "withdrawals",
        COUNT,
        FLOW,
        "Loans that lenders recalled, or let end, because of leverage, volatility or liquidity, or "
        "as they decided themselves; an overdue one on every day.",
    ),
)
"""In the order of the columns of `days`, after all others."""

NONE_KEPT = dict.fromkeys(
    (
        "equity",
        "leverage_median",
        "leverage_95",
        "without_equity",
        "credit_drawn",
        "revaluation",
        "contributed",
        "reinvested",
    ),
    0.0,
)


def measure_sheets(
    sheet: Sheet | None, standing: Standing, books: Books, unit: float
) -> dict[str, float]:
    """The measures of all balance sheets, by column name; money in money.

    Args:
        sheet: as it was last marked; None where none are kept.
        standing: of the same participants.
        books: of their market.
        unit: the smallest money unit.
    """
    if sheet is None:
        return NONE_KEPT
    equity, leverage = sheet.equity, sheet.leverage
    levered = leverage[(equity > 0) & (leverage > 0)]
    median, high = np.quantile(levered, (0.5, 0.95)).tolist() if len(levered) else (0.0, 0.0)
    return {
        "equity": int(equity.sum()) * unit,
        "leverage_median": median,
        "leverage_95": high,
        "without_equity": int(
            ((equity <= 0) & (sheet.assets > 0) & (standing.default_day < 0)).sum()
        ),
        "credit_drawn": int(sheet.lines[:, CREDIT].sum()) * unit,
        "revaluation": int(sheet.flows[:, REVALUATION].sum()) * unit,
        "contributed": int(sheet.flows[:, CONTRIBUTED].sum()) * unit,
        "reinvested": int(reinvested(books).sum()) * unit,
    }
