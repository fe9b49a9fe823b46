"""Stretches of days for one market: what it must be like, and what they need of it."""

from __future__ import annotations

import numpy as np

from abm.books.answers import Answers
from abm.day.call_and_return import Calls
from abm.day.day import Setting
from abm.day.stretch import Course, Reached, Stretch, run_days
from abm.measures.daily import new_desk
from abm.measures.moments import NO_CLOSE_OUTS
from abm.rules.called_and_short import room_for
from abm.rules.shortage import can_be_short


def can_be_compiled(market: Setting) -> bool:
    """Whether a market's days need nothing today that only the script of a day does.

    That is to record events, to keep balance sheets, to move prices by trades, and to follow
    collateral that is posted further.
    """
    recorded = market.events.enabled or market.sheet is not None
    return not (recorded or market.impact.has_moved or len(market.books.reused))


class Stretches:
    """Runs stretches of days of one market."""

    def __init__(self, market: Setting, calls: Calls, nobody: Answers):
        """Serve a market.

        Args:
            market: whose days they are.
            calls: gets the call of each account, shape (accounts,).
            nobody: the answers where nobody is asked.
        """
        self._books, self._calls = market.books, calls
        self._course = Course(
            np.ascontiguousarray(market.path),
            market.at_maturity,
            market.later_loans.columns,
            market.standing.default_day,
            nobody,
            NO_CLOSE_OUTS,
            market.unit,
            market.lent_moves,
            market.ledger.outside_market,
            can_be_short(market.books),
        )
        self._room = room_for(market.books, len(market.standing.equity))
        self._desk = new_desk(len(market.standing.equity), len(calls), len(market.tokens))

    def run(self, begin: Reached, last: int) -> Stretch:
        """Simulate and measure the days behind what has been reached, up to `last` at most."""
        stretch = Stretch.over(self._books, begin.day, last)
        stretch.reached = run_days(
            self._books,
            self._calls,
            self._course,
            self._desk,
            self._room,
            stretch.written,
            begin,
            stretch.last,
        )
        return stretch
