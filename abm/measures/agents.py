"""What agents pay for losses of those they act for.

A scenario whose `[book]` has an indemnity names the measure as `abm.measures.agents:indemnities`
among its `measures`.
"""

from __future__ import annotations

from typing import Any

from abm.measures.measure import MONEY, PEAK, daily


@daily(MONEY, PEAK, label="indemnities")
def indemnities(market: Any) -> float:
    """What agents have paid so far for losses of their lenders, less what estates of defaulters
    have paid on them since."""
    return float(market.standing.indemnities.sum() * market.unit)
