"""Schedules of eligible collateral as the columns that margining reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.ledger import UNLIMITED
from abm.books.loan_book import NEVER
from scenarios.agreement import CollateralAgreement, exact
from scenarios.assets import AssetColumns
from scenarios.errors import InputError, named
from scenarios.schedules import Schedule, ScheduleColumns, schedule_columns

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LONGEST_FRACTION = 2**31
"""Numerators and denominators stay below this, so that their products with remainders fit int64."""


class Schedules(NamedTuple):
    """What the schedules of a market say today; no rows where no agreement names one."""

    of: Ints
    """Row of each agreement's schedule, -1 for none, shape (agreements,)."""
    order: Ints
    """Columns of all tokens, shape (agreements, tokens): those of the priority first."""
    part: Ints
    """What a token counts for as a fraction of its price, shape (agreements, tokens, 2)."""
    eligible: Bools
    """Shape (schedules, tokens)."""
    most: Ints
    """Largest number of each token in an account, shape (schedules, tokens)."""
    first: Ints
    """Where the limits of each schedule begin, and the end, shape (schedules + 1,)."""
    members: Bools
    """Which tokens a limit holds for together, shape (limits, tokens)."""
    share: Ints
    """Largest part of what is required, as a fraction, shape (limits, 2)."""
    issuer: Ints
    """Of each token, shape (tokens,)."""
    own: Ints
    """Issuer that each participant is, -1 for none, shape (participants,)."""
    excludes_own: Bools
    """Shape (schedules,)."""
    discount: Ints
    """Market value of each account's collateral above what it counts for, shape (accounts,)."""
    number: Ints
    """Room for a pass to work in: tokens that there are, shape (tokens,)."""
    used: Ints
    """Likewise: value that each limit leaves no room for any more, shape (limits,)."""


