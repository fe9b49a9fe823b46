"""Securities that are borrowed to be sold, and bought in when they do not come back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from math import floor
from typing import Any

from reference.books import UNLIMITED, Tokens, counts
from reference.outside import Orders, Outside


class ShortSales:
    """Of those whose table of `[balance]` says so."""

    def __init__(self, outside: Outside, rules: Mapping[str, Mapping[str, Any]]):
        self.outside, self.rules = outside, rules
        self.shorted: dict[str, Tokens] = defaultdict(counts)
        """Tokens that went outside to be sold on the next morning."""

    def sell(self, who: str, orders: Tokens, due: Mapping[str, int]) -> None:
        """Add to somebody's orders of the morning what is there and not needed for what is due."""
        raises = bool(self.rules[who].get("raises_funds"))
        for token, sold in self.shorted[who].items():
            if orders[token] <= 0:
                needed = due.get(token, 0) if raises else 0
                spare = max(self.outside.there(who, token) - needed, 0)
                orders[token] = min(orders[token], -min(sold, spare))

    def clear(self) -> None:
        """What has not been sold by now is kept."""
        self.shorted.clear()

    def buy_ins(self) -> Orders:
        """What lenders buy in that has failed to come back for too long."""
        books, need = self.outside.books, defaultdict[str, Tokens](counts)
        for account in books.accounts:
            days = self.rules[account.lender].get("buy_in_days", UNLIMITED)
            late = account.open_loans if account.closing is None else []
            for loan in late if account.borrower not in books.defaulted else ():
                for token, quantity in loan.lent.items() if loan.failed >= days else ():
                    need[account.borrower][token] += quantity
        for who, tokens in need.items():
            for token in tokens:
                there = books.wallet[who][token] + self.outside.there(who, token)
                there += self.outside.to_come(who, token)
                tokens[token] = max(tokens[token] - there, 0) if token != books.cash else 0
        return need

    def sell_begun(self) -> None:
        """Part of what was borrowed today goes outside, to be sold on the next morning."""
        books, borrowed = self.outside.books, defaultdict[str, Tokens](counts)
        for account in books.accounts:
            for loan in account.open_loans:
                for token, quantity in loan.lent.items() if loan.opened == books.day else ():
                    borrowed[account.borrower][token] += quantity
        for who, tokens in borrowed.items():
            part = Fraction(str(self.rules[who].get("short", 0)))
            for token, quantity in tokens.items():
                if token != books.cash:
                    sold = floor(part * min(quantity, books.wallet[who][token]))
                    books.wallet[who][token] -= sold
                    books.capacity[who][token] += sold
                    self.shorted[who][token] += sold
