"""Collateral that borrowers take back against other tokens of theirs; compiled.

`prices`, `costs` and quantities are of shape (tokens,), in money units and counts; `a` is the row
of a margin account. What is exchanged is positive where it comes, negative where it goes back.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.books import Books
from abm.books.compiled import compiled, inlined
from abm.books.ledger import account_row
from abm.rules.schedules import admitted, count, counts_for, has_schedule, is_eligible, take_room

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

ALLOWED, NOT_MOVED, NOT_THERE, NOT_HELD, BEYOND_LIMIT, TOO_LITTLE = range(6)
"""What stands against an exchange."""


class Offers(NamedTuple):
    """What can be exchanged, one row an account."""

    account: Ints
    """Rows, in the order in which they are served."""
    wallet: Ints
    """Tokens that each participant has, shape (participants, tokens); used up."""
    held: Ints
    """What can be taken back, as `write_exchangeable` finds it, shape (rows, tokens)."""
    counts: Ints
    """What a token counts for, likewise."""


@compiled
def write_exchangeable(
    books: Books, prices: Ints, accounts: Ints, held: Ints, counts: Ints
) -> None:
    """Find what can be exchanged in some accounts.

    Args:
        books: the market.
        prices: published ones.
        accounts: rows, shape (rows,).
        held: zeros, shape (rows, tokens); gets what can be taken back: tokens that are there and
            not instructed to go back.
        counts: zeros, likewise; gets what a token counts for, where it can come or go back.
    """
    for i in range(len(accounts)):
        a = accounts[i]
        t = books.accounts[a].agreement
        for j in range(books.terms[t].eligible):
            token = books.priority[t, j]
            if has_schedule(books, a) and not is_eligible(books, prices, a, token):
                continue
            counts[i, token] = counts_for(books, prices, a, token)
            there = books.ledger.balance[account_row(books.ledger, a), token]
            for slot in range(len(books.returning)):
                there -= books.returning[slot, a, token]
            held[i, token] = max(there, 0)


@inlined
def sort_by_cost(books: Books, a: int, costs: Floats, counts: Ints, order: Ints) -> int:
    """Put the tokens that can be exchanged in order, the cheapest for what it counts for first.

    Those of the same cost are in the order of the priority. Gives how many they are.
    """
    t, number = books.accounts[a].agreement, 0
    for j in range(books.terms[t].eligible):
        token = books.priority[t, j]
        if counts[token] == 0:
            continue
        at = number
        while at and costs[token] / counts[token] < costs[order[at - 1]] / counts[order[at - 1]]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = token
        number += 1
    return number


@inlined
def admits(books: Books, prices: Ints, a: int, token: int) -> int:
    """How many more of a token count in an account, by what has been counted in it before."""
    if not has_schedule(books, a):
        return np.int64(2**62)  # type: ignore[return-value]
    return admitted(books, prices, a, token, books.schedules.number, books.schedules.used)


@inlined
def enter(books: Books, a: int, token: int, quantity: int, one: int) -> None:
    """Tokens come that count."""
    if has_schedule(books, a):
        books.schedules.number[token] += quantity
        take_room(books, a, token, quantity * one, books.schedules.used)


@compiled
def plan_substitutions(
    books: Books,
    prices: Ints,
    costs: Floats,
    least: float,
    offers: Offers,
    order: Ints,
    chosen: Ints,
) -> None:
    """Exchange the dearest tokens of each account for the cheapest of its borrower's wallet.

    Args:
        books: the market.
        prices: published ones.
        costs: of having one token posted, for a year.
        least: what an exchange has to save for a year, as a part of what goes back counts for.
        offers: what can be exchanged.
        order: room to work in, shape (tokens,).
        chosen: zeros, shape (rows, tokens); gets what is exchanged.
    """
    for i in range(len(offers.account)):
        a, counts = offers.account[i], offers.counts[i]
        own = offers.wallet[books.accounts[a].borrower]
        number = sort_by_cost(books, a, costs, counts, order)
        if has_schedule(books, a):
            count(books, prices, a, True, books.schedules.number, books.schedules.used)
        for last in range(number):
            back = order[number - 1 - last]
            for j in range(number):
                come = order[j]
                if come == back or chosen[i, back] > 0:
                    break
                if chosen[i, come] >= 0:
                    most = min(own[come], admits(books, prices, a, come))
                    held = offers.held[i, back]
                    comes = exchange(costs, least, counts, held, most, back, come, chosen[i])
                    own[come] -= comes
                    enter(books, a, come, comes, counts[come])


@inlined
def exchange(
    costs: Floats,
    least: float,
    counts: Ints,
    held: int,
    most: int,
    back: int,
    come: int,
    chosen: Ints,
) -> int:
    """Exchange what is held of one token for what there is of another; gives how many come."""
    goes = min(held + chosen[back], most * counts[come] // counts[back])
    comes = (goes * counts[back] + counts[come] - 1) // counts[come]
    saved = goes * costs[back] - comes * costs[come]
    if goes <= 0 or saved <= 0 or saved < least * (goes * counts[back]):
        return 0
    chosen[back] -= goes
    chosen[come] += comes
    return comes


@compiled
def first_refused(books: Books, prices: Ints, offers: Offers, chosen: Ints) -> tuple[int, int, int]:
    """The first row and token of an exchange that cannot be, and why; see `plan_substitutions`."""
    for i in range(len(offers.account)):
        a, counts, worth = offers.account[i], offers.counts[i], 0
        own = offers.wallet[books.accounts[a].borrower]
        if has_schedule(books, a):
            count(books, prices, a, True, books.schedules.number, books.schedules.used)
        for token in range(len(prices)):
            quantity = chosen[i, token]
            if quantity == 0:
                continue
            if counts[token] == 0:
                return i, token, NOT_MOVED
            if -quantity > offers.held[i, token]:
                return i, token, NOT_THERE
            if quantity > own[token]:
                return i, token, NOT_HELD
            worth += quantity * counts[token]
            if quantity > 0:
                if quantity > admits(books, prices, a, token):
                    return i, token, BEYOND_LIMIT
                own[token] -= quantity
                enter(books, a, token, quantity, counts[token])
        if worth < 0:
            return i, -1, TOO_LITTLE
    return -1, -1, ALLOWED
