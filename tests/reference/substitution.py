"""Collateral that borrowers take back against cheaper tokens of theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reference.books import Account, Books, Instruction
from reference.reuse import come_in, give_back
from reference.schedules import Standing, is_eligible, one_of


def substitute(books: Books, assets: Mapping[str, Any], least: float | None) -> None:
    """After the deliveries of the day, account by account."""
    if least is None:
        return
    fees = {t: of.get("lending_fee", 0.0) for of in assets.values() for t in of["tokens"]}
    costs = {token: books.prices[token] * fees.get(token, 0.0) for token in books.tokens}
    wallets = {who: dict(wallet) for who, wallet in books.wallet.items()}
    agreed = []
    for account in books.accounts:
        if account.closing or not account.open_loans or account.missing or account.issued:
            continue
        agreed.append((account, exchange(books, account, costs, least, wallets)))
    for account, (comes, goes) in agreed:
        carry_out(books, account, comes, goes)


Exchange = tuple[dict[str, int], dict[str, int]]


def exchange(
    books: Books,
    account: Account,
    costs: Mapping[str, float],
    least: float,
    wallets: Mapping[str, dict[str, int]],
) -> Exchange:
    """What comes and what goes back."""
    terms, wallet = account.terms, wallets[account.borrower]
    moved = [token for token in terms.priority if is_eligible(books, account, token)]
    one = {token: one_of(books, terms, token) for token in moved}
    standing = Standing(books, account) if terms.schedule else None
    free = {token: account.held[token] for token in moved}
    for order in books.returns:
        if order.account is account and order.token in free:
            free[order.token] -= order.quantity
    cheapest = sorted(moved, key=lambda token: costs[token] / one[token])
    comes: dict[str, int] = {}
    goes: dict[str, int] = {}
    for back in reversed(cheapest):
        for token in cheapest:
            if token == back or token in goes or back in comes:
                continue
            there = wallet.get(token, 0)
            most = standing.admits(token) if standing else None
            there = there if most is None else min(there, most)
            number = min(free[back], there * one[token] // one[back])
            needed = -(-number * one[back] // one[token])
            saved = number * costs[back] - needed * costs[token]
            if number > 0 and saved > 0 and saved >= least * (number * one[back]):
                goes[back] = goes.get(back, 0) + number
                comes[token] = comes.get(token, 0) + needed
                free[back] -= number
                wallet[token] -= needed
                if standing:
                    standing.add(token, needed)
    return comes, goes


def carry_out(
    books: Books, account: Account, comes: Mapping[str, int], goes: Mapping[str, int]
) -> None:
    due, who = books.day + account.terms.lag, account.borrower
    for token, number in comes.items():
        books.wallet[who][token] -= number
        books.counted["transfers"] += 1
        books.note("substitution", account, who, token, number)
        if account.terms.lag:
            instruct(books.deliveries, due, account, token, number)
        else:
            come_in(books, account, token, number)
    for token, number in goes.items():
        books.counted["transfers"] += 1
        books.note("substitution", account, who, token, -number)
        if account.terms.lag:
            instruct(books.returns, due, account, token, number)
        else:
            give_back(books, account, token, number)


def instruct(
    orders: list[Instruction], due: int, account: Account, token: str, number: int
) -> None:
    """Instruct a movement, together with what was instructed of the same on the day."""
    for order in orders:
        if order.due == due and order.account is account and order.token == token:
            order.quantity += number
            return
    orders.append(Instruction(due, account, token, number))
