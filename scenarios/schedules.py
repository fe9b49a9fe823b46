"""Schedules of eligible collateral: what a receiver accepts, at which haircut, and how much of it.

Names are those of FINOS CDM's `EligibleCollateralSpecification` where it has one: criteria with
`isIncluded` and `haircutPercentage`, and a `ConcentrationLimit` that is either for what the limit
itself names or, by its `concentrationLimitType`, for each asset or issuer alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from scenarios.agreement import exact
from scenarios.assets import AssetColumns, Name
from scenarios.errors import InputError, nearest
from scenarios.table import Table

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Percentage = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Scope(Table):
    """What an entry of a schedule is about: an asset, an issuer, a class of assets, or all."""

    asset: Name | None = None
    """A token."""
    issuer: Name | None = None
    """All that it has issued."""
    asset_class: Name | None = None
    """All tokens of a class of `assets`."""

    @model_validator(mode="after")
    def _check_scope(self) -> Self:
        if len(list(self._named())) > 1:
            raise ValueError("give one of asset, issuer and asset_class, not several")
        return self

    def _named(self) -> Iterator[tuple[str, str]]:
        for kind in ("asset", "issuer", "asset_class"):
            if (name := getattr(self, kind)) is not None:
                yield kind, name

    @property
    def rank(self) -> int:
        """How particular it is: 3 for an asset, 2 for an issuer, 1 for a class, 0 for all."""
        return 3 if self.asset else 2 if self.issuer else 1 if self.asset_class else 0

    @property
    def label(self) -> str:
        """What it is about, in words."""
        return " ".join(name for _, name in self._named()) or "all assets"

    def members(self, columns: AssetColumns, tokens: Sequence[str]) -> Bools:
        """Tokens that it is about, shape (tokens,).

        Raises:
            InputError: there is no such token, issuer or class.
        """
        for kind, name in self._named():
            known, rows = {
                "asset": (tuple(tokens), np.arange(len(tokens))),
                "issuer": (columns.issuers, columns.issuer),
                "asset_class": (columns.classes, columns.asset_class),
            }[kind]
            if name not in known:
                raise InputError(
                    f"{kind}: there is no {name} (known: {', '.join(known) or 'none'})"
                )
            return rows == known.index(name)
        return np.ones(len(tokens), np.bool_)


class Criteria(Scope):
    """Whether some assets are eligible, and at which haircut; without a name all assets."""

    is_included: bool = True
    """Whether they are eligible."""
    haircut_percentage: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] | None = None
    """Fraction of the price that does not count, 0.15 for 15 %; if not given, the `haircut` of the
    class of the asset."""
    since: date | None = None
    """First day on which it holds, in the place of what is said of the same before; from the
    beginning if not given."""

    @property
    def place(self) -> tuple[int, date]:
        """Where it stands in the order in which criteria decide, the last that fits."""
        return self.rank, self.since or date.min


class ConcentrationLimit(Scope):
    """How much of some assets counts: of those it names together, or of each of a kind alike."""

    concentration_limit_type: Literal["asset", "issuer", "asset_class"] | None = None
    """One limit for each of these, instead of one for what is named."""
    percentage_limit: Percentage | None = None
    """Largest part of the collateral: of what is required or, if more is there, of what is there,
    after haircut."""
    average_trading_volume: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Largest number of each asset, as a fraction of its `daily_volume`. Its class gives that; if
    not, in a scenario, the price file: on average over 20 sessions up to the first day."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.rank > 0) == (self.concentration_limit_type is not None):
            raise ValueError(
                "give either an asset, issuer or asset_class, or a concentration_limit_type"
            )
        if (self.percentage_limit is None) == (self.average_trading_volume is None):
            raise ValueError("give either percentage_limit or average_trading_volume")
        return self

    def groups(self, columns: AssetColumns, tokens: Sequence[str]) -> Iterator[tuple[str, Bools]]:
        """What the limit holds for, each group by name with its tokens, shape (tokens,)."""
        if self.concentration_limit_type is None:
            yield self.label, self.members(columns, tokens)
            return
        names, of = {
            "asset": (tuple(tokens), np.arange(len(tokens))),
            "issuer": (columns.issuers, columns.issuer),
            "asset_class": (columns.classes, columns.asset_class),
        }[self.concentration_limit_type]
        for row, name in enumerate(names):
            yield name, of == row


class Schedule(Table):
    """What a receiver of collateral accepts.

    Of several criteria that fit an asset the most particular decides: one that names the asset
    before one that names its issuer, its class, or nothing; of those about the same the latest
    that holds. What none fits is not eligible. Limits hold all at once.
    """

    criteria: Annotated[tuple[Criteria, ...], Field(min_length=1)]
    """What is eligible, and at which haircut."""
    concentration_limits: tuple[ConcentrationLimit, ...] = ()
    """How much of it counts."""
    exclude_own_issues: bool = True
    """Whether what the poster has issued itself is not eligible."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        scopes = [(entry.place, entry.label) for entry in self.criteria]
        for scope in scopes:
            if scopes.count(scope) > 1:
                raise ValueError(f"criteria: two are about {scope[1]}")
        return self

    def holding(self, day: date) -> list[Criteria]:
        """Criteria that hold on a day; of those that fit an asset the last decides."""
        return sorted((c for c in self.criteria if c.place[1] <= day), key=lambda c: c.place)

    @property
    def changes(self) -> list[date]:
        """Days on which it changes."""
        return sorted({entry.since for entry in self.criteria if entry.since is not None})


