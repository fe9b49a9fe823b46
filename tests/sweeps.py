"""Small experiments, and their tables in a form that can be compared to the last bit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from abm.experiments import runs
from abm.experiments.schema import TABLES
from scenarios.experiment import Experiment

SCENARIO: dict[str, Any] = {
    "name": "tiny",
    "window": {"start": "2024-01-01", "end": "2024-01-09"},
    "prices": {"source": "gbm", "tokens": ["A", "B"], "initial": 100.0, "volatility": 0.03},
    "loan": {"principal": 10_000.0, "spread": {"kind": "lognormal"}},
    "participants": {"lenders": 2, "borrowers": 3},
    "network": {"topology": "random-bipartite", "lenders_per_borrower": 1},
}


def table_of(
    scenario: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    **tables: Any,
) -> dict[str, Any]:
    """An experiment file: three replications of two models, if nothing else is said."""
    spec = {"scenario": {**SCENARIO, **(scenario or {})}, "replications": 3, **(settings or {})}
    return {"name": "test", "experiment": spec, "factors": {"model": [1, 4]}, **tables}


def toml(table: Mapping[str, Any], prefix: str = "") -> str:
    """A table as a TOML file, a line a value."""
    lines = []
    for key, value in table.items():
        name = f"{prefix}{json.dumps(key)}"
        inner = isinstance(value, Mapping)
        lines.append(toml(value, f"{name}.") if inner else f"{name} = {json.dumps(value)}")
    return "\n".join(lines)


def sweep(
    scenario: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    **tables: Any,
) -> Experiment:
    """The experiment of `table_of`."""
    return Experiment.parse(table_of(scenario, settings, **tables), "test")


def stored(folder: Path) -> dict[str, bytes]:
    """Every table of a results folder, sorted by its identifiers, as bytes."""
    tables = {}
    for name in TABLES:
        if (folder / name).is_dir():
            table = pq.read_table(folder / name)
            order = [("scenario_id", "ascending"), ("replication_id", "ascending")]
            order += [
                (key, "ascending")
                for key in ("day", "loan_id", "participant")
                if key in table.column_names and name != "events"
            ]
            sink = pa.BufferOutputStream()
            # Sorting is not stable over rows with equal keys; events have no identifier, and one
            # run's are in one part, in order.
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table.sort_by(order).combine_chunks())
            tables[name] = sink.getvalue().to_pybytes()
    return tables


@contextmanager
def interrupted_in_run(number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the run of this number, counted from one, interrupted as by Ctrl-C."""
    simulate, calls = runs.simulate, []

    def interrupt(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == number:
            raise KeyboardInterrupt
        return simulate(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(runs, "simulate", interrupt)
        yield
