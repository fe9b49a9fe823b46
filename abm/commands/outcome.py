"""How an experiment went, for programs and for those who want to know more."""

from __future__ import annotations

import logging
from typing import Any

import click

from abm.experiments.execute import Finished
from abm.experiments.plan import Plan
from abm.experiments.store import Store
from scenarios.errors import InputError
from scenarios.experiment import Experiment


def as_table(finished: Finished) -> dict[str, Any]:
    """The means over runs of all statistics of each design, with their 95 % intervals."""
    from analysis import read_results
    from analysis.summary import summarise

    results = read_results(finished.folder)
    runs = results.all_runs
    done = runs[runs["status"] == "ok"]
    columns = list(results.table("runs").columns)
    statistics = columns[columns.index("days") :]
    table = finished._asdict() | {
        "errors": runs.loc[runs["status"] == "failed", "error"].value_counts().to_dict()
    }
    keys = ["scenario_id", *results.factors]
    rows = summarise(done, statistics, keys).to_dict("records") if len(done) else []
    designs: dict[int, dict[str, Any]] = {}
    for row in rows:
        design = designs.setdefault(
            row["scenario_id"],
            {
                "scenario_id": row["scenario_id"],
                "factors": {name.removeprefix("factor."): row[name] for name in results.factors},
                "runs": row["runs"],
                "statistics": {},
            },
        )
        design["statistics"][row["metric"]] = {
            name: row[name] for name in ("mean", "low", "high") if name == "mean" or row["runs"] > 1
        }
        design["sources"] = row["sources"]
    return table | {"designs": list(designs.values())}


def begun(experiment: Experiment) -> str:
    """What an experiment comes to, in a line.

    Raises:
        InputError: its designs are too many, or wrong.
    """
    plan = Plan.of(experiment)
    return (
        f"{experiment.name}: {len(plan.designs):,} designs, {experiment.replications:,} runs of"
        f" each; seed {experiment.seed}; tables {', '.join(plan.tables)}"
    )


def interrupted(folder: str, overwrite: bool) -> KeyboardInterrupt:
    """What to say of an experiment that was interrupted, and how to go on with it."""
    store = Store(folder)
    try:
        manifest = store.read_manifest()
        stored = len(store.finished()) if manifest is not None else 0
    except InputError:
        manifest = None
    if manifest is None:
        return KeyboardInterrupt()
    instead = " instead of --overwrite" if overwrite else ""
    return KeyboardInterrupt(
        f"{stored:,} of {manifest['runs']:,} runs are stored; the same command with"
        f" --resume{instead} goes on"
    )


def show_failures(*, shown: bool) -> None:
    """Print each error of a run as it happens, in full, and the same one only once; or do not."""
    logger = logging.getLogger("abm.experiments.runs")
    logger.handlers = [_Told()] if shown else []
    logger.setLevel(logging.INFO if shown else logging.WARNING)


class _Told(logging.Handler):
    """Prints to standard error what was not printed before."""

    def __init__(self) -> None:
        super().__init__()
        self._told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Print a message."""
        text = record.getMessage()
        if text not in self._told:
            self._told.add(text)
            click.echo(f"a run failed:\n{text}", err=True)
