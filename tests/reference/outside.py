"""What participants have outside the ledger, and how they trade there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from reference.books import Books, Tokens, counts
from reference.oracle import Oracle

Orders = dict[str, Tokens]
"""Tokens to buy, negative to sell, of each participant."""


class Outside:
    """Positions of all participants; what is outside is their capacity, less what goes beyond."""

    def __init__(
        self, books: Books, oracle: Oracle, assets: Mapping[str, Any], names: Iterable[str]
    ):
        self.books, self.oracle = books, oracle
        self.days = dict.fromkeys(books.tokens, 2)
        for kind in assets.values():
            for token in kind["tokens"]:
                self.days[token] = kind.get("settlement_days", 2)
        self.days[books.cash] = 0
        self.ahead = max(1, *self.days.values())
        """Days that somebody looks ahead, to trade for what will be due."""
        self.allowed: dict[str, Tokens] = {who: counts() for who in names}
        """How far what is outside may go below zero."""
        self.unsettled: dict[int, Orders] = defaultdict(lambda: defaultdict(counts))
        """What arrives on a day."""

    def position(self, who: str, token: str) -> int:
        """Below zero of cash where credit is drawn."""
        return self.books.capacity[who][token] - self.allowed[who][token]

    def there(self, who: str, token: str) -> int:
        return max(self.position(who, token), 0)

    def to_come(self, who: str, token: str) -> int:
        return sum(day[who][token] for day in self.unsettled.values())

    def minting(self, who: str, token: str) -> int:
        return sum(m.quantity for m in self.books.mintings if (m.who, m.token) == (who, token))

    def credit(self, who: str) -> int:
        """What is drawn."""
        cash = self.books.cash
        return max(-self.position(who, cash) - self.minting(who, cash), 0)

    def undrawn(self, who: str) -> int:
        """Credit that is left."""
        cash = self.books.cash
        return self.allowed[who][cash] + min(self.position(who, cash), 0)

    def arrive(self) -> None:
        """What was traded long enough ago."""
        prices = self.oracle.true_prices(self.books.day)
        for who, tokens in self.unsettled.pop(self.books.day, {}).items():
            for token, quantity in tokens.items():
                self.books.capacity[who][token] += quantity
                if quantity:
                    value = quantity * prices[token]
                    self.books.note("trade_settlement", None, who, token, quantity, value)

    def trade(self, orders: Orders, at_once: bool = False) -> None:
        """Sell and buy together, at the prices that all of it leaves."""
        usual, bought_as = self.days, "buy_in" if at_once else "purchase"
        if at_once:
            self.days = dict.fromkeys(usual, 0)
        books, cash = self.books, self.books.cash
        before = self.oracle.true_prices(books.day)
        sales: Orders = {}
        buys: Orders = {}
        for who, order in orders.items():
            sales[who] = {t: min(max(-n, 0), self.there(who, t)) for t, n in order.items()}
            money = books.wallet[who][cash] + books.capacity[who][cash]
            buys[who], spent = {}, 0
            for token in books.tokens:
                together = (t for t in sales[who] if self.days[t] == self.days[token])
                brought = sum(sales[who][t] * before[t] for t in together)
                most = max(money - spent + brought, 0) // before[token]
                buys[who][token] = min(max(order.get(token, 0), 0), most)
                spent += buys[who][token] * before[token]
        for token in books.tokens:
            net = sum(sales[who].get(token, 0) - buys[who][token] for who in orders)
            self.oracle.impact.sell(token, net)
        prices = books.true_prices = self.oracle.true_prices(books.day)
        for who in orders:
            for token, quantity in sales[who].items():
                books.capacity[who][token] -= quantity
                self._enter(who, token, cash, quantity * prices[token])
                self._note("sale", who, token, quantity, prices)
        for token in books.tokens:
            dropped = 0
            for who in orders:
                bought = self._buy(who, token, buys[who][token], prices[token])
                dropped += buys[who][token] - bought
                self._note(bought_as, who, token, bought, prices)
            self.oracle.impact.sell(token, dropped)
        books.true_prices = self.oracle.true_prices(books.day)
        self.days = usual

    def _enter(self, who: str, traded: str, token: str, quantity: int) -> None:
        """What a trade brings arrives after the settlement of what is traded."""
        days = self.days[traded]
        if days:
            self.unsettled[self.books.day + days][who][token] += quantity
        else:
            self.books.capacity[who][token] += quantity

    def _buy(self, who: str, token: str, wanted: int, price: int) -> int:
        """Pay with what sales bring by then, cash outside, the wallet, and credit."""
        books, cash = self.books, self.books.cash
        arrival = (
            self.unsettled[books.day + self.days[token]][who] if self.days[token] else counts()
        )
        money = arrival[cash] + books.wallet[who][cash] + books.capacity[who][cash]
        bought = min(wanted, max(money, 0) // price)
        left = bought * price
        netted = min(left, arrival[cash])
        arrival[cash] -= netted
        left -= netted
        outside = min(left, self.there(who, cash))
        wallet = min(left - outside, books.wallet[who][cash])
        books.wallet[who][cash] -= wallet
        books.capacity[who][cash] -= left - wallet
        self._enter(who, token, token, bought)
        return bought

    def _note(self, kind: str, who: str, token: str, n: int, prices: Mapping[str, int]) -> None:
        if n:
            self.books.note(kind, None, who, token, n, n * prices[token])
            side = "sold" if kind == "sale" else "bought"
            self.books.counted[f"outside_{side}_value"] += n * prices[token]
