"""Whether anybody who is called is short; compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.books import Books
from abm.books.compiled import compiled
from abm.rules.apportion import SOURCES
from abm.rules.shortage import SHORT, find_short
from abm.rules.trigger import DELIVERY_CALL

Ints = npt.NDArray[np.int64]


class Room(NamedTuple):
    """Room to find out in whether anybody is short."""

    account: Ints
    """Shape (accounts,); likewise `who`."""
    who: Ints
    wanted: Ints
    """Shape (participants, sources, tokens)."""
    state: Ints
    """Shape (participants,)."""


def room_for(books: Books, participants: int) -> Room:
    """Room for the calls of a market."""
    account, who = np.zeros((2, len(books.accounts)), np.int64)
    wanted = np.zeros((participants, SOURCES, books.lent.shape[1]), np.int64)
    return Room(account, who, wanted, np.zeros(participants, np.int64))


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
