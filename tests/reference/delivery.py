"""Deliveries on calls: what is there, what is shared, and what is minted."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product

from reference.books import UNLIMITED, Account, Books, Instruction, counts
from reference.reuse import Reusable, come_in
from reference.schedules import Standing, is_eligible, is_limited, one_of


def whole(value: int, price: int, rounding: str) -> int:
    """How many tokens a value comes to."""
    return -(-value // price) if rounding == "up" else value // price


Asked = dict[tuple[str, str], int]


def under_way(books: Books) -> Asked:
    """Tokens that were asked for before and have not arrived."""
    asked: Asked = defaultdict(int)
    for minting in books.mintings:
        asked[minting.who, minting.token] += minting.quantity
    return asked


@dataclass
class Plan:
    """What a delivery takes, by source and token."""

    wallet: dict[str, int] = field(default_factory=counts)
    reuse: dict[str, int] = field(default_factory=counts)
    mint: dict[str, int] = field(default_factory=counts)
    missing: int = 0
    """Value that does not come today."""
    met: bool = True
    expected: dict[str, int] | None = None
    """What is minted that was asked for before, where that is shared."""


def plan_shares(
    books: Books, wanting: list[tuple[Account, int]], reusable: Reusable, asked: Asked
) -> dict[int, Plan]:
    """What calls get whose borrowers can run short, by the loan of the account."""
    plans: dict[int, Plan] = {}
    for who in {account.borrower for account, _ in wanting}:
        calls = [(account, missing) for account, missing in wanting if account.borrower == who]
        if all(is_endless(books, account) for account, _ in calls):
            continue
        for (account, _), plan in zip(calls, share(books, calls, reusable, asked), strict=True):
            plans[account.loan_id] = plan
    return plans


def is_endless(books: Books, account: Account) -> bool:
    """Whether a call can always be met, by minting on the day."""
    able = [
        books.can_mint(account.borrower, token)
        for token in account.terms.priority
        if is_eligible(books, account, token) and not is_limited(account, token)
    ]
    return not books.minting_days and max(able, default=0) >= UNLIMITED


def share(
    books: Books, calls: list[tuple[Account, int]], reusable: Reusable, asked: Asked
) -> list[Plan]:
    """Serve the calls on a borrower together."""
    who = calls[0][0].borrower
    stock = {
        "wallet": dict(books.wallet[who]),
        "reuse": {token: reusable.of(who, token) for token in books.tokens},
        "mint": {t: books.can_mint(who, t) + asked[who, t] for t in books.tokens},
    }
    plans = [Plan() for _ in calls]
    left = [missing for _, missing in calls]
    ended: list[tuple[str, str] | None] = [None for _ in calls]
    last = max(len(account.terms.priority) for account, _ in calls)
    limits = [Limits(books, account) for account, _ in calls]
    seeking = True
    while seeking:
        for source, position, token in product(stock, range(last), books.tokens):
            there, price = stock[source].get(token, 0), books.prices[token]
            wishes: dict[int, int] = {}
            worth: dict[int, int] = {}
            for number, (account, _) in enumerate(calls):
                order = account.terms.priority
                here = position < len(order) and order[position] == token
                most, one = limits[number].admits(token), one_of(books, account.terms, token)
                if here and there and left[number] > 0 and not ended[number] and most != 0:
                    wish = whole(left[number], one, account.terms.delivery_rounding)
                    wishes[number] = wish if most is None else min(wish, most)
                    market = max(left[number] * price // one, 1)
                    worth[number] = min(market, wishes[number] * price)
                    if wish == 0:
                        ended[number] = source, token
            parts = wishes
            if sum(wishes.values()) > there:
                parts = shared_out(books, calls, worth, there, price)
            for number, part in parts.items():
                getattr(plans[number], source)[token] += part
                left[number] -= part * one_of(books, calls[number][0].terms, token)
                limits[number].add(token, part)
                if sum(wishes.values()) < there and limits[number].admits(token) != 0:
                    ended[number] = source, token
            if parts:
                stock[source][token] = there - sum(parts.values())
        seeking = False
        for number, at in enumerate(ended):
            if at and left[number] > 0 and stock[at[0]].get(at[1], 0) == 0:
                ended[number], seeking = None, True
    for token in books.tokens if books.minting_days else ():
        minted = {number: plan.mint[token] for number, plan in enumerate(plans)}
        if sum(minted.values()) > asked[who, token]:
            minted = shared_out(books, calls, minted, asked[who, token], 1)
        for number, part in minted.items():
            plans[number].expected = plans[number].expected or counts()
            plans[number].expected[token] = part
    for (account, _), plan, limit, rest in zip(calls, plans, limits, left, strict=True):
        plan.missing = rest + (promised(books, account, plan) if books.minting_days else 0)
        every = ((s, token) for s in stock for token in account.terms.priority)
        every = ((s, token) for s, token in every if limit.admits(token) != 0)
        leftover = next((token for s, token in every if stock[s].get(token, 0)), None)
        plan.met = is_met(books, account, plan.missing, leftover)
    return plans


def shared_out(
    books: Books,
    calls: list[tuple[Account, int]],
    worth: dict[int, int],
    there: int,
    price: int,
) -> dict[int, int]:
    """Largest remainders of so many tokens, in proportion to the value that each call asks for."""
    total = sum(worth.values())
    enough = min(Fraction(there * price, total), Fraction(1)) if total else Fraction(0)
    exact = {number: value * enough / price for number, value in worth.items()}
    parts = {number: math.floor(part) for number, part in exact.items()}

    def comes_first(number: int) -> tuple[Fraction, int, int, int, int]:
        account, _ = calls[number]
        since = account.unmet_since
        days = books.day - since if since is not None else 0
        rest = exact[number] - parts[number]
        return -rest, -worth[number], -books.exposure(account), -days, number

    for number in sorted(exact, key=comes_first)[: there - sum(parts.values())]:
        parts[number] += worth[number] > 0
    return parts


def is_met(books: Books, account: Account, missing: int, leftover: str | None) -> bool:
    """Whether all has come but what rounding down leaves open."""
    if missing <= 0:
        return True
    down = account.terms.delivery_rounding == "down"
    return down and leftover is not None and missing < one_of(books, account.terms, leftover)


class Limits:
    """What an account still admits while a delivery is planned; anything without a schedule."""

    def __init__(self, books: Books, account: Account):
        self.standing = Standing(books, account) if account.terms.schedule else None

    def admits(self, token: str) -> int | None:
        return self.standing.admits(token) if self.standing else None

    def add(self, token: str, quantity: int) -> None:
        if self.standing and quantity:
            self.standing.add(token, quantity)


def promised(books: Books, account: Account, plan: Plan) -> int:
    """What counts of what is minted and comes later."""
    return sum(one_of(books, account.terms, token) * n for token, n in plan.mint.items())


def plan_delivery(
    books: Books, account: Account, shortfall: int, reusable: Reusable, asked: Asked
) -> Plan:
    who, terms, plan = account.borrower, account.terms, Plan()

    def there(source: str, token: str) -> int:
        if source == "wallet":
            return books.wallet[who][token] - plan.wallet[token]
        if source == "reuse":
            return reusable.of(who, token) - plan.reuse[token]
        return books.can_mint(who, token) + asked[who, token] - plan.mint[token]

    limits = Limits(books, account)

    def to_be_had(source: str, token: str) -> int:
        most = limits.admits(token)
        return there(source, token) if most is None else min(most, there(source, token))

    sources = [(s, token) for s in ("wallet", "reuse", "mint") for token in terms.priority]
    left = shortfall
    for source, token in sources:
        if left <= 0:
            break
        if to_be_had(source, token):
            wanted = whole(left, one_of(books, terms, token), terms.delivery_rounding)
            quantity = min(wanted, to_be_had(source, token))
            getattr(plan, source)[token] += quantity
            limits.add(token, quantity)
            left -= quantity * one_of(books, terms, token)
            if to_be_had(source, token):
                break
    plan.missing = left
    if books.minting_days:
        plan.missing += promised(books, account, plan)
        for token, quantity in plan.mint.items():
            limits.add(token, -quantity)
    leftover = next((token for source, token in sources if to_be_had(source, token)), None)
    plan.met = is_met(books, account, plan.missing, leftover)
    return plan


def deliver(
    books: Books, account: Account, plan: Plan, reusable: Reusable, asked: Asked, lag: int
) -> None:
    """Carry out a plan: what is there moves, what has to be minted may take days."""
    who, delivered, issued = account.borrower, counts(), 0
    for token, quantity in plan.mint.items():
        expected = min(quantity, asked[who, token]) if books.minting_days else 0
        if plan.expected is not None:
            expected = plan.expected[token]
        asked[who, token] -= expected
        books.mint(account, who, token, quantity - expected)
        issued += (quantity - expected) * books.prices[token]
        if not books.minting_days:
            books.wallet[who][token] -= quantity
            delivered[token] += quantity
    for token, quantity in plan.wallet.items():
        books.wallet[who][token] -= quantity
        delivered[token] += quantity
    for token, quantity in plan.reuse.items():
        reusable.take(who, token, quantity)
        delivered[token] += quantity
        if quantity:
            books.note("reuse", account, who, token, quantity)
            books.counted["reused_value"] += quantity * books.prices[token]
    value = books.worth(delivered)
    for token, quantity in delivered.items():
        if not quantity:
            continue
        books.counted["transfers"] += 1
        books.note("delivery", account, who, token, quantity)
        if lag:
            books.deliveries.append(Instruction(books.day + lag, account, token, quantity))
        else:
            come_in(books, account, token, quantity)
    books.counted["deliveries"] += value > 0
    books.counted["delivered_value"] += value
    books.counted["borrower_issuances"] += issued > 0
    books.counted["borrower_issued_value"] += issued
