"""What varies in an experiment: levels, ranges, named alternatives, and designs one by one."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isinf
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from scenarios.checking import checked
from scenarios.errors import InputError, named, nearest
from scenarios.fields import SHORT, as_changes, field_types
from scenarios.table import Table

MOST_DESIGNS = 1_000_000
"""Designs of an experiment: all of them are made and written down before the first run."""


class Range(Table):
    """Numbers between two ends: evenly spaced if `levels` is given, else sampled."""

    low: Annotated[float, Field(allow_inf_nan=False)]
    high: Annotated[float, Field(allow_inf_nan=False)]
    levels: Annotated[int, Field(ge=2, le=MOST_DESIGNS)] | None = None
    """So many values at even distances, both ends among them, crossed with everything else."""
    scale: Literal["linear", "log"] = "linear"
    decimals: Annotated[int, Field(ge=0, le=12)] = 6
    """Places that values are rounded to: ratios of an agreement are exact fractions."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.high <= self.low:
            raise ValueError(f"high ({self.high:g}) must lie above low ({self.low:g})")
        if isinf(self.high - self.low):
            raise ValueError("low and high lie too far apart")
        if self.scale == "log" and self.low <= 0:
            raise ValueError("a log scale needs a low above 0")
        return self


@dataclass(frozen=True)
class Factors:
    """Everything that varies, by the name of the factor.

    A factor's name is the dotted name of a field, `model` for the paper's models, or the name of a
    set of alternatives.
    """

    levels: dict[str, list[Any]] = field(default_factory=dict)
    """Values that are crossed with everything else."""
    ranges: dict[str, Range] = field(default_factory=dict)
    alternatives: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """By the name of the alternative what it changes, by dotted names of fields."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """Designs given one by one."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing varies."""
        return not (self.levels or self.ranges or self.alternatives or self.rows)

    @property
    def fields(self) -> set[str]:
        """The fields of the scenario that vary, by dotted names."""
        named = {SHORT.get(name, name) for name in (*self.levels, *self.ranges, *self.in_rows)}
        chosen = self.alternatives.values()
        return (named - self.alternatives.keys()) | {
            name for each in chosen for changes in each.values() for name in changes
        }

    @property
    def sampled(self) -> dict[str, Range]:
        """The ranges that are sampled."""
        return {name: given for name, given in self.ranges.items() if given.levels is None}

    @property
    def in_rows(self) -> list[str]:
        """The factors of the designs that are given one by one."""
        return list(self.rows[0]) if self.rows else []

    def changes(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What a design changes in the scenario, by dotted names of fields."""
        changes: dict[str, Any] = {}
        for factor, value in values.items():
            if factor in self.alternatives:
                changes.update(self.alternatives[factor][value])
            else:
                changes[SHORT.get(factor, factor)] = value
        return changes


def read_factors(
    factors: Mapping[str, Any],
    alternatives: Mapping[str, Mapping[str, Mapping[str, Any]]],
    designs: list[dict[str, Any]] | str,
    folder: Path,
) -> Factors:
    """Check the tables of an experiment file that say what varies.

    Raises:
        InputError: naming the first entry that is wrong.
    """
    found = Factors()
    _read_levels(factors, found)
    for factor, entries in alternatives.items():
        if not entries:
            raise InputError(f"alternatives.{factor}: there is none")
        found.alternatives[factor] = {
            name: _changes(changes, f"alternatives.{factor}.{name}")
            for name, changes in entries.items()
        }
    if isinstance(designs, str):
        found.rows.extend(_read_csv(folder / designs, found))
    else:
        found.rows.extend(_dotted(row, found) for row in designs)
    _check_rows(found, designs if isinstance(designs, str) else "designs")
    _check_twice(found)
    return found


def read_changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes that all designs have in common, by dotted names of fields."""
    return _changes(changes, "changes")


def _changes(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    with named(where):
        return as_changes(table)


def _read_levels(table: Mapping[str, Any], found: Factors, prefix: str = "") -> None:
    """Sort into levels and ranges; `a.b = […]` without quotes is a table in a table."""
    for key, value in table.items():
        factor = f"{prefix}.{key}" if prefix else key
        place = f"factors: {factor}"
        if isinstance(value, dict) and not value.keys() & Range.model_fields.keys():
            _read_levels(value, found, factor)
            continue
        kinds = _kinds(factor, "factors")
        if isinstance(value, list) and value:
            _refuse_tables(value, place)
            for level in value:
                if value.count(level) > 1:
                    raise InputError(f"{place}: {level!r} is there twice")
            found.levels[factor] = value
        elif isinstance(value, dict):
            if not {int, float} & set(kinds):
                raise InputError(f"{place}: a range needs a field that is a number")
            found.ranges[factor] = checked(Range, value, place)
        else:
            raise InputError(
                f"{place}: expected a list of values, or {{ low = …, high = … }} (it is {value!r})"
            )


def _dotted(row: Mapping[str, Any], found: Factors) -> dict[str, Any]:
    """A design by dotted names: `a.b = …` without quotes is a table in a table."""
    fields: dict[str, Any] = {}
    for name, value in row.items():
        is_table = isinstance(value, dict) and name not in found.alternatives
        fields |= _changes({name: value}, "designs") if is_table else {name: value}
    return fields


def _check_rows(found: Factors, origin: str) -> None:
    for number, row in enumerate(found.rows, 1):
        place = f"{origin}: design {number}"
        if row.keys() != found.rows[0].keys():
            other = min(row.keys() ^ found.rows[0].keys())
            raise InputError(f"{place}: all designs must set the same fields, not {other} in some")
        for factor, value in row.items():
            if factor not in found.alternatives:
                _kinds(factor, place)
                _refuse_tables([value], f"{place}: {factor}")
            elif value not in found.alternatives[factor]:
                there = found.alternatives[factor]
                near, known = nearest(value, there), ", ".join(there)
                raise InputError(
                    f"{place}: {factor}: no alternative {value!r}{near} (known: {known})"
                )


def _check_twice(found: Factors) -> None:
    """Refuse a field that varies in two ways, of which one would not act."""
    own = [name for name in found.in_rows if name not in found.alternatives]
    varied = [("factors", [*found.levels, *found.ranges]), ("designs", own)]
    for factor, entries in found.alternatives.items():
        fields = dict.fromkeys(field for changes in entries.values() for field in changes)
        varied.append((f"alternatives.{factor}", list(fields)))
    seen: dict[str, str] = {}
    for group, names in varied:
        for name in names:
            field_name = SHORT.get(name, name)
            if field_name in seen:
                raise InputError(f"{name} varies twice, in {seen[field_name]} and in {group}")
            seen[field_name] = group
    taken = {*found.levels, *found.ranges} & found.alternatives.keys()
    if taken:
        raise InputError(f"{min(taken)} varies twice, in factors and in alternatives")


def _kinds(factor: str, place: str) -> tuple[Any, ...]:
    try:
        return field_types(SHORT.get(factor, factor))
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def _refuse_tables(values: list[Any], place: str) -> None:
    if any(isinstance(value, dict) for value in values):
        raise InputError(f"{place}: a table has no name to go by; use [alternatives.<factor>]")


def _read_csv(path: Path, found: Factors) -> list[dict[str, Any]]:
    """Designs from a CSV file: a column a factor, a row a design."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [line for line in csv.reader(file) if any(line)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read ({reason})") from None
    if len(lines) < 2:
        raise InputError(f"{path}: expected a header with the fields to vary, and a row a design")
    header = [name.strip() for name in lines[0]]
    rows = []
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(header) or not all(cell.strip() for cell in line):
            raise InputError(f"{path}: row {number}: expected {len(header)} values, none empty")
        rows.append(
            {
                name: cell.strip() if name in found.alternatives else _cell(name, cell.strip())
                for name, cell in zip(header, line, strict=True)
            }
        )
    return rows


def _cell(factor: str, text: str) -> Any:
    """A cell as the kind of value that its field takes."""
    kinds = _kinds(factor, "header")
    if str in kinds and not {int, float, bool} & set(kinds):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
