"""Which loan is due on which day, so that a day need not look at every loan; compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.compiled import compiled, inlined
from abm.books.loan_book import NEVER

Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]

NOTHING, DUE, WAITING = range(3)
"""Whether a loan is due today, or is to replace one that has been repaid."""


TOGETHER = 8
"""Flags in a word."""


class Calendar(NamedTuple):
    """Lists of loans by the day on which they are looked at next.

    A loan is in one list at most. Those of close-outs stay in theirs, and are left out on its day.
    """

    first: Places
    """The first loan of each day, the morning after the last one included; -1 for none."""
    next: Places
    """The loan that follows each in the list of its day, shape (loans,); -1 behind the last."""
    place: Places
    """Of each loan in the order in which loans settle; empty where that is their own order."""
    status: Ints
    """`NOTHING`, `DUE` or `WAITING`, in the order in which loans settle; flags (`flag_of`)."""
    running: Ints
    """A flag for each loan: 0 if it is certainly not open."""
    waiting: Ints
    """How many are `WAITING`, shape (1,)."""


def new_calendar(maturity: Ints, by_account: npt.NDArray[np.uint32], days: int) -> Calendar:
    """All loans on the days on which they mature.

    Args:
        maturity: of each loan, those that begin later among them.
        by_account: loans in the order in which they settle; empty where that is their own.
        days: of the simulation.
    """
    number = len(maturity)
    place = np.empty(len(by_account), np.int32)
    place[by_account] = np.arange(len(by_account), dtype=np.int32)
    first, following = np.full(days + 1, -1, np.int32), np.empty(number, np.int32)
    status, running = np.zeros((2, number // TOGETHER + 1), np.int64)
    calendar = Calendar(first, following, place, status, running, np.zeros(1, np.int64))
    _enter_all(calendar, maturity)
    return calendar


@compiled
def _enter_all(calendar: Calendar, maturity: Ints) -> None:
    for i in range(len(maturity)):
        enter(calendar, i, maturity[i])


@inlined
def enter(calendar: Calendar, i: int, day: int) -> None:
    """Have a loan that is in no list looked at on a day, if the simulation comes to it."""
    if day < len(calendar.first):
        calendar.next[i] = calendar.first[day]
        calendar.first[day] = i


@inlined
def flag_of(words: Ints, place: int) -> int:
    """One of the bytes that are kept in words, so that many that are 0 are passed over at once."""
    return (words[place // TOGETHER] >> int(place % TOGETHER) * 8) & 255


@inlined
def set_flag(words: Ints, place: int, flag: int) -> None:
    """Replace a flag by another, below 128."""
    changed = flag_of(words, place) ^ flag
    words[place // TOGETHER] ^= changed << (int(place % TOGETHER) * 8)


@inlined
def next_flagged(words: Ints, place: int, stop: int) -> int:
    """The first place from one on, and before another, whose flag is not 0; `stop` for none."""
    while place < stop:
        if words[place // TOGETHER] == 0:
            place = (place // TOGETHER + 1) * TOGETHER
        elif flag_of(words, place):
            return place
        else:
            place += 1
    return stop


def flags(words: Ints, number: int) -> npt.NDArray[np.uint8]:
    """All flags, one after the other."""
    return words.astype("<i8").view(np.uint8)[:number]


@inlined
def place_of(calendar: Calendar, i: int) -> int:
    """Where a loan is in the order in which loans settle."""
    return calendar.place[i] if len(calendar.place) else i


@compiled
def find_next(calendar: Calendar, day: int) -> int:
    """The next day, from this one on, on which a loan may be due; 0 if one is to be replaced."""
    if calendar.waiting[0]:
        return 0
    for later in range(day, len(calendar.first)):
        if calendar.first[later] >= 0:
            return later
    return NEVER
