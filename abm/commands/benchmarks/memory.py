"""Memory over the course of a sweep: of workers, and of the client with the scheduler in it."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

import numpy as np

from abm.commands.benchmarks.measurement import Measurement
from abm.experiments.execute import run_experiment
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
    """Watch a sweep with so many workers.

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
        start = perf_counter()
        with _watched(out / "runs", -(-runs // plan.part_size)) as (samples, seen):
            failed = run_experiment(experiment, out, workers=workers).failed
        seconds = perf_counter() - start
    if failed or not samples:
        raise RuntimeError(f"{failed} of {runs} runs failed, {len(samples)} samples of memory")
    for who in ("client", "worker"):
        sizes = {when: size_at(samples, who, at) / 2**20 for when, at in AT.items()}
        for when, size in sizes.items():
            compared = ("", float("nan"))
            if when == "all runs":
                compared = (f"{who} after a third", size / sizes["a third"])
            yield Measurement(f"{who} after {when}", runs, size, "MiB", *compared)
        yield Measurement(f"{who}'s growth", runs, growth(samples, who) / runs, "bytes/run")
    yield Measurement("workers replaced", runs, len(seen) - workers, "processes")
    yield Measurement("sweep of tiny runs", runs, seconds, "s")


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


@contextmanager
def _watched(folder: Path, parts: int) -> Iterator[tuple[list[Sample], set[int]]]:
    """Sample memory five times a second while the block runs.

    Args:
        folder: of the parts of `runs`, which says how far the sweep is.
        parts: so many there will be.

    Returns:
        The samples, and the process numbers of all workers seen; both fill up.
    """
    import psutil

    samples: list[Sample] = []
    seen: set[int] = set()
    over = threading.Event()

    def look(me: psutil.Process) -> None:
        sizes = {}
        for child in me.children(recursive=True):
            try:
                # The other children belong to multiprocessing itself.
                if "--multiprocessing-fork" in child.cmdline():
                    sizes[child.pid] = child.memory_info().rss
            except psutil.Error:
                continue
        stored = sum(1 for _ in folder.iterdir()) if folder.is_dir() else 0
        seen.update(sizes)
        if stored and sizes:
            samples.append(Sample(stored / parts, me.memory_info().rss, max(sizes.values())))

    def watch() -> None:
        me = psutil.Process()
        while not over.wait(0.2):
            look(me)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield samples, seen
    finally:
        over.set()
        thread.join()
