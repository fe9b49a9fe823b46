"""A problem of allocation: the calls on one participant, what it has, and what each costs it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from scenarios.assets import AssetClass, Name, check_classes
from scenarios.checking import checked
from scenarios.experiment import bundled_experiments
from scenarios.participants import Count, Positive, Share
from scenarios.scenario import LIBRARY, Money, bundled, find_file, read_toml
from scenarios.schedules import Schedule
from scenarios.table import Table


class Holding(Table):
    """What the participant has of an asset."""

    quantity: Count
    """Tokens that it can deliver."""
    price: Positive
    """Of a token, in money, to the nearest `money.unit`."""
    opportunity_cost: Share | None = None
    """What it forgoes by delivering, for a year, as a fraction of the market value; the
    `lending_fee` of the asset's class if not given."""


class CollateralCall(Table):
    """A call on the participant."""

    name: Name
    """Whose call it is."""
    amount: Positive
    """What the delivery must count for after haircut, in money."""
    schedule: Name
    """By name, one of `schedules`."""


class AllocationProblem(Table):
    """Which assets shall meet which calls, for one participant on one day."""

    name: str = "unnamed"
    """What messages call it; a file's own name if not given."""
    title: str = ""
    """What it shows, in one line."""
    participant: str = ""
    """Who delivers: what it has issued itself is no collateral where a schedule says so."""
    money: Money = Money()
    """Currency and smallest unit."""
    assets: dict[str, AssetClass] = Field(default_factory=dict)
    """Classes of assets, as in a scenario."""
    schedules: Annotated[dict[str, Schedule], Field(min_length=1)]
    """What is accepted, by name."""
    inventory: Annotated[dict[str, Holding], Field(min_length=1)]
    """What there is, by asset, in the order of the priority rule."""
    calls: Annotated[tuple[CollateralCall, ...], Field(min_length=1)]
    """In the order in which the priority rule serves them."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_classes(self.assets, self.money.currency)
        for name, schedule in self.schedules.items():
            if schedule.changes:
                raise ValueError(f"schedules.{name}: since is for scenarios; a problem has no date")
        names = [call.name for call in self.calls]
        for call in self.calls:
            if names.count(call.name) > 1:
                raise ValueError(f"calls: two are named {call.name}")
            if call.schedule not in self.schedules:
                known = ", ".join(self.schedules)
                raise ValueError(
                    f"calls: {call.name}: no schedule {call.schedule} (known: {known})"
                )
        return self

    @classmethod
    def load(cls, name: str | Path) -> AllocationProblem:
        """Read a problem's file, or a bundled problem by its name.

        Raises:
            InputError: no such problem, not TOML, or a key that is wrong.
        """
        path = find_file(name, bundled_problems(), "problem")
        return checked(cls, read_toml(path), str(path), path.parent)


def find_any(name: str | Path) -> Path:
    """The file of a scenario, an experiment or a problem, by its path or by a bundled name.

    Raises:
        InputError: there is none.
    """
    known = {**bundled(), **bundled_experiments(), **bundled_problems()}
    return find_file(name, known, "scenario, experiment or problem")


def bundled_problems() -> dict[str, Path]:
    """The bundled problems by name."""
    return {path.stem: path for path in sorted((LIBRARY / "problems").glob("*.toml"))}
