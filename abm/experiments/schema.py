"""What the columns of a results folder mean, and their types in Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from abm.measures.measure import COUNT, FLAG, NAME, TOKENS, Measure
from abm.measures.standard import MEASURES
from abm.measures.summary import statistics
from abm.tables.meanings import EVENTS, EXPOSURES, LOANS, PARTICIPANTS, Column, day_columns

TABLES = ("runs", "days", "events", "participants", "loans", "exposures")
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
        "Seed of the experiment. The run's own is `RunSeed(seed, network_id, path_id)`.",
    ),
    "network_id": Column(
        "id",
        "Whose network the run has: that of the replication with this number. Without crossing it"
        " is the replication_id.",
    ),
    "path_id": Column("id", "Whose prices the run has, likewise."),
    "one_history": Column(
        FLAG,
        "Whether prices are history as it was, the same in every run of the design: what differs"
        " between its runs holds no market risk.",
    ),
}
"""Columns of `runs` between the keys and the factors."""

_INTEGER = {COUNT, TOKENS, "day", "id"}
_ARROW = {"date": pa.timestamp("us")}
_OTHER = {NAME: pa.string(), FLAG: pa.bool_()}


def summary_columns(measures: Iterable[Measure] = MEASURES) -> dict[str, Column]:
    """The summary statistics of a run, described."""
    return {one.name: Column(one.unit, one.meaning, one.label) for one in statistics(measures)}


def table_columns(table: str, measures: Iterable[Measure] = MEASURES) -> dict[str, Column]:
    """The columns of a table, apart from factors and the collateral by token."""
    rest = {
        "runs": {**RUN, **summary_columns(measures)},
        "days": day_columns(measures),
        "events": EVENTS,
        "participants": PARTICIPANTS,
        "loans": LOANS,
        "exposures": EXPOSURES,
    }
    return {**KEYS, **rest[table]}


def table_schema(
    table: str,
    factors: Mapping[str, pa.DataType] | None = None,
    tokens: Iterable[str] = (),
    measures: Sequence[Measure] = MEASURES,
) -> pa.Schema:
    """The Parquet schema of a table; units and meanings are metadata of the fields.

    Args:
        table: one of `TABLES`.
        factors: types of the factors, by name without prefix; they are columns of `runs`.
        tokens: tokens that can be posted; they are columns of `loans`.
        measures: of each day, and summed up in each run.
    """
    # A mean of counts is no count.
    told = {one.name: one.whole for one in statistics(measures)} if table == "runs" else {}
    fields = []
    for name, column in table_columns(table, measures).items():
        whole = told.get(name, column.unit in _INTEGER)
        kind = _ARROW.get(name) or (
            _OTHER.get(column.unit) or (pa.int64() if whole else pa.float64())
        )
        fields.append(_field(name, kind, column))
        if table == "runs" and name == "one_history":
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
    metadata = {"unit": column.unit, "meaning": column.meaning}
    told = {"label": column.label, "kind": column.kind}
    metadata |= {key: value for key, value in told.items() if value}
    return pa.field(name, kind, metadata=metadata)
