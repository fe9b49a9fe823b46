"""What the collateral that lenders hold costs those who posted it, and how good it is.

A scenario names these among its `measures`, as `abm.measures.collateral:collateral_cost`; they
read the classes of its `assets`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from abm.measures.measure import COUNT, FLOW, LEVEL, MONEY, RATIO, SHARE, daily

Floats = npt.NDArray[np.float64]


def posted_value(market: Any) -> Floats:
    """Market value of the collateral in all accounts, in money, shape (tokens,)."""
    return market.ledger.collateral.sum(axis=0) * market.prices * market.unit


@daily(MONEY, LEVEL, label="opportunity cost of collateral, for a year")
def collateral_cost(market: Any) -> float:
    """What the collateral in margin accounts could earn in a year at the `lending_fee` of its
    class."""
    return float(posted_value(market) @ market.assets.lending_fee)


@daily(SHARE, RATIO, label="volatility of collateral", weight="collateral_value")
def collateral_volatility(market: Any) -> float:
    """Mean volatility for a year of the collateral in margin accounts, by the `volatility` of its
    class and weighted with value; cash has none. Empty where a class gives none."""
    value, volatility = posted_value(market), market.assets.volatility.copy()
    volatility[-1] = 0.0
    held = value > 0
    return float(value[held] @ volatility[held] / value.sum()) if held.any() else float("nan")


@daily(MONEY, LEVEL, label="collateral that does not count")
def collateral_not_counted(market: Any) -> float:
    """Market value of the collateral that its schedule does not accept at the end of the day: what
    is not eligible, and whole tokens beyond a limit."""
    return float(market.agreements.not_counted) * market.unit


@daily(COUNT, FLOW)
def substitutions(market: Any) -> float:
    """Margin accounts whose borrower took collateral back and brought other tokens for it."""
    return float(market.phases.substituted[0])


@daily(MONEY, FLOW)
def substituted_value(market: Any) -> float:
    """Market value of the collateral that borrowers took back in exchange for other tokens."""
    return float(market.phases.substituted[1]) * market.unit
