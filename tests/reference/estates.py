"""What defaulters have left, shared among those whom they still owe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import floor
from typing import Any

from reference.books import Account, Books, Tokens
from reference.oracle import Oracle


def book_claim(books: Books, estate: str, creditor: str, claim: int, account: Account) -> None:
    """A close-out between two has ended, and has left a claim, or none."""
    books.settled_on[estate] = books.settled_on[creditor] = books.day
    if claim:
        books.losses[creditor] += claim
        books.residual[estate, creditor] += claim
        books.claimed_in.setdefault((estate, creditor), account)


def pay_out(
    books: Books, oracle: Oracle, rules: Mapping[str, Any], bring_in: Callable[[str], None]
) -> None:
    """Have those estates pay whose close-outs have ended long enough ago."""
    if not rules.get("recovery"):
        return
    busy = {who for a in books.accounts if a.closing for who in (a.lender, a.borrower)}
    delay = rules.get("recovery_delay", 0)
    due = {
        (estate, creditor): claim
        for (estate, creditor), claim in books.residual.items()
        if claim and estate not in busy and books.day >= books.settled_on[estate] + delay
    }
    owed: Tokens = {estate: 0 for estate, _ in due}
    for (estate, _), claim in due.items():
        owed[estate] += claim
    for estate in owed:
        bring_in(estate)
    liquidate(books, oracle, [e for e in owed if books.wallet[e][books.cash] < owed[e]])
    paid = dict(owed)
    while True:
        has = {estate: books.wallet[estate][books.cash] for estate in owed}
        for (estate, creditor), claim in due.items():
            if creditor in has:
                has[creditor] += floor(Fraction(paid[estate] * claim, owed[estate]))
        if all(paid[estate] <= has[estate] for estate in owed):
            break
        paid = {estate: min(paid[estate], has[estate]) for estate in owed}
    for estate in owed:
        hand_out(books, estate, paid[estate], {c: n for (e, c), n in due.items() if e == estate})


def liquidate(books: Books, oracle: Oracle, estates: list[str]) -> None:
    """Sell all that these have, but cash, at one price a token."""
    goods = {who: dict(books.wallet[who]) for who in estates}
    for held in goods.values():
        held.pop(books.cash, None)
        for token, quantity in held.items():
            oracle.impact.sell(token, quantity)
    books.true_prices = oracle.true_prices(books.day)
    for who, held in goods.items():
        for token, quantity in held.items():
            value = quantity * books.true_prices[token]
            books.wallet[who][token] -= quantity
            books.wallet[who][books.cash] += value
            if quantity:
                books.note("estate_sale", None, who, token, quantity, value)


def hand_out(books: Books, estate: str, amount: int, claims: Tokens) -> None:
    """Share an amount among claims: units that are left go to the largest remainders."""
    exact = {who: Fraction(amount * claim, sum(claims.values())) for who, claim in claims.items()}
    order = [books.accounts.index(books.claimed_in[estate, who]) for who in claims]
    rank = sorted(
        claims, key=lambda who: (floor(exact[who]) - exact[who], order[list(claims).index(who)])
    )
    left = amount - sum(floor(share) for share in exact.values())
    for place, who in enumerate(rank):
        share = floor(exact[who]) + (place < left)
        books.wallet[estate][books.cash] -= share
        books.wallet[who][books.cash] += share
        books.residual[estate, who] -= share
        books.losses[who] -= share
        books.recovered[who] += share
        books.counted["close_out_recovery"] += share
        books.counted["close_out_loss"] -= share
        if share:
            account = books.claimed_in[estate, who]
            books.note("recovery", account, who, books.cash, share, share)
