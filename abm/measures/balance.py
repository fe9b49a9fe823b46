"""What balance sheets come to on a day."""

from __future__ import annotations

import numpy as np

from abm.books.sheet import CONTRIBUTED, CREDIT, REVALUATION, Sheet
from abm.books.standing import Standing

NONE_KEPT = dict.fromkeys(
    (
        "equity",
        "leverage_median",
        "leverage_95",
        "without_equity",
        "credit_drawn",
        "revaluation",
        "contributed",
    ),
    0.0,
)


def measure_sheets(sheet: Sheet | None, standing: Standing, unit: float) -> dict[str, float]:
    """The measures of all balance sheets, by column name; money in money.

    Args:
        sheet: as it was last marked; None where none are kept.
        standing: of the same participants.
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
    }
