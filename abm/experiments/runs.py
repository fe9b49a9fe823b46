"""What a worker does: simulate some runs and write them as one part."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa

from abm.experiments.design import Design
from abm.experiments.plan import Plan, factor_cell, seed_of
from abm.experiments.schema import FACTOR, table_schema
from abm.experiments.store import Store, unwritable
from abm.measures.measure import Measure, own_measures
from abm.measures.standard import MEASURES
from scenarios.experiment import Experiment


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

    @classmethod
    def of(cls, plan: Plan, folder: str) -> Common:
        """The part of a plan that workers need, and where they write to."""
        given = plan.experiment
        slim = Experiment.single(
            given.scenario,
            replications=given.replications,
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
    schemas = {
        table: table_schema(table, common.factor_types, common.tokens, common.measures)
        for table in common.tables
    }
    failed = 0
    try:
        with Store(common.folder).part(job.runs[0], schemas) as part:
            for run in job.runs:
                scenario_id, replication_id = divmod(run, common.experiment.replications)
                design = job.designs[scenario_id]
                summary: dict[str, float] = {}
                frames: dict[str, pd.DataFrame] = {}
                error = failure
                if not failure:
                    try:
                        summary, frames = simulate(common, design, replication_id)
                    except Exception as caught:
                        error = _told(caught)
                failed += bool(error)
                keys = {"scenario_id": scenario_id, "replication_id": replication_id}
                part.add_run({**keys, **_described(common, design, error), **summary})
                for table, frame in frames.items():
                    part.add(table, keys, frame)
    except OSError as error:
        raise unwritable(common.folder, error) from None
    return Outcome(len(job.runs), failed)


def simulate(
    common: Common, design: Design, replication_id: int
) -> tuple[dict[str, float], dict[str, pd.DataFrame]]:
    """The summary of one run, and its tables but `runs`, without keys.

    Raises:
        InputError: the design cannot be simulated.
    """
    from abm.model import CollateralMarket

    experiment = common.experiment
    market = CollateralMarket(
        experiment.scenario.with_changes(design.changes, experiment.folder),
        rng=seed_of(experiment, replication_id),
        events="events" in common.tables,
    )
    try:
        market.run()
        days, summary = market.days_frame(), market.summary()
        frames = {"days": days}
        for table in ("events", "participants", "loans"):
            if table in common.tables:
                frames[table] = getattr(market, f"{table}_frame")()
    finally:
        market.release()
    return summary, frames


def _described(common: Common, design: Design, error: str) -> dict[str, Any]:
    """What `runs` says of a run before its statistics."""
    factors = {
        FACTOR + name: factor_cell(design.factors[name], kind)
        for name, kind in common.factor_types.items()
    }
    status = "failed" if error else "ok"
    return {"status": status, "error": error, "seed": common.experiment.seed, **factors}


def _told(error: Exception) -> str:
    # Imported late, as the market is: planning does without either.
    from scenarios.faults import own_traceback, told

    logging.getLogger(__name__).info("%s", own_traceback(error) or told(error))
    return told(error)
