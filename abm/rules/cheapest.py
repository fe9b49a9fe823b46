"""The cheapest tokens to deliver on all calls of a participant; compiled.

`prices`, `costs` and quantities are of shape (tokens,), in money units and counts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.books import Books
from abm.books.compiled import compiled, inlined
from abm.books.ledger import UNLIMITED
from abm.books.terms import fraction_of
from abm.rules.schedules import count, counts_for, has_schedule, is_eligible

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Asked(NamedTuple):
    """What calls ask for, and what they take; one row a call."""

    borrower: Ints
    """Who is called, as a row of the stock, shape (calls,)."""
    missing: Ints
    """What each lacks, in money units."""
    counts: Ints
    """What a token counts for; 0 where the call does not take it. Shape (calls, tokens)."""
    most: Ints
    """Tokens that the call can still take, by volume; `UNLIMITED` for any number. Likewise."""
    room: Ints
    """Value that each limit leaves, shape (calls, limits); `UNLIMITED` where it is another's."""
    members: Bools
    """Which tokens a limit holds for together, shape (limits, tokens)."""

    def copy(self) -> Asked:
        """The same, for using up."""
        used = (self.missing.copy(), self.most.copy(), self.room.copy())
        return self._replace(missing=used[0], most=used[1], room=used[2])


@compiled
def write_asked(books: Books, prices: Ints, accounts: Ints, asked: Asked) -> None:
    """Find what the calls on some accounts take: `counts`, `most` and `room` of `asked`.

    Of these the first is handed in as zeros, the others as `UNLIMITED`.
    """
    schedules = books.schedules
    for i in range(len(accounts)):
        a = accounts[i]
        t, limited = books.accounts[a].agreement, has_schedule(books, a)
        if limited:
            count(books, prices, a, True, schedules.number, schedules.used)
            s = schedules.of[t]
            for limit in range(schedules.first[s], schedules.first[s + 1]):
                share = schedules.share[limit]
                room, _ = fraction_of(books.accounts[a].required, share[0], share[1])
                asked.room[i, limit] = max(room - schedules.used[limit], 0)
        for j in range(books.terms[t].eligible):
            token = books.priority[t, j]
            if limited:
                if not is_eligible(books, prices, a, token):
                    continue
                most = schedules.most[schedules.of[t], token]
                if most < UNLIMITED:
                    asked.most[i, token] = max(most - schedules.number[token], 0)
            asked.counts[i, token] = counts_for(books, prices, a, token)


@inlined
def available(asked: Asked, left: Ints, call: int, token: int) -> int:
    """How many of a token can still be delivered on a call."""
    one = asked.counts[call, token]
    if one == 0:
        return 0
    number = min(left[asked.borrower[call], token], asked.most[call, token])
    for limit in range(len(asked.members)):
        if asked.members[limit, token]:
            number = min(number, asked.room[call, limit] // one)
    return number


@inlined
def take(asked: Asked, left: Ints, call: int, token: int, number: int) -> None:
    """Deliver so many of a token on a call."""
    worth = number * asked.counts[call, token]
    asked.missing[call] -= worth
    left[asked.borrower[call], token] -= number
    if asked.most[call, token] < UNLIMITED:
        asked.most[call, token] -= number
    for limit in range(len(asked.members)):
        if asked.members[limit, token] and asked.room[call, limit] < UNLIMITED:
            asked.room[call, limit] -= worth


@inlined
def last_piece(costs: Floats, asked: Asked, left: Ints, call: int, order: Ints) -> int:
    """The token that brings all that is missing of a call at the least cost; -1 if none can.

    Less than a token of the cheapest is missing, or none of it is left: one of another may be
    nearer to what is missing.
    """
    best, least = -1, 0.0
    for token in order:
        one = asked.counts[call, token]
        if one == 0:
            break
        number = (asked.missing[call] + one - 1) // one
        cost = number * costs[token]
        if number <= available(asked, left, call, token) and (best < 0 or cost < least):
            best, least = token, cost
    return best


@compiled
def plan_cheapest(
    costs: Floats, asked: Asked, order: Ints, calls: Ints, left: Ints, quantities: Ints
) -> None:
    """Meet calls one after the other: whole tokens of the cheapest, then a last piece.

    Args:
        costs: of delivering one token of each.
        asked: what calls ask for; used up.
        order: of each call the tokens that it takes, the cheapest for what they count for first,
            those that it does not take last; shape (calls, tokens).
        calls: rows, in the order of service.
        left: tokens that each borrower has, shape (borrowers, tokens); used up.
        quantities: what is delivered at any rate, as far as can be, shape (calls, tokens); gets
            all that is.
    """
    for call in calls:
        for token in range(len(costs)):
            if quantities[call, token]:
                number = min(quantities[call, token], available(asked, left, call, token))
                quantities[call, token] = number
                take(asked, left, call, token, number)
    for call in calls:
        for token in order[call]:
            one, rest = asked.counts[call, token], asked.missing[call]
            if one == 0 or rest <= 0:
                break
            number = min(rest // one, available(asked, left, call, token))
            take(asked, left, call, token, number)
            quantities[call, token] += number
            if asked.missing[call] > 0 and available(asked, left, call, token):
                best = last_piece(costs, asked, left, call, order[call])
                if best >= 0:
                    one = asked.counts[call, best]
                    number = (asked.missing[call] + one - 1) // one
                    take(asked, left, call, best, number)
                    quantities[call, best] += number


@compiled
def plan_each(
    costs: Floats, asked: Asked, order: Ints, calls: Ints, left: Ints, quantities: Ints
) -> None:
    """The same of each call as if the borrower had no other; `left` is as before."""
    for position in range(len(calls)):
        call = calls[position]
        plan_cheapest(costs, asked, order, calls[position : position + 1], left, quantities)
        for token in range(len(costs)):
            left[asked.borrower[call], token] += quantities[call, token]
