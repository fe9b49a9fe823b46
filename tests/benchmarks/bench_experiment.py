"""What the engine costs beside the runs, what a second worker brings, and whether memory is flat.

    python tests/benchmarks/bench_experiment.py overhead|speed|memory [--runs N]

Prints a line of JSON for each measurement. The machine should have nothing else to do.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from abm.experiment.design import Design
from abm.experiment.execute import run_experiment
from abm.experiment.plan import Plan
from abm.experiment.runs import Common, simulate
from abm.model import CollateralMarket
from scenarios.experiment import Experiment

TINY: dict[str, Any] = {
    "window": {"start": "2024-01-01", "end": "2024-01-04"},
    "prices": {"source": "gbm", "tokens": ["A"], "initial": 100.0, "volatility": 0.03},
    "loan": {"principal": 10_000.0},
}
HALF_A_SECOND: dict[str, Any] = {
    **TINY,
    "window": {"start": "2024-01-01", "end": "2024-07-01"},
    "participants": {"lenders": 100, "borrowers": 1200},
    "network": {"topology": "random-bipartite", "lenders_per_borrower": 20},
}


def sweep(scenario: dict[str, Any], runs: int) -> Experiment:
    """So many replications of a scenario."""
    table = {"experiment": {"scenario": scenario, "replications": runs}, "name": "benchmark"}
    return Experiment.parse(table, "benchmark")


def seconds_of(experiment: Experiment, workers: int) -> float:
    """Seconds for an experiment, those for starting processes included."""
    with tempfile.TemporaryDirectory() as folder:
        return run_experiment(experiment, Path(folder) / "out", workers=workers, quiet=True).seconds


def seconds_between_parts(experiment: Experiment, workers: int) -> float:
    """Seconds a run, from the end of the first part to the end of the last: nothing but runs."""
    plan = Plan.of(experiment)
    with tempfile.TemporaryDirectory() as folder:
        run_experiment(experiment, Path(folder) / "out", workers=workers, quiet=True)
        ends = sorted(part.stat().st_mtime for part in Path(folder, "out", "runs").iterdir())
    return (ends[-1] - ends[0]) / (plan.runs - plan.part_size)


def cpu_seconds(experiment: Experiment, workers: int) -> float:
    """Processor time of this process and its workers for an experiment."""
    before = _used()
    seconds_of(experiment, workers)
    return _used() - before


def _used() -> float:
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def overhead(runs: int) -> None:
    """Processor time a run, bare and in experiments.

    An experiment of three times as many runs less one of so many: what is paid once, for starting
    processes and importing packages, drops out. Processor time, since other programs on the machine
    disturb it less than they do a clock.
    """
    experiment, longer = sweep(TINY, runs), sweep(TINY, 3 * runs)
    common = Common.of(Plan.of(experiment), "")
    CollateralMarket(experiment.scenario, rng=1).run().release()
    start = _used()
    for replication in range(2 * runs):
        simulate(common, Design(0, {}, {}), replication)
    bare = (_used() - start) / (2 * runs)
    here, there = (
        (cpu_seconds(longer, workers) - cpu_seconds(experiment, workers)) / (2 * runs)
        for workers in (0, 1)
    )
    tell(what="processor seconds a run", runs=runs, bare=bare, in_process=here, one_worker=there)


def speed(runs: int) -> None:
    """Seconds with one and with two workers."""
    experiment = sweep(HALF_A_SECOND, runs)
    market = CollateralMarket(experiment.scenario, rng=1).run()
    market.release()
    common = Common.of(Plan.of(experiment), "")
    start = time.perf_counter()
    simulate(common, Design(0, {}, {}), 0)
    one_run = time.perf_counter() - start
    one, two = (seconds_between_parts(experiment, workers) for workers in (1, 2))
    tell(what="seconds a run", runs=runs, alone=one_run, one=one, two=two, speed_up=one / two)


def memory(runs: int) -> None:
    """Resident memory of this process and of two workers, over the course of an experiment."""
    experiment = sweep(TINY, runs)
    with watched() as samples:
        seconds = seconds_of(experiment, 2)
    third = len(samples) // 3
    for name, part in (
        ("first third", samples[third // 2 : third]),
        ("end", samples[-third // 2 :]),
    ):
        client = max(sample[0] for sample in part) / 2**20
        workers = max(sample[1] for sample in part) / 2**20
        tell(what="memory in MB", when=name, runs=runs, client=client, workers=workers)
    tell(what="seconds", runs=runs, seconds=seconds)


@contextmanager
def watched() -> Iterator[list[tuple[int, int]]]:
    """Resident memory twice a second: of this process, and of the largest other one."""
    samples: list[tuple[int, int]] = []
    over = threading.Event()

    def watch() -> None:
        me = psutil.Process()
        while not over.wait(0.5):
            sizes = [0]
            for child in me.children(recursive=True):
                try:
                    sizes.append(child.memory_info().rss)
                except psutil.Error:
                    continue
            samples.append((me.memory_info().rss, max(sizes)))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def tell(**measured: Any) -> None:
    """One line of JSON."""
    print(json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in measured.items()}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("overhead", "speed", "memory"))
    parser.add_argument("--runs", type=int)
    given = parser.parse_args()
    defaults = {"overhead": 1000, "speed": 200, "memory": 10_000}
    measure = {"overhead": overhead, "speed": speed, "memory": memory}[given.what]
    measure(given.runs or defaults[given.what])