class ScheduleBook:
    """Writes down what the schedules of a market say, day by day."""

    def __init__(
        self,
        given: Mapping[str, Schedule],
        agreements: Sequence[CollateralAgreement],
        assets: AssetColumns,
        tokens: Sequence[str],
        names: Sequence[str],
        days: npt.NDArray[np.datetime64],
    ):
        """Write those of day 0.

        Args:
            given: by name.
            agreements: as they stand on day 0; which schedule each names never changes.
            assets: the classes by token.
            tokens: the market's in their order, cash last.
            names: of the participants.
            days: dates of the simulation.

        Raises:
            InputError: a schedule names what there is not.
        """
        used = dict.fromkeys(a.schedule for a in agreements if a.schedule is not None)
        self._given = {name: given[name] for name in used}
        self._assets, self._tokens, self._agreements = assets, tuple(tokens), list(agreements)
        self._days = days.astype("datetime64[D]")
        since = {day for schedule in self._given.values() for day in schedule.changes}
        changes = np.searchsorted(self._days, np.array(sorted(since), "datetime64[D]"))
        self._changes = np.unique(changes[(changes > 0) & (changes < len(days))])
        self.arrays = self._empty(agreements, names)
        self.write(0, agreements)

    def __len__(self) -> int:
        return len(self._given)

    def _empty(self, agreements: Sequence[CollateralAgreement], names: Sequence[str]) -> Schedules:
        number, tokens = len(self._given), len(self._tokens)
        rows = len(agreements) if number else 0
        today = self._columns(0)
        limits = [sum(limit.share < 1 for limit in each.concentrations) for each in today]
        issuers, people = self._assets.issuers, names if number else ()
        return Schedules(
            of=np.full(rows, -1, np.int64),
            order=np.zeros((rows, tokens), np.int64),
            part=np.ones((rows, tokens, 2), np.int64),
            eligible=np.zeros((number, tokens), np.bool_),
            most=np.full((number, tokens), UNLIMITED),
            first=np.cumsum([0, *limits]),
            members=np.zeros((sum(limits), tokens), np.bool_),
            share=np.ones((sum(limits), 2), np.int64),
            issuer=self._assets.issuer.copy(),
            own=np.array(
                [issuers.index(name) if name in issuers else -1 for name in people], np.int64
            ),
            excludes_own=np.array(
                [each.exclude_own_issues for each in self._given.values()], np.bool_
            ),
            discount=np.zeros(0, np.int64),
            number=np.zeros(tokens, np.int64),
            used=np.zeros(sum(limits), np.int64),
        )

    def _columns(self, day: int) -> list[ScheduleColumns]:
        date = self._days[day].item()
        columns = []
        for name, schedule in self._given.items():
            with named(f"schedules.{name}"):
                columns.append(schedule_columns(schedule, self._assets, self._tokens, day=date))
        return columns

    def write(self, day: int, agreements: Sequence[CollateralAgreement]) -> None:
        """Write what they say on a day.

        Args:
            day: the day.
            agreements: the first of them, as they stand.

        Raises:
            InputError: a haircut and that of an agreement have too many decimals together.
        """
        self._agreements[: len(agreements)] = agreements
        arrays, names = self.arrays, [*self._given]
        # Those that are kept for older loans change with the schedules only.
        some = len(self._agreements) if day == 0 or day in self._changes else len(agreements)
        for row, each in enumerate(self._columns(day) if names else ()):
            arrays.eligible[row] = each.eligible
            arrays.most[row] = np.minimum(each.most, float(UNLIMITED)).astype(np.int64)
            limits = [limit for limit in each.concentrations if limit.share < 1]
            for position, limit in enumerate(limits, arrays.first[row]):
                arrays.members[position] = limit.members
                arrays.share[position] = exact(limit.share).as_integer_ratio()
            for t, agreement in enumerate(self._agreements[:some]):
                if agreement.schedule == names[row]:
                    arrays.of[t] = row
                    arrays.order[t] = self._order(agreement)
                    for token, haircut in enumerate(each.haircut.tolist()):
                        arrays.part[t, token] = _part(agreement, haircut).as_integer_ratio()

    def keep(self, first: int, number: int) -> None:
        """So many agreements from a row on are those of the first rows, as they are now."""
        self._agreements[first : first + number] = self._agreements[:number]
        if len(self):
            self.arrays.part[first : first + number] = self.arrays.part[:number]

    def _order(self, agreement: CollateralAgreement) -> list[int]:
        """All tokens, those first that calls move."""
        priority = agreement.eligible(self._tokens, self._tokens[-1])
        moved = priority[:1] if agreement.adjustment == "single" else priority
        order = [self._tokens.index(token) for token in moved]
        return order + [token for token in range(len(self._tokens)) if token not in order]

    def next_change(self, day: int) -> int:
        """The next day after this one on which a schedule changes; `NEVER` for none."""
        later = self._changes[self._changes > day]
        return int(later[0]) if len(later) else NEVER

    def accepted(self, t: int, order: Sequence[str]) -> Sequence[str]:
        """Those of some tokens that an agreement accepts from somebody; all if it accepts none."""
        if not len(self) or self.arrays.of[t] < 0:
            return order
        eligible = self.arrays.eligible[self.arrays.of[t]]
        return [name for name in order if eligible[self._tokens.index(name)]] or order

    def counting(self, t: int, prices: Ints) -> Ints:
        """What each token counts for under an agreement, at least 1, in money units."""
        if not len(self):
            return prices
        part = self.arrays.part[t].astype(object)
        return np.maximum((prices * part[:, 0] // part[:, 1]).astype(np.int64), 1)


def _part(agreement: CollateralAgreement, haircut: float) -> Fraction:
    """Part of the price for which a token with a haircut of its own counts; nan for none."""
    if haircut != haircut:
        return Fraction(1)
    part = (1 - exact(haircut)) * agreement.collateral_ratio
    if max(part.numerator, part.denominator) >= LONGEST_FRACTION:
        raise InputError(
            f"schedules.{agreement.schedule}: a haircut of {haircut:g} and that of the agreement"
            " have too many decimals together; four each are enough"
        )
    return part
