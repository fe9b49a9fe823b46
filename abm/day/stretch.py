"""Days on which nobody need be asked, one after the other in compiled code.

The passes are those of the day's script (`CollateralMarket.step`), in its order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.answers import Answers
from abm.books.before import begin_day
from abm.books.books import Books, loan_at
from abm.books.calendar import (
    DUE,
    WAITING,
    find_next,
    flag_of,
    next_flagged,
    place_of,
    set_flag,
)
from abm.books.compiled import compiled, inlined
from abm.books.later import Later, begun_by
from abm.books.ledger import count_holdings
from abm.books.loan_book import ACTIVE, NEVER, OPEN_LOAN
from abm.day.before import measure_before
from abm.day.call_and_return import Calls, run_returns
from abm.day.deliver import deliver_shares, run_deliveries
from abm.day.instructions import receive_minted, settle_deliveries, settle_returns
from abm.day.open import open_anew, open_replacements
from abm.day.overdue import is_overdue
from abm.day.settle import settle_loans
from abm.measures.daily import WRITTEN, Desk, write_day
from abm.measures.moments import CloseOuts
from abm.rules.called_and_short import Room, anybody_short, share_short
from abm.rules.requirement import mark_exposures
from abm.rules.schedules import discount_all
from abm.rules.trigger import DELIVERY_CALL

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

COMPLETE, SHORT, OVERDUE, BROKEN = range(4)
"""How a stretch ends: with its last day; before deliveries that more calls share than there is room
for; before a close-out; with tokens lost or made."""


class Course(NamedTuple):
    """What does not change from day to day."""

    path: Ints
    """Prices in money units, shape (days, tokens)."""
    at_maturity: Ints
    later: Later
    default_day: Ints
    nobody: Answers
    no_close_outs: CloseOuts
    unit: float
    lent_moves: bool
    outside_market: int
    scarce: bool
    """Whether anybody can ever be short."""


class Reached(NamedTuple):
    """Where a stretch has come to."""

    day: int
    """The last day that was begun."""
    how: int
    next_maturity: int
    """The next day on which a loan is due."""
    next_loan: int
    """The next free loan identifier."""


class Written(NamedTuple):
    """What is written of the days of a stretch."""

    measures: Floats
    """Shape (days, numbers of `WRITTEN`)."""
    by_borrower: Floats
    """Shape (days, participants)."""


@compiled
def run_days(
    books: Books,
    calls: Calls,
    course: Course,
    desk: Desk,
    room: Room,
    written: Written,
    begin: Reached,
    last: int,
) -> Reached:
    """Simulate and measure the days behind `begin` up to `last`.

    Stops on a day on which somebody has owed something past its grace, before its close-outs, or
    too many calls are to share, before its deliveries: the caller then finishes and measures it.

    Args:
        books: the market.
        calls: gets the call of each account, shape (accounts,).
        course: what does not change.
        desk: room to work in; likewise `room`.
        room: see there.
        written: gets what is measured, from its first row on.
        begin: what has been reached.
        last: the last day.
    """
    next_maturity, next_loan = begin.next_maturity, begin.next_loan
    begun = begun_by(course.later, begin.day, 0)
    for day in range(begin.day + 1, last + 1):
        prices = course.path[day]
        next_maturity, next_loan = settle_day(
            books, prices, day, len(calls), course, next_maturity, next_loan, begun
        )
        begun = begun_by(course.later, day, begun)
        run_returns(books, prices, day, course.nobody, calls, 0, len(calls))
        books.before.taken[0] = True
        if not deliver_all(books, prices, day, course, calls, room):
            return Reached(day, SHORT, next_maturity, next_loan)
        discount_all(books, prices)
        if is_overdue(books):
            return Reached(day, OVERDUE, next_maturity, next_loan)
        if not count_holdings(books.ledger, course.outside_market, desk.held):
            return Reached(day, BROKEN, next_maturity, next_loan)
        row = day - begin.day - 1
        write_day(
            books,
            prices,
            course.unit,
            course.no_close_outs,
            course.no_close_outs,
            course.default_day,
            0,
            desk,
            written.measures[row],
            written.by_borrower[row],
        )
    return Reached(last, COMPLETE, next_maturity, next_loan)


@inlined
def settle_day(
    books: Books,
    prices: Ints,
    day: int,
    accounts: int,
    course: Course,
    next_maturity: int,
    next_loan: int,
    begun: int,
) -> tuple[int, int]:
    """Begin a day and the loans that begin on it, of which `begun` have before, and settle all that
    is due; gives the next maturity and free identifier."""
    books.totals[:] = 0
    begin_day(books.before)
    if course.lent_moves:
        mark_exposures(books, prices)
    begins = begun_by(course.later, day, begun)
    if len(books.returning) or day >= next_maturity or begins > begun:
        measure_before(books, prices)
    if len(books.ledger.arriving):
        receive_minted(books, day)
    if begins > begun:
        open_anew(books, prices, course.later.rows, course.later.posted, begun, begins)
        next_maturity = day
    if len(books.returning):
        settle_returns(books, prices, day, 0, accounts)
        settle_deliveries(books, prices, day, 0, accounts)
    if day >= next_maturity:
        next_loan = settle_due(books, prices, day, course, next_loan)
        next_maturity = find_next(books.calendar, day)
    return next_maturity, next_loan


@inlined
def settle_due(books: Books, prices: Ints, day: int, course: Course, next_loan: int) -> int:
    """Settle the loans that are due and open replacements; gives the next free identifier."""
    number = len(books.loans)
    since, latest = find_due(books, day)
    while since <= latest:
        next_loan = settle_loans(
            books, prices, day, since, course.at_maturity, next_loan, 0, number
        )
        since = next_due(books, since) if since < latest else NEVER
    since = next_waiting(books, -1) if books.calendar.waiting[0] else NEVER
    while since <= day:
        open_replacements(books, prices, day, since, 0, number)
        since = next_waiting(books, since)
    return next_loan


@inlined
def deliver_all(
    books: Books, prices: Ints, day: int, course: Course, calls: Calls, room: Room
) -> bool:
    """Have borrowers deliver what they are called for, shared where they are short; whether there
    was room for that."""
    shared = 0
    if course.scarce and anybody_short(books, prices, calls, room):
        shared = share_short(books, prices, calls, room)
        if shared < 0:
            return False
        deliver_shares(books, prices, day, room.shares, 0, shared)
    for c in range(shared):
        calls[room.shares.account[c]] = 0
    run_deliveries(books, prices, day, course.nobody, calls, 0, len(calls))
    for c in range(shared):
        calls[room.shares.account[c]] = DELIVERY_CALL
    return True


@compiled
def find_due(books: Books, day: int) -> tuple[int, int]:
    """Note in the calendar which loans are `DUE` that are not in close-out.

    Gives the first and the last day since which any is (`NEVER` and -1 for none).
    """
    loans, calendar = books.loans, books.calendar
    first, last = NEVER, -1
    i = calendar.first[day]
    while i >= 0:
        if loans.state[i] == OPEN_LOAN and books.accounts.state[loans.account[i]] == ACTIVE:
            set_flag(calendar.status, place_of(calendar, i), DUE)
            first = min(first, loans.maturity[i])
            last = max(last, loans.maturity[i])
        i = calendar.next[i]
    calendar.first[day] = -1
    return first, last


@inlined
def next_due(books: Books, since: int) -> int:
    """The next day after `since` from which loans are due that have not been settled."""
    status, number, earliest = books.calendar.status, len(books.loans), NEVER
    position = next_flagged(status, 0, number)
    while position < number:
        if flag_of(status, position) == DUE:
            maturity = books.loans.maturity[loan_at(books, position)]
            if maturity > since:
                earliest = min(earliest, maturity)
        position = next_flagged(status, position + 1, number)
    return earliest


@inlined
def next_waiting(books: Books, since: int) -> int:
    """The next day after `since` from which loans have waited to replace others."""
    status, number, earliest = books.calendar.status, len(books.loans), NEVER
    position = next_flagged(status, 0, number)
    while position < number:
        if flag_of(status, position) == WAITING:
            opened = books.loans.opened[loan_at(books, position)]
            if opened > since:
                earliest = min(earliest, opened)
        position = next_flagged(status, position + 1, number)
    return earliest


MOST_NUMBERS = 2_000_000
"""Room for what is written of a stretch; longer ones go in several parts."""


@dataclass
class Stretch:
    """Some days in a row that were simulated and measured at once."""

    last: int
    written: Written
    reached: Reached

    @classmethod
    def over(cls, books: Books, day: int, last: int) -> Stretch:
        """Room for the days behind a day up to another, or as many as there is room for."""
        participants = books.ledger.collateral_row - 1
        last = min(last, day + max(MOST_NUMBERS // (participants + len(WRITTEN)), 1))
        shapes = ((last - day, len(WRITTEN)), (last - day, participants))
        return cls(last, Written(*map(np.zeros, shapes)), Reached(day, COMPLETE, 0, 0))

    @property
    def is_finished(self) -> bool:
        """Whether the last day that was begun is measured; else the caller goes on with it."""
        return self.reached.how == COMPLETE

    @property
    def is_short(self) -> bool:
        """Whether deliveries are still to be made on the last day."""
        return self.reached.how == SHORT

    def days(self, since: int) -> Written:
        """What is written of the days behind a day that are finished."""
        number = self.reached.day - since - (not self.is_finished)
        return Written(self.written.measures[:number], self.written.by_borrower[:number])
