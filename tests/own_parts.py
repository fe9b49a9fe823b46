"""An oracle, a rule and a measure of one's own, in a module that pickles can name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from abm.agents import Oracle
from abm.measures.measure import daily
from abm.rules.rule import Rule, Seen


class Noisy(Oracle):
    """Publishes prices with noise from both generators of an agent, and counts the days."""

    days = 0

    def choose_prices(self, prices: dict[str, float]) -> dict[str, float]:
        self.days += 1
        noise = 1 + 0.02 * self.random.random() + 0.02 * self.rng.random()
        return {token: price * noise for token, price in prices.items()}


class Widening(Rule):
    """The haircut grows by the day, and remembers the day."""

    rewrites = ("haircut",)

    def __init__(self) -> None:
        self.days = 0

    def today(self, agreement: Any, seen: Seen) -> Mapping[str, float]:
        self.days += 1
        return {"haircut": min(0.05 + 0.001 * self.days, 0.5)}


@daily("count", "level")
def hollow(market: Any) -> float:
    """Wallets with nothing in them."""
    return int((market.ledger.wallets.sum(axis=1) == 0).sum())
