"""What the columns of a results folder mean, and their types in Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from typing import Any

import pandas as pd
import pyarrow as pa

from abm.measures.columns import COUNT, DAYS, EVENTS, LOANS, NAME, PARTICIPANTS, TOKENS, Column
from abm.tables.frames import LEVELS, summarise

TABLES = ("runs", "days", "events", "participants", "loans")
"""All tables, the first two of which are always written."""

FACTOR = "factor."
"""Prefix of the columns of `runs` that hold what varies."""

POSTED = "posted_"
"""Prefix of the columns of `loans` that hold the collateral, token by token."""

KEYS: dict[str, Column] = {
    "scenario_id": Column("id", "The design: the same for all runs with the same factors."),
    "replication_id": Column(
        "id",
        "The replication: runs with the same one see the same random numbers in every design.",
    ),
}
"""The first columns of every table."""

RUN: dict[str, Column] = {
    "status": Column(NAME, "ok or failed."),
    "error": Column(NAME, "Why the run failed; empty if it did not."),
    "seed": Column(
        "id",
        "Seed of the experiment. The run's own is"
        " `numpy.random.SeedSequence(seed, spawn_key=(replication_id,))`.",
    ),
}
"""Columns of `runs` between the keys and the factors."""

_OWN = {
    "days": Column("day", "Days simulated, day 0 left out; the other statistics are over these."),
    "peak_liquidity_demand": Column("money", "Largest value called from borrowers in a day."),
    "defaults": Column(COUNT, "Defaults of all causes."),
    "loss_given_default": Column(
        "share", "Close-out losses over exposure at default; empty without a default."
    ),
}

_INTEGER = {COUNT, TOKENS, "day", "id"}
_ARROW = {"date": pa.timestamp("us")}


@cache
def summary_columns() -> dict[str, Column]:
    """The summary statistics of a run: what `abm.tables.frames.summarise` gives, described."""
    columns = {}
    for name in _example():
        if name in _OWN:
            columns[name] = _OWN[name]
            continue
        daily, _, suffix = name.rpartition("_")
        how = {"mean": "Mean over the days", "max": "Largest over the days"}.get(suffix)
        if how is None or daily not in DAYS:
            daily, how = name, "Total over the days"
        columns[name] = Column(DAYS[daily].unit, f"{how}. {DAYS[daily].meaning}")
    return columns


def table_columns(table: str) -> dict[str, Column]:
    """The columns of a table, apart from factors and the collateral by token."""
    rest = {
        "runs": {**RUN, **summary_columns()},
        "days": DAYS,
        "events": EVENTS,
        "participants": PARTICIPANTS,
        "loans": LOANS,
    }
    return {**KEYS, **rest[table]}


def table_schema(
    table: str, factors: Mapping[str, pa.DataType] | None = None, tokens: Iterable[str] = ()
) -> pa.Schema:
    """The Parquet schema of a table; units and meanings are metadata of the fields.

    Args:
        table: one of `TABLES`.
        factors: types of the factors, by name without prefix; they are columns of `runs`.
        tokens: tokens that can be posted; they are columns of `loans`.
    """
    example = _example()
    fields = []
    for name, column in table_columns(table).items():
        whole = column.unit in _INTEGER
        if table == "runs" and name in example:
            # A mean of counts is no count.
            whole = isinstance(example[name], int)
        kind = _ARROW.get(name) or (
            pa.string() if column.unit == NAME else pa.int64() if whole else pa.float64()
        )
        fields.append(_field(name, kind, column))
        if table == "runs" and name == "seed":
            for factor, factor_kind in (factors or {}).items():
                described = Column("", f"What {factor} was set to in this design.")
                fields.append(_field(FACTOR + factor, factor_kind, described))
    if table == "loans":
        for token in tokens:
            described = Column(TOKENS, f"{token} that secures the loan's account.")
            fields.append(_field(POSTED + token, pa.int64(), described))
    return pa.schema(fields)


def factor_type(values: Iterable[Any]) -> pa.DataType:
    """The Parquet type that holds all values of a factor; text if they are of different kinds."""
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {int}:
        return pa.int64()
    if kinds and kinds <= {int, float}:
        return pa.float64()
    if kinds == {date}:
        return pa.date32()
    return pa.string()


def _field(name: str, kind: pa.DataType, column: Column) -> pa.Field:
    return pa.field(name, kind, metadata={"unit": column.unit, "meaning": column.meaning})


@cache
def _example() -> dict[str, float]:
    """A summary of two days on which nothing happened: its names and kinds of numbers."""
    assert set(LEVELS) <= set(DAYS)
    return summarise(pd.DataFrame({name: [0, 1] if name == "day" else [0, 0] for name in DAYS}))
