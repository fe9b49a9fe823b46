"""Who is funded no longer, at what haircut others are, and who keeps what it has."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from reference.books import Account, Books, Loan, Terms
from reference.oracle import Oracle
from reference.settlement import Fate

if TYPE_CHECKING:
    from reference.balance import Worth

MEMORY = 0.94


class Funding:
    """Decides by the tables of `[balance]`, at the marks of the morning."""

    def __init__(self, books: Books, oracle: Oracle, rules: Mapping[str, Mapping[str, Any]]):
        self.books, self.oracle, self.rules = books, oracle, rules
        self.marks: Mapping[str, Worth] = {}
        self.volatility = dict.fromkeys(books.tokens, 0.0)
        self._last = oracle.true_prices(0)

    def observe(self) -> None:
        """The morning, before trades: what prices have done since the last one."""
        prices = self.oracle.true_prices(self.books.day)
        memory = MEMORY if self.books.day > 1 else 0.0
        for token, price in prices.items():
            squared = math.log(price / self._last[token]) ** 2
            variance = memory * self.volatility[token] ** 2 + (1 - memory) * squared
            self.volatility[token] = math.sqrt(variance)
        self._last = prices

    @property
    def hoarders(self) -> frozenset[str]:
        of = [v for token, v in self.volatility.items() if token != self.books.cash]
        mean = sum(of) / len(of)
        limits = {who: mine.get("hoard_volatility") for who, mine in self.rules.items()}
        return frozenset(who for who, most in limits.items() if most is not None and mean > most)

    def is_withdrawn(self, account: Account) -> bool:
        """Whether the lender of an account funds its loans no longer."""
        mine = self.rules[account.lender]
        leverage = mine.get("withdraw_leverage")
        volatility = mine.get("withdraw_volatility")
        liquidity = mine.get("withdraw_liquidity")
        them, us = self.marks[account.borrower], self.marks[account.lender]
        if leverage is not None and them.is_levered_above(leverage):
            return True
        if volatility is not None and self.of_collateral(account) > volatility:
            return True
        return liquidity is not None and us.cash < Fraction(str(liquidity)) * max(us.assets, 1)

    def of_collateral(self, account: Account) -> float:
        worth = {t: n * self.books.prices[t] for t, n in account.held.items()}
        total = sum(worth.values())
        return sum(self.volatility[t] * n for t, n in worth.items()) / max(total, 1)

    def recalled(self) -> list[int]:
        """Open-ended loans that are funded no longer, by their identifiers."""
        found = [
            loan.loan_id
            for account in self.books.accounts
            if account.closing is None
            for loan in account.open_loans
            if loan.maturity is None and self.is_withdrawn(account)
        ]
        self.books.counted["withdrawals"] += len(found)
        return found

    def decide(self, due: list[tuple[Account, Loan]]) -> dict[int, Fate]:
        """What becomes of loans that are due."""
        return {loan.loan_id: self._decide(account, loan) for account, loan in due}

    def _decide(self, account: Account, loan: Loan) -> Fate:
        if loan.at_maturity == "settle":
            return Fate("settle")
        replaced = loan.at_maturity == "replace"
        hoards = account.lender in self.hoarders
        if not hoards and not self.is_withdrawn(account):
            return Fate(loan.at_maturity, account.own if replaced else None)
        raises = "raised_haircut" in self.rules[account.lender]
        if raises and replaced and not hoards and account.open_loans == [loan]:
            return Fate("replace", self._raised(account))
        self.books.counted["withdrawals"] += 1
        return Fate("settle")

    def _raised(self, account: Account) -> Terms:
        """The terms of an agreement at the haircut of a lender, if that is higher."""
        haircut = self.rules[account.lender]["raised_haircut"]
        raised = account.own.at_haircut(Fraction(str(haircut)))
        return raised if raised.ratio > account.own.ratio else account.own
