"""What a worker does: simulate some runs and write them as one part."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from abm.experiments.columns import Days
from abm.experiments.design import Design
from abm.experiments.plan import Plan, factor_cell, seed_of
from abm.experiments.schema import FACTOR, table_schema
from abm.experiments.store import Store, unwritable
from abm.measures.measure import Measure, own_measures
from abm.measures.standard import MEASURES
from scenarios.experiment import Experiment
from scenarios.kept import Kept, shared
from scenarios.scenario import Scenario


class Common(NamedTuple):
    """What all runs of an experiment have in common, as workers need it."""

    experiment: Experiment
    """Without what varies and without its file: neither is needed any more."""
    tables: tuple[str, ...]
    factor_types: dict[str, pa.DataType]
    tokens: list[str]
    folder: str

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Measures of each day, those that the scenario names among them."""
        return (*MEASURES, *own_measures(self.experiment.scenario.measures, MEASURES))

    def schemas(self) -> dict[str, pa.Schema]:
        """Of the tables that are written."""
        return {
            table: table_schema(table, self.factor_types, self.tokens, self.measures)
            for table in self.tables
        }

    @classmethod
    def of(cls, plan: Plan, folder: str) -> Common:
        """The part of a plan that workers need, and where they write to."""
        given = plan.experiment
        slim = Experiment.single(
            given.scenario,
            replications=given.replications,
            networks=given.networks,
            paths=given.paths,
            seed=given.seed,
            folder=given.folder,
        )
        return cls(slim, plan.tables, plan.factor_types, plan.tokens, folder)


class Job(NamedTuple):
    """Some runs, which become one part."""

    runs: list[int]
    designs: dict[int, Design]
    """The designs of these runs, by number."""

    @classmethod
    def of(cls, plan: Plan, runs: list[int]) -> Job:
        """The job that consists of these runs."""
        numbers = {run // plan.experiment.replications for run in runs}
        return cls(runs, {number: plan.designs[number] for number in sorted(numbers)})

    def halves(self) -> tuple[Job, Job]:
        """The job as two."""
        middle = len(self.runs) // 2
        return Job(self.runs[:middle], self.designs), Job(self.runs[middle:], self.designs)


class Outcome(NamedTuple):
    """How a job went."""

    done: int
    failed: int


class Run(NamedTuple):
    """What a run came to."""

    days: Days
    frames: dict[str, pd.DataFrame]
    """The tables beside `runs` and `days` that were asked for, without keys."""
    one_history: bool = False
    """Whether prices are history as it was."""


def run_job(common: Common, job: Job, failure: str = "") -> Outcome:
    """Simulate the runs of a job and write their part.

    A run that fails becomes a row with its error.

    Args:
        common: what is not particular to this job.
        job: what to do.
        failure: write all runs as failed for this reason, without simulating them.

    Raises:
        InputError: the part cannot be written.
    """
    schemas = shared(common).get("schemas", common.schemas)
    failed = 0
    scenarios = Kept(1)
    try:
        with Store(common.folder).part(job.runs[0], schemas) as part:
            for number in job.runs:
                scenario_id, replication_id = divmod(number, common.experiment.replications)
                design = job.designs[scenario_id]
                run, error = None, failure
                if not failure:
                    run, error = _tried(common, design, replication_id, scenarios)
                failed += run is None
                keys = {"scenario_id": scenario_id, "replication_id": replication_id}
                told = _described(common, design, replication_id, error)
                if run is None:
                    part.add_run({**keys, **told})
                    continue
                part.add_run({**keys, **told, "one_history": run.one_history}, run.days)
                for table, frame in run.frames.items():
                    part.add(table, keys, frame)
    except OSError as error:
        raise unwritable(common.folder, error) from None
    return Outcome(len(job.runs), failed)


def _tried(
    common: Common, design: Design, replication_id: int, scenarios: Kept
) -> tuple[Run | None, str]:
    """A run, or why it failed; what is kept is the scenario of the latest design."""
    try:
        scenario = scenarios.get(design.scenario_id, partial(scenario_of, common, design))
        return simulate(common, scenario, replication_id), ""
    except Exception as error:
        return None, _told(error)


def scenario_of(common: Common, design: Design) -> Scenario:
    """The scenario of a design.

    Raises:
        InputError: the changes do not make a valid one.
    """
    experiment = common.experiment
    return experiment.scenario.with_changes(design.changes, experiment.folder)


def simulate(common: Common, scenario: Scenario, replication_id: int) -> Run:
    """One run of a scenario, with its tables.

    Raises:
        InputError: the scenario cannot be simulated.
    """
    from abm.model import CollateralMarket

    market = CollateralMarket(
        scenario,
        rng=seed_of(common.experiment, replication_id),
        events="events" in common.tables,
    )
    try:
        if "events" in common.tables:  # to the end: what settles with the window is among them
            market.run()
        else:
            market.run_days()
        collected = market.datacollector
        days = Days(market.measures, collected.values, np.asarray(market.days)[: collected.days])
        frames: dict[str, pd.DataFrame] = {
            table: getattr(market, f"{table}_frame")()
            for table in common.tables
            if table not in ("runs", "days")
        }
        return Run(days, frames, scenario.prices.is_one_history)
    finally:
        market.release()


def _described(common: Common, design: Design, replication_id: int, error: str) -> dict[str, Any]:
    """What `runs` says of a run before its statistics."""
    factors = {
        FACTOR + name: factor_cell(design.factors[name], kind)
        for name, kind in common.factor_types.items()
    }
    status = "failed" if error else "ok"
    network_id, path_id = common.experiment.network_and_path(replication_id)
    whose = {"network_id": network_id, "path_id": path_id}
    return {"status": status, "error": error, "seed": common.experiment.seed, **whose, **factors}


def _told(error: Exception) -> str:
    # Imported late, as the market is: planning does without either.
    from scenarios.faults import own_traceback, told

    logging.getLogger(__name__).info("%s", own_traceback(error) or told(error))
    return told(error)
