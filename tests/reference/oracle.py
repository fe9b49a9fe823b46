"""Prices of a day: what is published, what is true, and the mark that sales leave."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from reference.books import Books, Tokens

B = 1.0536051565782627


class Impact:
    """The mark of sales on logarithmic prices; a part of it stays.

    `b · sold / depth`, or `Y · σ · sqrt(sold / V)`.
    """

    def __init__(
        self,
        rules: Mapping[str, Any] | None,
        assets: Mapping[str, Mapping[str, Any]],
        path: Sequence[Mapping[str, int]],
    ):
        self.rules, self.path, self.day = rules, path, 0
        self.of = {token: kind for kind in assets.values() for token in kind["tokens"]}
        self.stays = dict.fromkeys(path[0], 0.0)
        self.fades = dict.fromkeys(path[0], 0.0)

    @property
    def is_root(self) -> bool:
        return self.rules is not None and self.rules.get("kind") == "square-root"

    def next_day(self) -> None:
        self.day = min(self.day + 1, len(self.path) - 1)
        if self.rules is not None:
            left = self.rules.get("decay", 0.5)
            for token in self.fades:
                self.fades[token] *= left**2 if self.is_root else left

    def sell(self, token: str, quantity: int) -> None:
        """Note a sale; cash leaves no mark."""
        if self.rules is None or token not in self.stays:
            return
        stays = self.rules.get("permanent", 0.5)
        if self.is_root:
            unit = self.rules.get("y", 1.0) ** 2 * self.variance(token)
            move = unit / self.of[token]["daily_volume"] * quantity
            self.stays[token] += stays**2 * move
            self.fades[token] += (1 - stays) ** 2 * move
            return
        depth = self.rules["depth"]
        if isinstance(depth, Mapping):
            depth = depth.get(token, math.inf)
        move = self.rules.get("b", B) / depth * quantity
        self.stays[token] += stays * move
        self.fades[token] += (1 - stays) * move

    def variance(self, token: str) -> float:
        """Of a day's return: of the class, or of the days so far."""
        assert self.rules is not None
        stated = self.of[token].get("volatility")
        days = range(max(self.day - 20, 0) + 1, self.day + 1)
        returns = [math.log(self.path[d][token]) - math.log(self.path[d - 1][token]) for d in days]
        realised = self.rules.get("volatility", "realised") == "realised"
        if stated is not None and not (realised and len(returns) == 20):
            return float(stated**2 / 252)
        return sum(r**2 for r in returns) / len(returns)

    def marked(self, token: str, price: int) -> int:
        if self.rules is None or token not in self.stays:
            return price
        parts = (self.stays[token], self.fades[token])
        mark = sum(math.copysign(math.sqrt(abs(x)), x) if self.is_root else x for x in parts)
        return max(round(price * math.exp(-mark)), 1)


class Oracle:
    """Publishes prices, late, or wrong, or not at all."""

    def __init__(
        self,
        faults: Mapping[str, Any],
        impact: Mapping[str, Any] | None,
        path: Sequence[Mapping[str, int]],
        cash: str,
        assets: Mapping[str, Mapping[str, Any]],
    ):
        self.path, self.cash, self.faults = path, cash, faults
        self.impact = Impact(impact, assets, path)
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