def check_schedules(schedules: Mapping[str, Schedule], agreements: Mapping[str, str]) -> None:
    """See that agreements name schedules that there are, and that each of these is named.

    Args:
        schedules: by name.
        agreements: the schedule of each agreement that names one, by the field that has it.

    Raises:
        ValueError: one is not there, or would have no effect.
    """
    for field, name in agreements.items():
        if name not in schedules:
            known = ", ".join(schedules) or "none"
            raise ValueError(
                f"{field}.schedule: no schedule {name}{nearest(name, schedules)} (known: {known})"
            )
    for name in schedules:
        if name not in agreements.values():
            raise ValueError(f"schedules.{name}: no agreement names it as its schedule")


class Concentration(NamedTuple):
    """A limit on what some assets count for together."""

    name: str
    members: Bools
    """Shape (tokens,)."""
    share: float
    """Largest part of the collateral."""


class ScheduleColumns(NamedTuple):
    """What a schedule says of each token to one poster; shape (tokens,) each."""

    eligible: Bools
    haircut: Floats
    """nan where neither the schedule nor the class of the asset gives one."""
    most: Floats
    """Largest number of tokens, by volume; infinite without a limit."""
    concentrations: tuple[Concentration, ...]


def schedule_columns(
    schedule: Schedule,
    columns: AssetColumns,
    tokens: Sequence[str],
    poster: str = "",
    day: date = date.max,
) -> ScheduleColumns:
    """A schedule by token.

    Args:
        schedule: what the receiver accepts.
        columns: the classes of assets by token (`scenarios.assets.asset_columns`).
        tokens: names of the tokens in the order of the columns.
        poster: who brings the collateral, whose own issues may be excluded.
        day: the date; later criteria do not hold yet.

    Raises:
        InputError: an entry names what there is not, or a volume that is not known.
    """
    eligible, haircut = np.zeros(len(tokens), np.bool_), columns.haircut.copy()
    for entry in schedule.holding(day):
        members = entry.members(columns, tokens)
        eligible[members] = entry.is_included
        given = entry.haircut_percentage
        haircut[members] = columns.haircut[members] if given is None else given
    if schedule.exclude_own_issues and poster in columns.issuers:
        eligible &= columns.issuer != columns.issuers.index(poster)
    most, concentrations = np.full(len(tokens), np.inf), []
    for limit in schedule.concentration_limits:
        for name, members in limit.groups(columns, tokens):
            if limit.percentage_limit is not None:
                concentrations.append(Concentration(name, members, limit.percentage_limit))
                continue
            within = _within(limit, columns)
            for row in np.flatnonzero(members & eligible & np.isnan(within)).tolist():
                raise InputError(
                    f"average_trading_volume: {tokens[row]} has no daily_volume in its class"
                )
            most[members] = np.fmin(most[members], within[members])
    return ScheduleColumns(eligible, haircut, most, tuple(concentrations))


def _within(limit: ConcentrationLimit, columns: AssetColumns) -> Floats:
    """Whole tokens of each asset within a limit by volume; nan where its volume is not known."""
    part = exact(limit.average_trading_volume or 0.0)
    volumes = columns.daily_volume.tolist()
    return np.array([v if np.isnan(v) else float(part * exact(v) // 1) for v in volumes])
