"""Prices of a day: what is published, what is true, and the mark that sales leave."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from reference.books import Books, Tokens

B = 1.0536051565782627


class Impact:
    """Sales of `q` lower the logarithm of a price by `b · q / depth`; a part of that stays."""

    def __init__(self, rules: Mapping[str, Any] | None, tokens: Sequence[str]):
        self.rules = rules
        self.kept = dict.fromkeys(tokens, 0.0)
        self.fading = dict.fromkeys(tokens, 0.0)

    def next_day(self) -> None:
        if self.rules is not None:
            for token in self.fading:
                self.fading[token] *= self.rules.get("decay", 0.5)

    def sell(self, token: str, quantity: int) -> None:
        """Note a sale; cash leaves no mark."""
        if self.rules is None or token not in self.kept:
            return
        depth = self.rules["depth"]
        if isinstance(depth, Mapping):
            depth = depth.get(token, math.inf)
        move = self.rules.get("b", B) / depth * quantity
        stays = self.rules.get("permanent", 0.5)
        self.kept[token] += stays * move
        self.fading[token] += (1 - stays) * move

    def marked(self, token: str, price: int) -> int:
        if self.rules is None or token not in self.kept:
            return price
        return max(round(price * math.exp(-(self.kept[token] + self.fading[token]))), 1)


class Oracle:
    """Publishes prices, late, or wrong, or not at all."""

    def __init__(
        self,
        faults: Mapping[str, Any],
        impact: Mapping[str, Any] | None,
        path: Sequence[Mapping[str, int]],
        cash: str,
    ):
        self.path, self.cash, self.faults = path, cash, faults
        self.impact = Impact(impact, list(path[0]))
        self.truth: list[Tokens] = []
        """True prices of each day so far, when it began."""
        self.good: Tokens = dict(path[0])
        """What was published last of each token and was not wrong."""

    def true_prices(self, day: int) -> Tokens:
        """Prices of a day with the mark of all sales so far."""
        base = self.path[min(day, len(self.path) - 1)]
        return {**{t: self.impact.marked(t, p) for t, p in base.items()}, self.cash: 1}

    def publish(self, books: Books) -> None:
        day = books.day
        books.true_prices = self.true_prices(day)
        self.truth.append(books.true_prices)
        source = self.truth[max(day - self.faults.get("delay", 0), 0)]
        prices = {self.cash: 1}
        for token in self.path[0]:
            silent = any(
                outage["day"] <= day < outage["day"] + outage.get("days", 1)
                and token in (outage.get("tokens") or self.path[0])
                for outage in self.faults.get("outages", ())
            )
            factors = [
                Fraction(str(wrong["factor"]))
                for wrong in self.faults.get("wrong_prices", ())
                if wrong["day"] == day and wrong["token"] == token
            ]
            if not silent:
                self.good[token] = source[token]
            prices[token] = self.good[token]
            if factors and not silent:
                prices[token] = max(round(source[token] * factors[0]), 1)
                books.note("wrong_price", None, token=token, value=prices[token])
            elif silent or prices[token] != books.true_prices[token]:
                books.note("stale_price", None, token=token, value=prices[token])
        books.prices = prices
