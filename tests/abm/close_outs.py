"""Markets in which somebody defaults, for tests."""

from __future__ import annotations

from typing import Any

from worlds import loan, market_of

from abm.model import CollateralMarket

FLAT: dict[str, Any] = {"agreement": {"haircut": 0.0, "grace_days": 1000}}

# Falling ten a day; the call of day 1 is still met: 12 tokens at 90 are worth 1080.
FALLING = [100, 90, 80, 70, 60, 50, 40, 30, 20, 10, 10, 10, 10]


def defaults(*events: tuple[str, int]) -> dict[str, Any]:
    return {"scheduled": [{"participant": name, "day": day} for name, day in events]}


def pair(
    prices: list[float], tokens: int = 10, debt: int = 1000, **fields: Any
) -> CollateralMarket:
    """A loan of 1000 secured by ten tokens that cost 100 on day 0; B1 defaults on day 1."""
    fields = {**FLAT, "defaults": defaults(("B1", 1)), **fields}
    entry = loan(1, "L1", "B1", lent={"JPY": debt}, collateral={"A": tokens})
    return market_of({"A": prices}, loans=[entry], **fields)


def losses(market: CollateralMarket) -> dict[str, float]:
    table = market.run().participants_frame()
    return dict(zip(table["participant"], table["losses"], strict=True))
