"""What a measure is: one number a day, and how days become a run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from scenarios.errors import InputError
from scenarios.own import load

MONEY, COUNT, SHARE, TOKENS, NAME = "money", "count", "share", "tokens", "name"
BASIS_POINTS, FLAG = "bp", "flag"

LEVEL, FLOW, PEAK, RATIO = "level", "flow", "peak", "ratio"
KINDS = {
    LEVEL: "a stand at the end of a day; a run has its mean and its largest over days",
    FLOW: "what happens on a day; a run has the total",
    PEAK: "a stand of which only the largest over days says something of a run",
    RATIO: "a ratio; a run has its mean, weighted with another measure, and its largest over days",
}
"""Kinds of measures, and how days become a run."""


@dataclass(frozen=True)
class Measure:
    """One number of a market at the end of a day.

    Declared once: the day's table, the summary of a run, the files' metadata, documents, labels of
    the report and the page take it from here.
    """

    name: str
    """Of its column."""
    unit: str
    """`money`, `count`, `share`, `bp`, `ratio`, `index` or another word; counts are whole."""
    kind: str
    """One of `KINDS`."""
    meaning: str
    """A sentence or two."""
    label: str = ""
    """In words, for figures; the name with spaces if not given."""
    weight: str = ""
    """Of a ratio: the measure that days are weighted with; all alike if not given."""
    tail: bool = False
    """Whether a run tells its 97.5 % quantile over the days, too; of a level or ratio."""
    of: Callable[[Any], float] | None = None
    """What it is of a `CollateralMarket`; None for those that the market measures together."""

    def __post_init__(self) -> None:
        """Refuse what days could not be summed up by.

        Raises:
            InputError: the kind is none of `KINDS`, or the name no name of a column.
        """
        if self.kind not in KINDS:
            raise InputError(
                f"measure {self.name}: kind {self.kind!r} is not one of {', '.join(KINDS)}"
            )
        if not self.name.isidentifier():
            raise InputError(f"measure {self.name!r}: expected a name of letters, digits and _")
        if self.weight and self.kind != RATIO:
            raise InputError(f"measure {self.name}: only a {RATIO} has a weight")

    def __reduce__(self) -> tuple[Any, ...]:
        """How it is pickled: one that a module declares by its place there.

        Its function could not be found: the measure has taken its name.
        """
        if self.of is not None:
            module, name = self.of.__module__, self.of.__name__
            if getattr(sys.modules.get(module), name, None) is self:
                return load, (f"{module}:{name}", "measures")
        return Measure, tuple(getattr(self, field.name) for field in fields(self))

    @property
    def words(self) -> str:
        """The label, or the name with spaces."""
        return self.label or self.name.replace("_", " ")


def daily(
    unit: str, kind: str, *, label: str = "", weight: str = ""
) -> Callable[[Callable[[Any], float]], Measure]:
    """Make a measure of a function of a market; its docstring says what it means.

    Args:
        unit: see `Measure`; likewise kind, label and weight.
    """

    def declare(function: Callable[[Any], float]) -> Measure:
        meaning = " ".join((function.__doc__ or "").split())
        return Measure(function.__name__, unit, kind, meaning, label, weight, of=function)

    return declare


def own_measures(given: tuple[str | Measure, ...], known: tuple[Measure, ...]) -> list[Measure]:
    """Measures of a user's own, as objects or as `module:name`.

    Args:
        given: what a scenario or a call names.
        known: those that there are already.

    Raises:
        InputError: there is no such measure, or its name is taken.
    """
    measures: list[Measure] = []
    for entry in given:
        measure = load(entry, "measures") if isinstance(entry, str) else entry
        if not isinstance(measure, Measure) or measure.of is None:
            raise InputError(
                f"measures: {entry} is not a measure; declare a function of a market with"
                " @daily(unit, kind)"
            )
        taken = {"day", "date", *(other.name for other in (*known, *measures))}
        if measure.name in taken:
            raise InputError(f"measures: there is a column {measure.name} already")
        if measure.weight and measure.weight not in taken - {"day", "date"}:
            raise InputError(
                f"measures: {measure.name}: no measure {measure.weight} to weight with"
            )
        measures.append(measure)
    return measures
