"""Runs jobs: in this process, in some processes beside it, or on a Dask cluster elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from abm.experiments.processes import Processes
from abm.experiments.runs import Common, Job, Outcome, run_job

_DEATHS = 2
"""Workers that a job may lose before its runs are tried apart."""


class Workers(Protocol):
    """Processes that do jobs side by side."""

    def together(self, jobs: Iterator[Job]) -> Iterator[tuple[Job, Outcome | None]]:
        """Do jobs; the outcome of each as it ends, or None if its workers died."""


def cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def outcomes(
    common: Common, jobs: Iterator[Job], runs: int, workers: int | None, scheduler: str | None
) -> Iterator[Outcome]:
    """Do the jobs, and say of each how it went, in the order in which they end.

    Args:
        common: what the jobs have in common.
        jobs: what to do; asked for as there is room.
        runs: how many they are; a single one needs no other process.
        workers: processes to start; 0 for none, to run everything in this one; all cores if None.
        scheduler: address of a running Dask scheduler to use instead.

    Raises:
        InputError: no scheduler answers, or it is lost; or a part cannot be written.
    """
    if scheduler is None and (workers == 0 or runs == 1):
        return (run_job(common, job) for job in jobs)
    return _by_workers(common, jobs, _hired(common, workers or cores(), scheduler))


def _hired(common: Common, workers: int, scheduler: str | None) -> AbstractContextManager[Workers]:
    if scheduler is None:
        return Processes(common, workers, _DEATHS)
    # Half a second of imports, for those who have a cluster.
    from abm.experiments.cluster import cluster_at

    return cluster_at(scheduler, common)


def _by_workers(
    common: Common, jobs: Iterator[Job], hired: AbstractContextManager[Workers]
) -> Iterator[Outcome]:
    with hired as workers:
        suspects: list[Job] = []
        for job, outcome in workers.together(jobs):
            if outcome is None:
                suspects.append(job)
            else:
                yield outcome
        while suspects:
            job, *suspects = suspects
            # Beside others it may have died of their memory; alone, it is to blame itself.
            ((_, outcome),) = workers.together(iter([job]))
            if outcome is not None:
                yield outcome
            elif len(job.runs) > 1:
                suspects = [*job.halves(), *suspects]
            else:
                reason = f"its worker died {_DEATHS + 1} times (out of memory?)"
                yield run_job(common, job, failure=reason)
