"""What collateral counts for, as `docs/rules.md` has it under Schedules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reference.books import Account, Books, Terms

KINDS = ("asset", "issuer", "asset_class")


class Schedule:
    """A schedule of a scenario table, over its classes of assets."""

    def __init__(self, given: Mapping[str, Any], assets: Mapping[str, Any], tokens: Iterable[str]):
        self.given = given
        self.of: dict[str, dict[str, Any]] = {}
        """By token what it is, by kind, and what its class says."""
        for token in tokens:
            kind = next((name for name in assets if token in assets[name]["tokens"]), None)
            table = assets[kind] if kind else {}
            issuer = table.get("issuer", {}).get(token, token)
            self.of[token] = {**table, "asset": token, "issuer": issuer, "asset_class": kind}

    def deciding(self, token: str, day: date) -> Mapping[str, Any] | None:
        """The criterion that decides on a token."""
        fits = []
        for entry in self.given["criteria"]:
            named = [kind for kind in KINDS if kind in entry]
            since = entry.get("since", date.min)
            if all(self.of[token][kind] == entry[kind] for kind in named) and since <= day:
                rank = 3 - KINDS.index(named[0]) if named else 0
                fits.append((rank, since, entry))
        return max(fits, key=lambda fit: fit[:2])[2] if fits else None

    def haircut(self, token: str, day: date) -> Fraction | None:
        """The one of its own that a token has."""
        entry = self.deciding(token, day) or {}
        haircut = entry.get("haircut_percentage", self.of[token].get("haircut"))
        return None if haircut is None else Fraction(str(haircut))

    def limits(self) -> Iterable[tuple[frozenset[str], Fraction]]:
        """Tokens that count for a part of what is required together."""
        for limit in self.given.get("concentration_limits", ()):
            share = Fraction(str(limit.get("percentage_limit", 1)))
            for members in self.groups(limit):
                if share < 1:
                    yield frozenset(members), share

    def groups(self, limit: Mapping[str, Any]) -> Iterable[list[str]]:
        named = [kind for kind in KINDS if kind in limit]
        for kind in named:
            yield [token for token, of in self.of.items() if of[kind] == limit[kind]]
        if kind := limit.get("concentration_limit_type"):
            for name in {of[kind] for of in self.of.values()}:
                if name is not None:
                    yield [token for token, of in self.of.items() if of[kind] == name]

    def most(self, token: str) -> int | None:
        """Largest number of a token."""
        found = []
        for limit in self.given.get("concentration_limits", ()):
            part = limit.get("average_trading_volume")
            for members in self.groups(limit) if part is not None else ():
                if token in members and "daily_volume" in self.of[token]:
                    found.append(int(Fraction(str(part)) * self.of[token]["daily_volume"]))
        return min(found, default=None)


def one_of(books: Books, terms: Terms, token: str) -> int:
    """What a token counts for."""
    price = books.prices[token]
    haircut = terms.schedule.haircut(token, books.date) if terms.schedule else None
    return price if haircut is None else int(price * (1 - haircut) * terms.ratio)


def is_eligible(books: Books, account: Account, token: str) -> bool:
    schedule = account.terms.schedule
    if schedule is None:
        return True
    entry = schedule.deciding(token, books.date)
    own = schedule.given.get("exclude_own_issues", True)
    if entry is None or not entry.get("is_included", True):
        return False
    if own and schedule.of[token]["issuer"] == account.borrower:
        return False
    return one_of(books, account.terms, token) > 0


def is_limited(account: Account, token: str) -> bool:
    schedule = account.terms.schedule
    if schedule is None:
        return False
    within = any(token in members for members, _ in schedule.limits())
    return within or schedule.most(token) is not None


class Standing:
    """What an account has, and what of it counts."""

    def __init__(self, books: Books, account: Account, in_transit: bool = True):
        self.books, self.account = books, account
        self.there = dict.fromkeys(books.tokens, 0) | account.claims
        if in_transit:
            for order in books.deliveries:
                self.there[order.token] += order.quantity * (order.account is account)
            for order in books.returns:
                self.there[order.token] -= order.quantity * (order.account is account)
        self.schedule = account.terms.schedule
        assert self.schedule is not None
        self.limits = list(self.schedule.limits())
        self.counts: dict[str, int] = {}
        moved = account.terms.priority
        for token in (*moved, *(token for token in books.tokens if token not in moved)):
            if is_eligible(books, account, token):
                most = self.schedule.most(token)
                number = self.there[token] if most is None else min(self.there[token], most)
                worth = one_of(books, account.terms, token) * number
                self.counts[token] = min([worth, *self.left(token)])

    def left(self, token: str) -> list[int]:
        """Value that each limit on a token leaves."""
        required = self.books.required(self.account)
        return [
            int(share * required) - sum(self.counts.get(member, 0) for member in members)
            for members, share in self.limits
            if token in members
        ]

    def admits(self, token: str) -> int | None:
        """How many more of a token count; None for any number."""
        if not is_eligible(self.books, self.account, token):
            return 0
        most = self.schedule.most(token) if self.schedule else None
        one = one_of(self.books, self.account.terms, token)
        found = [room // one for room in self.left(token)]
        found += [] if most is None else [most - self.there[token]]
        return max(min(found), 0) if found else None

    def add(self, token: str, quantity: int) -> None:
        self.there[token] += quantity
        one = one_of(self.books, self.account.terms, token)
        self.counts[token] = self.counts.get(token, 0) + quantity * one

    @property
    def within(self) -> int:
        """`K`."""
        return sum(self.counts.values())

    @property
    def everything(self) -> int:
        terms = self.account.terms
        return sum(one_of(self.books, terms, token) * n for token, n in self.there.items())

    @property
    def value(self) -> int:
        """What takes the place of `C`."""
        enough = self.within >= self.books.required(self.account)
        return self.everything if enough else self.within

    def beyond(self, token: str) -> int:
        """Whole tokens beyond the limits."""
        one = one_of(self.books, self.account.terms, token)
        return (one * self.there[token] - self.counts[token]) // one


def counted(books: Books, account: Account, in_transit: bool = True) -> int:
    """What is compared with the requirement."""
    if account.terms.schedule is None:
        value = books.worth(account.claims)
        return value + books.in_transit(account) if in_transit else value
    return Standing(books, account, in_transit).value
