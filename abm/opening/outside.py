"""What comes from outside a market while it runs: defaults and recalls that its scenario tells."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from abm.books.loan_book import OPEN_LOAN, Loans
from abm.books.population import Population
from abm.opening.streams import Streams
from scenarios.scenario import Scenario

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Outside:
    """Tells on which day who defaults and what is recalled."""

    def __init__(self, scenario: Scenario, population: Population, streams: Streams, days: int):
        """Draw for a market of so many days, with day 0."""
        self._recalls, self._streams = scenario.recalls, streams
        self._hazard, self._days, self._roles = (
            scenario.defaults.daily_hazard,
            days,
            population.roles,
        )
        self._scheduled = [
            (default.day, population.row(default.participant))
            for default in scenario.defaults.scheduled
        ]

    @property
    def is_asked_daily(self) -> bool:
        """Whether something can come on any day."""
        return self._recalls.daily_rate > 0

    def quiet_until(self, day: int) -> int:
        """The last day before the next one on which something comes."""
        if self.is_asked_daily:
            return day
        last = self._days - 1
        return min((when - 1 for when in self._when if when > day), default=last)

    def defaulting(self, day: int) -> Ints:
        """Participants that default on a day."""
        scheduled = [row for when, row in self._scheduled if when == day]
        hit = np.flatnonzero(self._hit[day]).tolist() if len(self._hit) else []
        return np.array(scheduled + hit, np.int64)

    def recalled(self, day: int, loans: Loans) -> Bools:
        """Loans that are recalled on a day, on schedule or at the daily rate; empty for none."""
        recalls = self._recalls
        chosen = np.zeros(len(loans) if recalls.daily_rate or recalls.scheduled else 0, np.bool_)
        if not len(chosen):
            return chosen
        if recalls.daily_rate:
            # One draw a loan and day, open or not, so that policies see the same recalls.
            chosen = self._streams.recalls.random(len(chosen)) < recalls.daily_rate
        today = [loan_id for when, loan_id in recalls.scheduled if when == day]
        chosen |= np.isin(loans.loan_id, today)
        return chosen & (loans.state == OPEN_LOAN)

    @cached_property
    def _when(self) -> list[int]:
        """Days with a default or a recall on schedule, in order."""
        days = {day for day, _ in (*self._recalls.scheduled, *self._scheduled)}
        return sorted(days.union(np.flatnonzero(self._hit.any(axis=1)).tolist()))

    @cached_property
    def _hit(self) -> Bools:
        """Whom the daily hazard hits on which day, shape (days, participants); empty without."""
        if not self._hazard:
            return np.zeros((0, 0), np.bool_)
        # One draw a participant and day after the first, so that policies see the same defaults.
        drawn = self._streams.shocks.random((self._days - 1, len(self._roles)))
        borrows = np.array([role != "lender" for role in self._roles])
        return np.vstack([np.zeros_like(borrows), (drawn < self._hazard) & borrows])
