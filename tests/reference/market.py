"""A market in plain Python, written from `docs/rules.md` and not from `abm`.

Dicts of Python integers and exact fractions; one loan, one token at a time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from fractions import Fraction
from typing import Any

from reference.balance import Sheets
from reference.books import UNLIMITED, Account, Books, Loan, Terms, Tokens, counts
from reference.close_out import close_out
from reference.exposure import in_close_outs, in_the_morning, to_whom
from reference.margining import deliver_all, margin_run
from reference.oracle import Oracle
from reference.reuse import longest_chain
from reference.schedules import Schedule, counted
from reference.settlement import (
    arrive,
    begin_loans,
    collateral_of,
    recall,
    release_ended,
    settle,
)
from reference.substitution import substitute


class ReferenceMarket:
    """Runs a scenario table whose `loans` are given one by one, by what they lend."""

    def __init__(self, table: Mapping[str, Any], prices: Sequence[Mapping[str, int]]):
        """Open the loans of a table on day 0.

        Args:
            table: the scenario, as a TOML file would hold it.
            prices: of each day, in smallest money units, without cash.
        """
        cash = table["money"]["currency"]
        people = table.get("participants", {})
        self.table, self.last_day = table, len(prices) - 1
        self.books = Books((*prices[0], cash), cash, people.get("minting_days", 0))
        rules = table.get("close_out", {})
        assets = table.get("assets", {})
        self.books.start = table["window"]["start"]
        self.assets = assets
        self.oracle = Oracle(table.get("oracle", {}), rules.get("impact"), prices, cash, assets)
        self.equity: dict[str, int] = {}
        for given in people.get("given", ()):
            self._introduce(given)
        self.oracle.publish(self.books)
        for given in sorted(table["loans"], key=lambda loan: loan["loan_id"]):
            self._agree_on(given)
        used = self._used(prices)
        begin_loans(self.books, nothing)
        roles = {given["name"]: given["role"] for given in people.get("given", ())}
        kept = (table, roles, self.equity, used) if table.get("balance") else None
        self.sheets = Sheets(self.books, self.oracle, *kept) if kept else None

    def _introduce(self, given: Mapping[str, Any]) -> None:
        books, name = self.books, given["name"]
        books.wallet[name].update(given.get("wallet", {}))
        if "equity" in given:
            self.equity[name] = given["equity"]
        if "issuance_capacity" in given:
            # Cash comes from outside the market and is limited only if it is named.
            none = {**dict.fromkeys(books.tokens, 0), books.cash: UNLIMITED}
            books.capacity[name] = {**none, **given["issuance_capacity"]}

    def _agree_on(self, given: Mapping[str, Any]) -> None:
        """Enter a loan, which opens on the day on which it begins."""
        books, name = self.books, given.get("agreement")
        rules = self.table["agreements"][name] if name else self.table.get("agreement", {})
        schedule = rules.get("schedule")
        if schedule is not None:
            schedule = Schedule(self.table["schedules"][schedule], self.assets, books.tokens)
        terms = Terms(rules, books.tokens, books.cash, schedule)
        start = given.get("start", 0)
        term = given.get("maturity", self.last_day + 1 - start)
        due = None if given.get("open_ended") else start + term
        how = given.get("at_maturity", "settle")
        loan = Loan(given["loan_id"], dict(given["lent"]), how, term, due, start)
        loan.collateral, loan.composition = given.get("collateral"), given.get("composition")
        parties = (name, given["lender"], given["borrower"])
        for account in books.accounts:
            same = (account.agreement, account.lender, account.borrower) == parties
            if same and terms.aggregated:
                break
        else:
            account = Account(loan.loan_id, given["lender"], given["borrower"], name, terms, terms)
            books.accounts.append(account)
        account.loans.append(loan)

    def _used(self, prices: Sequence[Mapping[str, int]]) -> dict[str, Tokens]:
        """What everybody lends and posts for all its loans, by the terms of day 0."""
        books, published = self.books, self.books.prices
        used: dict[str, Tokens] = defaultdict(counts)
        for account in books.accounts:
            for loan in account.loans:
                books.prices = {**prices[loan.opened], books.cash: 1}
                posted = collateral_of(books, account, loan)
                for who, tokens in ((account.lender, loan.lent), (account.borrower, posted)):
                    for token, quantity in tokens.items():
                        used[who][token] += quantity
        books.prices = published
        return used

    @property
    def day(self) -> int:
        return self.books.day

    @property
    def accounts(self) -> list[Account]:
        return self.books.accounts

    def step(self) -> None:
        """One day, as the page tells it."""
        self._next_day()
        self.morning = in_the_morning(self.books)
        self.to_whom = to_whom(self.books)
        arrive(self.books)
        begin_loans(self.books, self.sheets.take if self.sheets else nothing)
        if self.sheets:
            self.sheets.shorts.sell_begun()
            self.sheets.settle()
        else:
            settle(self.books)
        recalls = self.table.get("recalls", {})
        chosen = [loan for day, loan in recalls.get("scheduled", ()) if day == self.day]
        if self.sheets:
            chosen += self.sheets.funding.recalled()
        recall(self.books, chosen, recalls.get("notice", 3))
        if self.sheets:
            self.sheets.margin_run()
        else:
            deliver_all(self.books, margin_run(self.books), frozenset())
        least = self.table.get("participants", {}).get("substitution")
        substitute(self.books, self.assets, least)
        if self.sheets:
            self.sheets.meet_calls()
            self.sheets.end()
        scheduled = self.table.get("defaults", {}).get("scheduled", ())
        today = [default["participant"] for default in scheduled if default["day"] == self.day]
        rules = self.table.get("close_out", {})
        bring_in = self.sheets.bring_in if self.sheets else nothing
        close_out(self.books, self.oracle, rules, today, self._ruined, bring_in)
        if self.sheets:
            self.sheets.after_close_outs()

    def _ruined(self) -> dict[str, str]:
        """Whose equity is gone, and why."""
        if self.sheets:
            return self.sheets.ruined()
        lost = self.books.losses
        gone = (who for who in self.equity if lost[who] and lost[who] >= self.equity[who])
        return dict.fromkeys((who for who in gone if who not in self.books.defaulted), "contagion")

    def conclude(self) -> None:
        """The morning after the last day."""
        self.books.day += 1
        if self.sheets:
            self.sheets.note_marks()
            self.sheets.begin()
        arrive(self.books)
        if self.sheets:
            self.sheets.settle()
        else:
            settle(self.books)
        before = None
        while before != (before := [account.claims for account in self.accounts]):
            with self.sheets.reinvestment.cash_at_hand() if self.sheets else nullcontext():
                release_ended(self.books)

    def _next_day(self) -> None:
        self.books.day += 1
        self.books.counted, self.books.events = Counter(), Counter()
        self.oracle.impact.next_day()
        if self.sheets:
            self.sheets.morning()
        self.oracle.publish(self.books)
        if self.sheets:
            self.sheets.mark()

    def statistics(self) -> dict[str, int]:
        """What is counted on the day."""
        return {**self.books.counted, "reuse_chain": longest_chain(self.books)}

    def moments(self) -> dict[str, Fraction]:
        """What lenders stood to lose in the morning, and stand to lose in close-outs."""
        after = self.uncollateralised_after()
        return {**self.morning, **in_close_outs(self.books), "uncollateralised_after": after}

    def uncollateralised_after(self) -> Fraction:
        """Before what the lenders issued, as the gap is."""
        books, total = self.books, Fraction(0)
        for account in self.accounts:
            if account.closing:
                continue
            if account.open_loans:
                value = books.worth(account.claims)
                value += account.issued_today * books.prices[account.first]
                total += max(books.exposure(account) - value, 0)
        return total + in_close_outs(books)["uncollateralised_close_out"]

    def wrong_way(self) -> Fraction | None:
        """Part of the morning's exposure to who is in default or has left a call unmet."""
        failing = self.books.defaulted | {
            account.borrower
            for account in self.accounts
            if account.open_loans and not account.closing and account.unmet_since is not None
        }
        total = sum(self.to_whom.values())
        theirs = sum(self.to_whom[who] for who in failing)
        return Fraction(theirs, total) if total else None

    def gap(self, account: Account) -> Fraction:
        """The paper's gap, `(1-α)·C - L`: after the day's moves, before what the lender issued."""
        books = self.books
        if account.closing or not account.open_loans:
            return Fraction(0)
        value = counted(books, account, in_transit=False)
        value += account.issued_today * books.prices[account.first]
        return value / account.terms.ratio - books.exposure(account)


def nothing(*_: Any) -> None:
    """Where no balance sheets are kept."""
