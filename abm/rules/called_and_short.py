"""Who of those that are called is short, and what each of its calls gets; compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.books import Books
from abm.books.compiled import compiled
from abm.rules.apportion import SOURCES, Shares, room_for_shares
from abm.rules.shortage import SHORT, find_short, plan_shares
from abm.rules.trigger import DELIVERY_CALL

Ints = npt.NDArray[np.int64]


MOST_SHARED = 1000
"""Calls of a day for which there is room to share at once."""


class Room(NamedTuple):
    """Room to find out in who is short, and to share."""

    account: Ints
    """Shape (accounts,); likewise `who`."""
    who: Ints
    wanted: Ints
    """Shape (participants, sources, tokens)."""
    state: Ints
    """Shape (participants,); likewise `place`."""
    place: Ints
    shares: Shares
    """Of so many calls as there is room for."""


def room_for(books: Books, participants: int) -> Room:
    """Room for the calls of a market."""
    account, who = np.zeros((2, len(books.accounts)), np.int64)
    tokens = books.lent.shape[1]
    wanted = np.zeros((participants, SOURCES, tokens), np.int64)
    state, place = np.zeros((2, participants), np.int64)
    most = min(len(account), MOST_SHARED)
    start = np.zeros(min(most, participants) + 1, np.int64)
    shares = room_for_shares(books, np.zeros(most, np.int64), start)
    return Room(account, who, wanted, state, place, shares)


@compiled
def anybody_short(books: Books, prices: Ints, calls: npt.NDArray[np.int8], room: Room) -> bool:
    """Whether any borrower that is called today is short (`short_calls`)."""
    number = 0
    for a in range(len(calls)):
        if calls[a] == DELIVERY_CALL:
            room.account[number] = a
            room.who[number] = books.accounts[a].borrower
            number += 1
    room.wanted[:] = 0
    room.state[:] = 0
    find_short(books, prices, room.account[:number], room.who[:number], room.wanted, room.state)
    short = False
    for state in room.state:
        short |= state == SHORT
    return short


@compiled
def share_short(books: Books, prices: Ints, calls: npt.NDArray[np.int8], room: Room) -> int:
    """Plan what the calls on borrowers get that `anybody_short` has found to be short.

    The order is that of `shortage.share`.

    Args:
        books: the market.
        prices: published ones in money units, shape (tokens,).
        calls: the call of each account, shape (accounts,).
        room: its `shares` get the plan.

    Returns:
        The number of calls; -1, and no plan, if there is no room for so many.
    """
    shares, place, number = room.shares, room.place, 0
    place[:] = 0
    for a in range(len(calls)):
        if calls[a] == DELIVERY_CALL and room.state[books.accounts[a].borrower] == SHORT:
            place[books.accounts[a].borrower] += 1
            number += 1
    if number > len(shares.account):
        return -1
    groups, first = 0, 0
    for borrower in range(len(place)):
        shares.start[groups] = first
        first, place[borrower] = first + place[borrower], first
        groups += shares.start[groups] < first
    for a in range(len(calls)):
        borrower = books.accounts[a].borrower
        if calls[a] == DELIVERY_CALL and room.state[borrower] == SHORT:
            shares.account[place[borrower]] = a
            place[borrower] += 1
    shares.start[groups] = number
    for c in range(number):
        shares.moved[c] = 0
    plan_shares(books, prices, shares, groups)
    return number
