"""Memory over the course of a sweep: of workers, and of the client that they are copies of."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np

from abm.commands.benchmarks.measurement import Measurement
from abm.experiments.execute import Finished, run_experiment
from abm.experiments.plan import Plan
from scenarios.experiment import Experiment

AT = {"10 %": 0.1, "a third": 1 / 3, "two thirds": 2 / 3, "all runs": 1.0}
"""Where in the course memory is told; flat is what is as large after all runs as after a third."""

WINDOW = 0.1
"""Each is the median over this much of the course before it."""


class Sample(NamedTuple):
    """Resident memory at one moment, in bytes."""

    done: float
    """Fraction of the runs that are stored."""
    client: int
    worker: int
    """The largest worker."""


def memory(experiment: Experiment, workers: int) -> Iterator[Measurement]:
    """Watch a sweep with so many workers, from outside of its client.

    A leak shows in the growth a run, from a third of the sweep on: caches and memory pools of
    pyarrow and numba have filled by then, a leak goes on. A worker that was replaced would hide
    one, so that is told, too.

    Raises:
        RuntimeError: runs failed, or it was over before anything could be seen.
    """
    plan = Plan.of(experiment)
    runs = plan.runs
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        parts = -(-runs // plan.part_size)
        finished, samples, seen = _watched(experiment, out, workers, parts)
    if finished.failed or not samples:
        raise RuntimeError(
            f"{finished.failed} of {runs} runs failed, {len(samples)} samples of memory"
        )
    for who in ("client", "worker"):
        sizes = {when: size_at(samples, who, at) / 2**20 for when, at in AT.items()}
        for when, size in sizes.items():
            compared = ("", float("nan"))
            if when == "all runs":
                compared = (f"{who} after a third", size / sizes["a third"])
            yield Measurement(f"{who} after {when}", runs, size, "MiB", *compared)
        yield Measurement(f"{who}'s growth", runs, growth(samples, who) / runs, "bytes/run")
    yield Measurement("workers replaced", runs, len(seen) - workers, "processes")
    yield Measurement("sweep of tiny runs", runs, finished.seconds, "s")


def size_at(samples: list[Sample], who: str, at: float) -> float:
    """Median memory in bytes shortly before a point of the course; of the nearest if none was."""
    near = [getattr(s, who) for s in samples if at - WINDOW < s.done <= at]
    if not near:
        near = [getattr(min(samples, key=lambda s: abs(s.done - at)), who)]
    return median(near)


def growth(samples: list[Sample], who: str) -> float:
    """Slope of memory from a third of the course on, by least squares, in bytes a whole sweep."""
    late = [s for s in samples if s.done >= AT["a third"]]
    done = np.array([s.done for s in late])
    if len(set(done)) < 2:
        return float("nan")
    return float(np.polyfit(done, [getattr(s, who) for s in late], 1)[0])


def _watched(
    experiment: Experiment, out: Path, workers: int, parts: int
) -> tuple[Finished, list[Sample], set[int]]:
    """Run a sweep of so many parts in a process of its own, and look at it some times a part.

    Returns:
        How it went, the samples, and the process numbers of all workers seen.
    """
    import psutil

    apart = get_context("spawn")
    ours, theirs = apart.Pipe()
    client = apart.Process(target=_run, args=(theirs, experiment, out, workers))
    client.start()
    theirs.close()
    process, samples, seen = psutil.Process(client.pid), list[Sample](), Counter[int]()
    while not ours.poll(min(0.2, parts / 400)):
        sizes = {}
        for child in process.children():
            try:
                # Workers are copies of the client; it calls other programs, too.
                if child.cmdline() == process.cmdline():
                    sizes[child.pid] = child.memory_info().rss
            except psutil.Error:
                continue
        stored = sum(1 for _ in (out / "runs").iterdir()) if (out / "runs").is_dir() else 0
        seen.update(sizes.keys())
        if stored and any(sizes.values()):
            samples.append(Sample(stored / parts, process.memory_info().rss, max(sizes.values())))
    try:
        finished: Finished = ours.recv()
    except EOFError:
        raise RuntimeError("the client of the sweep has died") from None
    finally:
        client.join()
    # A program that is just being called is a copy of the client, too, for a moment.
    return finished, samples, {number for number, times in seen.items() if times > 1}


def _run(connection: Connection, experiment: Experiment, out: Path, workers: int) -> None:
    """What the client of the sweep does: as `collateral run`, whose workers are copies of it."""
    connection.send(run_experiment(experiment, out, workers=workers))
