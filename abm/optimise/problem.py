"""A problem of allocation as arrays: calls by assets."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scenarios.agreement import exact
from scenarios.allocation import AllocationProblem
from scenarios.assets import AssetColumns, asset_columns
from scenarios.errors import InputError, named
from scenarios.schedules import ScheduleColumns, schedule_columns

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

LARGEST = 2**53
"""Sums of values stay below this, in money units: the solver counts in floating point."""

UNBOUNDED = 2**62
"""Where no limit is on a number of tokens."""


class Limit(NamedTuple):
    """What some assets may count for in one call: a share of what is required, or delivered if
    that counts for more."""

    call: int
    name: str
    members: Bools
    """Shape (assets,)."""
    share: Fraction


class Problem(NamedTuple):
    """Which assets shall meet which calls; values are whole numbers of money units."""

    calls: tuple[str, ...]
    assets: tuple[str, ...]
    price: Ints
    """Shape (assets,)."""
    stock: Ints
    """Tokens that there are, shape (assets,)."""
    cost: Floats
    """Of delivering one token, for a year, shape (assets,)."""
    required: Ints
    """What each delivery must count for, shape (calls,)."""
    counts: Ints
    """What one token counts for: its price less the haircut, rounded down; 0 if it is not
    eligible. Shape (calls, assets)."""
    most: Ints
    """Tokens that a call can take, by volume limits; shape (calls, assets)."""
    limits: tuple[Limit, ...] = ()

    @property
    def useful(self) -> Ints:
        """Tokens that can be of use to a call at most, shape (calls, assets).

        Without a limit on shares nobody delivers more of an asset than meets the call alone. With
        one it can be worth while: what is there beyond the call widens the limits.
        """
        alone = -(-self.required[:, None] // np.maximum(self.counts, 1))
        limited = np.isin(np.arange(len(self.calls)), [limit.call for limit in self.limits])
        alone[limited] = UNBOUNDED
        return np.where(self.counts > 0, np.minimum(np.minimum(alone, self.most), self.stock), 0)

    def room(self, limit: Limit, quantities: Ints) -> Fraction:
        """What is left of a limit with these deliveries, shape (calls, assets); exact."""
        worth = self.counts[limit.call] * quantities[limit.call]
        base = max(int(worth.sum()), int(self.required[limit.call]))
        return limit.share * base - int(worth[limit.members].sum())

    def unmet(self, quantities: Ints) -> Ints:
        """What each call lacks, shape (calls,)."""
        return np.maximum(self.required - (self.counts * quantities).sum(axis=1), 0)

    def cost_of(self, quantities: Ints) -> float:
        """Of some deliveries, for a year, in money units."""
        return float(self.cost @ quantities.sum(axis=0))

    def keeps(self, quantities: Ints) -> bool:
        """Whether deliveries keep to stock and limits, to the last token."""
        within = (
            (quantities >= 0) & (quantities <= self.most) & ((self.counts > 0) | (quantities == 0))
        )
        enough = (quantities.sum(axis=0) <= self.stock).all()
        limits = all(self.room(limit, quantities) >= 0 for limit in self.limits)
        return bool(within.all() and enough and limits)


def problem_of(given: AllocationProblem) -> Problem:
    """The arrays of a problem from its file.

    Raises:
        InputError: a schedule names what there is not, a haircut is missing, or values are too
            large to be told apart.
    """
    with named(given.name):
        assets = tuple(given.inventory)
        columns = asset_columns(given.assets, assets)
        terms = _terms(given, columns, assets)
        price, required = _prices(given), _required(given)
        stock = np.array([holding.quantity for holding in given.inventory.values()], np.int64)
        if max(float(price @ stock.astype(np.float64)), sum(required)) >= LARGEST:
            raise InputError(
                f"inventory and calls are worth more than {LARGEST:.3g} money units; give a"
                " larger money.unit"
            )
        schedules = [call.schedule for call in given.calls]
        counts = {name: _counts(term, price, assets, name) for name, term in terms.items()}
        return Problem(
            calls=tuple(call.name for call in given.calls),
            assets=assets,
            price=price,
            stock=stock,
            cost=price * _rates(given, columns),
            required=np.array(required, np.int64),
            counts=np.array([counts[name] for name in schedules]),
            most=np.array([_most(terms[name]) for name in schedules]),
            limits=tuple(
                Limit(call, limit.name, limit.members, exact(limit.share))
                for call, name in enumerate(schedules)
                for limit in terms[name].concentrations
                if limit.share < 1 and (limit.members & terms[name].eligible).any()
            ),
        )


def _terms(
    given: AllocationProblem, columns: AssetColumns, assets: tuple[str, ...]
) -> dict[str, ScheduleColumns]:
    """The schedules that calls are under, by name, to the participant."""
    terms = {}
    for name in dict.fromkeys(call.schedule for call in given.calls):
        with named(f"schedules.{name}"):
            schedule = given.schedules[name]
            terms[name] = schedule_columns(schedule, columns, assets, given.participant)
    return terms


def _required(given: AllocationProblem) -> list[int]:
    """What each call must be met with, in money units, rounded up."""
    unit = exact(given.money.unit)
    return [int(-(-exact(call.amount) // unit)) for call in given.calls]


def _prices(given: AllocationProblem) -> Ints:
    """Prices of the inventory in money units.

    Raises:
        InputError: one is below a unit.
    """
    unit = given.money.unit
    prices = [round(exact(held.price) / exact(unit)) for held in given.inventory.values()]
    for name, price in zip(given.inventory, prices, strict=True):
        if price < 1:
            raise InputError(f"inventory.{name}.price: expected at least money.unit, {unit:g}")
    return np.array(prices, np.int64)


def _rates(given: AllocationProblem, columns: AssetColumns) -> Floats:
    """Opportunity cost of each asset for a year, as a fraction of its value."""
    own = [holding.opportunity_cost for holding in given.inventory.values()]
    fees = columns.lending_fee.tolist()
    return np.array([fee if cost is None else cost for cost, fee in zip(own, fees, strict=True)])


def _counts(term: ScheduleColumns, price: Ints, assets: tuple[str, ...], schedule: str) -> Ints:
    """What a token of each asset counts for, in money units; 0 if it is not eligible.

    Raises:
        InputError: an eligible asset has no haircut.
    """
    for row in np.flatnonzero(term.eligible & np.isnan(term.haircut)):
        raise InputError(
            f"schedules.{schedule}: {assets[row]} is eligible and has no haircut; give a"
            " haircut_percentage, or the haircut of its class"
        )
    counts = np.zeros(len(assets), np.int64)
    for row in np.flatnonzero(term.eligible):
        counts[row] = int(price[row]) * (1 - exact(term.haircut[row])) // 1
    return counts


def _most(term: ScheduleColumns) -> Ints:
    return np.minimum(term.most, float(UNBOUNDED)).astype(np.int64)
