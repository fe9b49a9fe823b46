"""Experiments: whether memory is flat, what the engine costs, what a second worker brings."""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import click

from abm.commands.benchmarks.measurement import Measurement
from abm.commands.benchmarks.memory import memory
from abm.commands.benchmarks.sweeps import BUNDLED, sweep
from abm.experiments.execute import run_experiment
from abm.experiments.plan import Plan, seed_of
from abm.experiments.runs import Common, simulate
from abm.model import CollateralMarket
from scenarios.errors import InputError
from scenarios.experiment import Experiment

TINY: dict[str, Any] = {
    "window": {"start": "2024-01-01", "end": "2024-01-04"},
    "prices": {"source": "gbm", "tokens": ["A"], "initial": 100.0, "volatility": 0.03},
    "loan": {"principal": 10_000.0},
}
"""One loan for three days: nearly all of such a run is engine."""

HALF_A_SECOND: dict[str, Any] = {
    **TINY,
    "window": {"start": "2024-01-01", "end": "2024-07-01"},
    "participants": {"lenders": 100, "borrowers": 3600},
    "network": {"topology": "random-bipartite", "lenders_per_borrower": 20},
}
"""72,000 loans for half a year: about half a second."""

WARM_UP = 2
"""Runs of the sweep that comes before, or is subtracted: one alone would start no worker."""

LEAST = {"memory": 200, "cost": 100, "speed": 2, "sweep": 20}
"""With fewer runs there is nothing to see."""


def measure(
    memory_runs: int, cost_runs: int, speed_runs: int, sweep_runs: int
) -> Iterator[Measurement]:
    """Check the sizes, then measure, memory first, while this process has done nothing else.

    Args:
        memory_runs: runs of the sweep over which memory is watched; 0 leaves it out. So for:
        cost_runs: runs of the sweeps whose cost is compared with that of their markets.
        speed_runs: runs of the sweep done by one worker and by two.
        sweep_runs: runs of the bundled sweep, whose cost is compared with that of its days.

    Raises:
        InputError: too few runs to tell anything from.
    """
    given = {"memory": memory_runs, "cost": cost_runs, "speed": speed_runs, "sweep": sweep_runs}
    for name, runs in given.items():
        if 0 < runs < LEAST[name]:
            raise InputError(
                f"--{name}-runs {runs}: must be {LEAST[name]} or more, or 0 to leave it out"
            )
    return _measured(memory_runs, cost_runs, speed_runs, sweep_runs)


def _measured(
    memory_runs: int, cost_runs: int, speed_runs: int, sweep_runs: int
) -> Iterator[Measurement]:
    if memory_runs:
        # Compiles, where that is still to do, in a process that ends: compilers need much memory.
        _sweep(replications(TINY, WARM_UP), 1)
        tell(f"{memory_runs:,} tiny runs with two workers")
        yield from memory(designs(memory_runs), workers=2)
    if cost_runs:
        yield from _cost(cost_runs)
    if sweep_runs:
        tell(f"{sweep_runs:,} runs or more of {BUNDLED}")
        yield from sweep(sweep_runs)
    if speed_runs:
        yield from _speed(speed_runs)


def replications(scenario: dict[str, Any], runs: int) -> Experiment:
    """So many replications of one scenario."""
    return _experiment({"scenario": scenario, "replications": runs})


def designs(runs: int) -> Experiment:
    """Tiny runs, ten of each design."""
    return _experiment(
        {"scenario": TINY, "replications": 10, "samples": -(-runs // 10)},
        factors={"agreement.haircut": {"low": 0.0, "high": 0.3}},
    )


def _experiment(settings: dict[str, Any], **tables: Any) -> Experiment:
    return Experiment.parse({"experiment": settings, "name": "benchmark", **tables}, "benchmark")


def _cost(runs: int) -> Iterator[Measurement]:
    """What a run costs beside building and simulating its market.

    That is: its scenario, tables and summary, their storage, and the traffic between processes.
    From a sweep with a worker one of two runs is subtracted, so that starting drops out. Processor
    time of all processes is told beside the clock, as other programs disturb it less.
    """
    experiment, least = replications(TINY, runs), replications(TINY, WARM_UP)
    tell(f"{runs:,} tiny runs in this process")
    _sweep(least, 0)

    def markets() -> None:
        for replication in range(runs):
            seed = seed_of(experiment, replication)
            CollateralMarket(experiment.scenario, rng=seed).run().release()

    alone, _ = _taken(markets)
    in_process, _ = _taken(partial(_sweep, experiment, 0))
    tell(f"{runs:,} tiny runs with a worker")
    start, start_by_clock = _taken(partial(_sweep, least, 1))
    total, total_by_clock = _taken(partial(_sweep, experiment, 1))
    worker = (total - start) / (runs - WARM_UP)
    by_clock = (total_by_clock - start_by_clock) / (runs - WARM_UP)
    alone, in_process = alone / runs, in_process / runs
    yield Measurement("tiny market alone", runs, 1e3 * alone, "ms/run")
    for name, seconds in (
        ("engine in this process", in_process),
        ("engine with a worker", worker),
        ("engine with a worker, by the clock", by_clock),
    ):
        asked = "" if name.endswith("clock") else "under 0.3 ms/run"
        yield Measurement(name, runs, 1e3 * (seconds - alone), "ms/run", asked=asked)


def _speed(runs: int) -> Iterator[Measurement]:
    """A sweep by one worker and by two, everything from planning to closing included."""
    experiment = replications(HALF_A_SECOND, runs)
    common = Common.of(Plan.of(experiment), "")
    times = [
        _taken(partial(simulate, common, experiment.scenario, replication))[1]
        for replication in range(6)
    ]
    alone = median(times[1:])  # the first loads code
    yield Measurement("half-second run alone", 1, alone, "s")
    tell(f"{runs:,} half-second runs with one worker")
    _, one = _taken(partial(_sweep, experiment, 1))
    yield Measurement("sweep with one worker", runs, one, "s")
    tell(f"{runs:,} half-second runs with two workers")
    _, two = _taken(partial(_sweep, experiment, 2))
    yield Measurement("sweep with two workers", runs, two, "s", "sweep with one worker", one / two)


def _sweep(experiment: Experiment, workers: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run_experiment(experiment, Path(folder) / "out", workers=workers)


def _taken(action: Callable[[], object]) -> tuple[float, float]:
    """Seconds for something: of processors, here and in processes that ended; and by the clock."""
    before, start = _used(), perf_counter()
    action()
    return _used() - before, perf_counter() - start


def _used() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def tell(what: str) -> None:
    """Say what comes next, beside the figures."""
    click.echo(what, err=True)
