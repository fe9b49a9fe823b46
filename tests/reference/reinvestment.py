"""Cash collateral that lenders invest outside the ledger, and owe back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from math import floor
from typing import Any

from reference.books import Account, Books, Tokens, counts
from reference.outside import Orders, Outside
from reference.schedules import counted


class Reinvestment:
    """Invests for those whose table of `[balance]` says so."""

    def __init__(
        self, outside: Outside, rules: Mapping[str, Mapping[str, Any]], titled: Mapping[Any, bool]
    ):
        self.outside, self.rules, self.titled = outside, rules, titled
        self.names = [who for who, mine in rules.items() if mine.get("reinvest")]
        self.placed: dict[int, Orders] = defaultdict(lambda: defaultdict(counts))
        """What is paid on a day, by participant."""

    @property
    def books(self) -> Books:
        return self.outside.books

    @property
    def prices(self) -> Tokens:
        """True ones."""
        return self.outside.oracle.true_prices(self.books.day)

    def mine(self, who: str) -> list[Account]:
        """Accounts whose cash a lender may invest."""
        accounts = (a for a in self.books.accounts if a.lender == who)
        return [account for account in accounts if self.titled[account.agreement]]

    def taken(self, who: str) -> int:
        return sum(account.invested[self.books.cash] for account in self.mine(who))

    def part(self, account: Account) -> int:
        """What may be taken of the cash of an account."""
        cash = self.books.cash
        rate = Fraction(str(self.rules[account.lender]["reinvest"]))
        whole = account.held[cash] + account.invested[cash]
        return floor(rate * whole) if account.open_loans else 0

    def move(self, account: Account, amount: int) -> None:
        """Take cash out of an account; below zero, put it back."""
        cash = self.books.cash
        if amount:
            account.held[cash] -= amount
            account.invested[cash] += amount
            self.books.capacity[account.lender][cash] += amount
            self.books.note("reinvestment", account, account.lender, cash, amount)

    def bought(self, who: str, money: int) -> Tokens:
        """Tokens that some money buys, by the shares of the portfolio."""
        goods = [token for token in self.books.tokens if token != self.books.cash]
        shares = self.rules[who].get("portfolio") or dict.fromkeys(goods, 1)
        total = sum(Fraction(str(share)) for share in shares.values())
        return {
            token: floor(money * Fraction(str(share)) / total / self.prices[token])
            for token, share in shares.items()
        }

    def spendable(self, who: str, money: int) -> int:
        """No more of it than there is without credit."""
        return min(money, self.outside.there(who, self.books.cash))

    def open(self) -> None:
        """At the opening; of placements an equal part is due on each day of the term."""
        for who in self.names:
            money, term = 0, self.rules[who].get("reinvest_term", 0)
            for account in self.mine(who):
                money += self.take(account)
            for token, quantity in self.bought(who, money).items():
                self.books.capacity[who][self.books.cash] -= quantity * self.prices[token]
                if not term:
                    self.books.capacity[who][token] += quantity
                for day in range(1, term + 1):
                    more = day <= quantity % term
                    self.placed[day][who][token] += quantity // term + more

    def take(self, account: Account) -> int:
        """Take what may be taken and has not been; gives how much."""
        cash = self.books.cash
        most = max(self.part(account) - account.invested[cash], 0)
        taken = min(most, account.held[cash])
        self.move(account, taken)
        return taken

    def redeem(self) -> Tokens:
        """The morning: placements that are due are paid; gives the cash, by participant."""
        paid, prices = counts(), self.prices
        for who, tokens in self.placed.pop(self.books.day, {}).items():
            for token, quantity in tokens.items():
                value = quantity * prices[token]
                self.books.capacity[who][self.books.cash] += value
                paid[who] += value
                if quantity:
                    self.books.note("redemption", None, who, token, quantity, value)
        return paid

    def invest(
        self, paid: Mapping[str, int], idle: Collection[str], ending: Collection[int]
    ) -> Orders:
        """The morning, behind the other orders: gives what is to be bought in the market.

        Args:
            paid: for placements that were due.
            idle: who sells, or is in default.
            ending: first loans of accounts from which nothing more is taken.
        """
        orders: Orders = {}
        cash, prices = self.books.cash, self.prices
        for who in self.names:
            if who in idle:
                continue
            money = paid.get(who, 0)
            left = self.spendable(who, money)
            for account in self.mine(who):
                if account.closing is None:
                    beyond = max(account.invested[cash] - self.part(account), 0)
                    back = min(beyond, left)
                    self.move(account, -back)
                    left, money = left - back, money - back
            if self.outside.position(who, cash) >= 0:
                for account in self.mine(who):
                    if account.closing is None and account.loan_id not in ending:
                        money += self.take(account)
            tokens = self.bought(who, self.spendable(who, money))
            term = self.rules[who].get("reinvest_term", 0)
            if not term:
                orders[who] = tokens
                continue
            for token, quantity in tokens.items():
                self.books.capacity[who][cash] -= quantity * prices[token]
                self.placed[self.books.day + term][who][token] += quantity
                if quantity:
                    value = quantity * prices[token]
                    self.books.note("placement", None, who, token, quantity, value)
        return orders

    @contextmanager
    def cash_at_hand(self) -> Iterator[None]:
        """While collateral goes back: cash outside and credit count as in the wallet."""
        cash, brought = self.books.cash, counts()
        for who in self.names:
            if who not in self.books.defaulted:
                brought[who] = min(self.taken(who), self.books.capacity[who][cash])
            self.books.wallet[who][cash] += brought[who]
            self.books.capacity[who][cash] -= brought[who]
        yield
        for who in self.names:
            back = min(brought[who], self.books.wallet[who][cash])
            self.books.wallet[who][cash] -= back
            self.books.capacity[who][cash] += back
            if brought[who] > back:
                self.books.note("mint", None, who, cash, brought[who] - back)

    def lacking(self, who: str) -> int:
        """Cash that could not go back today, or is instructed and not there."""
        books, cash, total = self.books, self.books.cash, 0
        for account in self.mine(who):
            if account.closing is not None:
                continue
            taken, here = account.invested[cash], account.held[cash]
            if not account.open_loans:
                total += taken
            elif account.terms.lag:
                orders = (r for r in books.returns if r.account is account and r.token == cash)
                total += min(max(sum(r.quantity for r in orders) - here, 0), taken)
            elif books.counted["return_fails"] and account.to_return and not here:
                beyond = counted(books, account) - books.required(account)
                total += min(max(beyond, 0), taken)
        return max(total - self.coming(who), 0)

    def ending(self, account: Account, loans: Collection[Any]) -> bool:
        """Whether these are the last loans of an account from which cash may be taken."""
        return (
            account.lender in self.names
            and self.titled[account.agreement]
            and bool(loans)
            and len(loans) == len(account.open_loans)
        )

    def coming(self, who: str) -> int:
        """Paid for placements before a trade of today settles, at today's prices."""
        until = self.books.day + self.outside.ahead
        due = (tokens[who] for day, tokens in self.placed.items() if day <= until)
        prices = self.prices
        return sum(n * prices[token] for tokens in due for token, n in tokens.items())

    def held(self, who: str) -> Tokens:
        """All that is placed."""
        total = counts()
        for tokens in self.placed.values():
            for token, quantity in tokens[who].items():
                total[token] += quantity
        return total
