"""A sweep of small markets: runs a second, and what a run costs beside its days."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from subprocess import Popen
from time import perf_counter, process_time, sleep
from types import ModuleType
from typing import Any

import mesa

from abm.commands.benchmarks.market import comparisons
from abm.commands.benchmarks.measurement import Measurement
from abm.experiments.execute import run_experiment
from abm.experiments.plan import Plan, seed_of
from abm.experiments.runs import Common, Job, run_job
from abm.model import CollateralMarket
from scenarios.experiment import Experiment
from scenarios.scenario import Scenario

BUNDLED = "paper-models"
"""The sweep that is measured."""

TURNS = 3
"""How often each part of a sweep is done in each way; the fastest counts."""

TWENTY_LOANS: dict[str, Any] = {
    "participants": {"lenders": 5, "borrowers": 10, "dealers": 0},
    "network": {"topology": "random-bipartite", "lenders_per_borrower": 2},
    "agreement": {"model": 4},
    "loan": {"principal": 1_000_000.0, "spread": {"kind": "lognormal"}},
}
"""What the bundled sweep's scenario becomes beside one object a loan."""

QUIET: dict[str, Any] = {
    "loan.start": 0,
    "participants.issuance_capacity": "unlimited",
    "participants.lenders": 32,
    "participants.borrowers": 66,
}
"""With this the markets of the bundled sweep have some 200 loans, all of which begin on day 0, and
nobody is ever short: all days of a run are one stretch."""

ASKED = {
    "days of the quiet sweep": "at most 1.75 ms/run",
    "opening of the quiet sweep": "under 1 ms/run",
    "engine on the quiet sweep": "at most twice its days, 0.5 x",
    "the quiet sweep with two workers": "at least 500 runs/s",
}
"""What runs of 200 loans are to come to."""

OBJECT_RUNS = 20


def sweep(runs: int) -> Iterator[Measurement]:
    """Runs of the bundled sweep in three ways in this process, by two workers, and as objects; and
    how long a command takes to its first run.

    Args:
        runs: at least so many, the same number of each design.
    """
    experiment = Experiment.load(BUNDLED)
    designs = len(Plan.of(experiment).designs)
    experiment = experiment.with_settings({}, replications=-(-runs // designs))
    for changes, which, asked in (({}, "the sweep", {}), (QUIET, "the quiet sweep", ASKED)):
        changed = experiment.with_settings(changes)
        measured = chain(_in_this_process(changed, which), _with_workers(changed, which))
        yield from (replace(one, asked=asked.get(one.name, "")) for one in measured)
    benchmarks = comparisons("object_market")
    if benchmarks is not None:
        yield from _against_objects(experiment, benchmarks)
    with tempfile.TemporaryDirectory() as folder:
        seconds = min(_to_the_first_run(Path(folder) / str(turn)) for turn in range(TURNS))
    yield Measurement("command to its first run", 1, seconds, "s", asked="at most 1.5 s")


def _in_this_process(experiment: Experiment, which: str) -> Iterator[Measurement]:
    """Days alone, opening, a loop over markets, and the engine, turn by turn: processor time a
    run."""
    plan = Plan.of(experiment)
    _loop([_market(plan, 0)])  # loads code
    with tempfile.TemporaryDirectory() as folder:
        common = Common.of(plan, folder)
        seconds = [0.0, 0.0, 0.0, 0.0]
        for runs in plan.parts(range(plan.runs)):
            job = Job.of(plan, runs)
            ways = (_days, _opening, _loop, lambda _, job=job: _taken(run_job, common, job))
            markets = [_market(plan, run) for run in runs]
            for way, found in enumerate(min(one(markets) for _ in range(TURNS)) for one in ways):
                seconds[way] += found
    names = tuple(
        f"{way} {which}" for way in ("days of", "opening of", "loop over markets of", "engine on")
    )
    days = seconds[0]
    for name, found in zip(names, seconds, strict=True):
        compared = () if name == names[0] else (names[0], days / found)
        yield Measurement(name, plan.runs, 1e3 * found / plan.runs, "ms/run", *compared)


def _market(plan: Plan, run: int) -> Callable[[], CollateralMarket]:
    """What opens the market of a run."""
    scenario_id, replication = divmod(run, plan.experiment.replications)
    scenario = plan.scenario(plan.designs[scenario_id])
    return lambda: CollateralMarket(scenario, rng=seed_of(plan.experiment, replication))


def _days(markets: list[Callable[[], CollateralMarket]]) -> float:
    """Seconds that the days of some markets take, once these are open."""
    opened = [market() for market in markets]
    seconds = sum(_taken(market.run_days) for market in opened)
    for market in opened:
        market.release()
    return seconds


def _opening(markets: list[Callable[[], CollateralMarket]]) -> float:
    """Seconds that some markets take to open, prices and network drawn."""
    return sum(_taken(lambda market=market: market().release()) for market in markets)


def _loop(markets: list[Callable[[], CollateralMarket]]) -> float:
    """Seconds that the same loop in a script takes, tables left out."""
    return sum(_taken(lambda market=market: market().run().release()) for market in markets)


def _taken(action: Callable[..., object], *arguments: Any) -> float:
    start = process_time()
    action(*arguments)
    return process_time() - start


def _with_workers(experiment: Experiment, which: str) -> Iterator[Measurement]:
    """The whole sweep by the clock, from planning to closing."""
    with tempfile.TemporaryDirectory() as folder:
        start = perf_counter()
        finished = run_experiment(experiment, Path(folder) / "out", workers=2)
        seconds = perf_counter() - start
    rate = finished.runs / seconds
    yield Measurement(f"{which} with two workers", finished.runs, rate, "runs/s")


def _to_the_first_run(out: Path) -> float:
    """Seconds from `collateral run` until the first run of a sweep is stored, by the clock."""
    command = [sys.executable, "-m", "abm", "run", BUNDLED, "--replications", "1", "--workers", "2"]
    start = perf_counter()
    with Popen([*command, "--quiet", "--out", str(out)]) as running:
        while running.poll() is None and not list(out.glob("runs/*.parquet")):
            sleep(0.005)
        seconds = perf_counter() - start
    if running.returncode:
        raise RuntimeError(f"collateral run ended with {running.returncode}")
    return seconds


def _against_objects(experiment: Experiment, benchmarks: ModuleType) -> Iterator[Measurement]:
    """Runs of twenty loans by the engine and, one Python object a loan, by Mesa's batch runner."""
    table = experiment.scenario.model_dump(exclude_unset=True)
    small = Experiment.single(
        Scenario.parse({**table, **TWENTY_LOANS}, "benchmark"), replications=OBJECT_RUNS
    )
    plan = Plan.of(small)
    job = Job.of(plan, list(range(plan.runs)))

    def batch() -> None:
        parameters = {"scenario": [small.scenario], "replication": list(range(OBJECT_RUNS))}
        mesa.batch_run(
            benchmarks.PlainRun, parameters, data_collection_period=1, display_progress=False
        )

    with tempfile.TemporaryDirectory() as folder:
        common = Common.of(plan, folder)
        times = [(_taken(run_job, common, job), _taken(batch)) for _ in range(TURNS)]
    engine, objects = (min(column) for column in zip(*times, strict=True))
    name = "run of 20 objects by Mesa's batch runner"
    yield Measurement(name, OBJECT_RUNS, 1e3 * objects / OBJECT_RUNS, "ms/run")
    yield Measurement(
        "run of 20 loans by the engine",
        OBJECT_RUNS,
        1e3 * engine / OBJECT_RUNS,
        "ms/run",
        name,
        objects / engine,
        "at least 30 x",
    )
