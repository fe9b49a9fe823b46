"""Results as columns of Parquet tables: runs and days of many runs at once, frames run by run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from abm.experiments.schema import KEYS
from abm.measures.measure import Measure
from abm.measures.summary import sum_up_all


class Days(NamedTuple):
    """What was measured on the days of one run."""

    measures: tuple[Measure, ...]
    measured: npt.NDArray[np.float64]
    """Shape (measures, days)."""
    dates: npt.NDArray[np.datetime64]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the measures."""
        return tuple(measure.name for measure in self.measures)


class Summed(NamedTuple):
    """The summary statistics of some runs."""

    rows: list[int]
    """Of the runs, among those of a part."""
    columns: dict[str, npt.NDArray[Any]]
    """By name, shape (rows,)."""


def summed(runs: Sequence[tuple[int, Days]]) -> Iterator[Summed]:
    """Sum up the days of runs, given with their rows; those of as many days at once."""
    alike: dict[object, list[tuple[int, Days]]] = {}
    for row, days in runs:
        alike.setdefault((days.names, days.measured.shape), []).append((row, days))
    for some in alike.values():
        measured = np.stack([days.measured for _, days in some])
        yield Summed([row for row, _ in some], sum_up_all(measured, some[0][1].measures))


def table_of_runs(
    schema: pa.Schema, told: Sequence[Mapping[str, Any]], statistics: Sequence[Summed]
) -> pa.Table:
    """A row a run.

    Args:
        schema: of the table.
        told: what there is to tell of each run beside its statistics; what it lacks is left empty.
        statistics: of those that have any; NaN is left empty.
    """
    known = {name for row in told for name in row}
    columns = []
    for field in schema:
        if field.name in known:
            given = [row.get(field.name) for row in told]
            columns.append(pa.array(given, field.type, from_pandas=True))
            continue
        values = np.full(len(told), np.nan)
        for each in statistics:
            if field.name in each.columns:
                values[each.rows] = each.columns[field.name]
        columns.append(_filled(field, values, len(told)))
    return pa.Table.from_arrays(columns, schema=schema)


def table_of_days(schema: pa.Schema, runs: Sequence[tuple[Mapping[str, int], Days]]) -> pa.Table:
    """The days of some runs, column by column."""
    numbers = [len(days.dates) for _, days in runs]
    ready: dict[str, npt.NDArray[Any]] = {
        "day": np.concatenate([np.arange(number) for number in numbers]),
        "date": np.concatenate([days.dates for _, days in runs]).astype("datetime64[us]"),
    }
    for key in KEYS:
        ready[key] = np.repeat([keys[key] for keys, _ in runs], numbers)
    names, measures = runs[0][1].names, runs[0][1].measures
    if all(days.measures is measures or days.names == names for _, days in runs):
        values = np.concatenate([days.measured for _, days in runs], axis=1)
        ready |= dict(zip(names, values, strict=True))
    else:  # a design has measures of its own
        for name in dict.fromkeys(name for _, days in runs for name in days.names):
            ready[name] = np.concatenate([_row(days, name) for _, days in runs])
    columns = [_filled(field, ready.get(field.name), sum(numbers)) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _row(days: Days, name: str) -> npt.NDArray[np.float64]:
    if name in days.names:
        row: npt.NDArray[np.float64] = days.measured[days.names.index(name)]
        return row
    return np.full(len(days.dates), np.nan)


def _filled(field: pa.Field, values: npt.NDArray[Any] | None, number: int) -> pa.Array:
    """A column of numbers as its field has them; what is not a number is left empty."""
    if values is None:
        return pa.nulls(number, field.type)
    if values.dtype.kind != "f":
        return pa.array(values, field.type)
    missing = np.isnan(values)
    mask = missing if missing.any() else None
    if field.type == pa.int64():
        values = np.where(missing, 0, values).astype(np.int64)
    return pa.array(values, field.type, mask=mask)


def table_of_frame(schema: pa.Schema, keys: Mapping[str, int], frame: pd.DataFrame) -> pa.Table:
    """The rows of one run; columns that the frame lacks are left empty."""
    columns = [_column(field, keys.get(field.name), frame) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _column(field: pa.Field, key: int | None, frame: pd.DataFrame) -> pa.Array:
    if key is not None:
        return pa.array(np.full(len(frame), key, np.int64))
    if field.name not in frame.columns:
        return pa.nulls(len(frame), field.type)
    values = frame[field.name]
    if values.dtype.kind in "if":
        values = values.to_numpy()
    return pa.array(values, field.type, from_pandas=True)
