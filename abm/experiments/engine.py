"""Runs jobs: in this process, on a cluster of local processes, or on a Dask cluster elsewhere."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from abm.experiments.runs import Common, Job, Outcome, run_job
from scenarios.errors import InputError

if TYPE_CHECKING:
    from distributed import Client

_IN_FLIGHT = 1000
"""Jobs handed to the scheduler at a time, so that memory does not grow with their number."""

_TIMEOUT = "10s"
"""How long a scheduler has to answer."""

_DEATHS = 2
"""Workers that a job may lose before its runs are tried apart."""


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
    return _on_cluster(common, jobs, workers or cores(), scheduler)


def _on_cluster(
    common: Common, jobs: Iterator[Job], workers: int, scheduler: str | None
) -> Iterator[Outcome]:
    with _client(workers, scheduler) as client:
        suspects: list[Job] = []
        for job, outcome in _together(client, common, jobs):
            if outcome is None:
                suspects.append(job)
            else:
                yield outcome
        while suspects:
            job, *suspects = suspects
            # Dask blames every job that a dying worker had; alone, a job is to blame itself.
            ((_, outcome),) = _together(client, common, iter([job]))
            if outcome is not None:
                yield outcome
            elif len(job.runs) > 1:
                suspects = [*job.halves(), *suspects]
            else:
                reason = f"its worker died {_DEATHS + 1} times (out of memory?)"
                yield run_job(common, job, failure=reason)


def _together(
    client: Client, common: Common, jobs: Iterator[Job]
) -> Iterator[tuple[Job, Outcome | None]]:
    """Do jobs side by side; the outcome of each, or None if its workers died."""
    from distributed import as_completed

    shared = client.submit(_same, common, key=f"experiment-{uuid4().hex}")
    running: dict[str, tuple[Job, Any]] = {}
    completed = as_completed(loop=client.loop)

    def submit(job: Job) -> None:
        key = f"runs-{job.runs[0]}-{uuid4().hex}"
        future = client.submit(run_job, shared, job, key=key)
        running[key] = (job, future)
        completed.add(future)

    try:
        for job in islice(jobs, _IN_FLIGHT):
            submit(job)
        while running:
            future = next(completed)
            job, _ = running.pop(future.key)
            yield job, _outcome(future)
            for following in islice(jobs, 1):
                submit(following)
    finally:
        client.cancel([future for _, future in running.values()])


def _outcome(future: Any) -> Outcome | None:
    """How a job went; None if its workers died."""
    from distributed import KilledWorker

    if future.status == "finished":
        return cast(Outcome, future.result())
    if future.status in ("cancelled", "lost"):
        raise InputError("the connection to the scheduler was lost; --resume goes on from here")
    error = future.exception()
    if isinstance(error, KilledWorker):
        return None
    if isinstance(error, ImportError):
        raise InputError(f"workers must have the same packages as this process: {error}")
    raise error


@contextmanager
def _client(workers: int, scheduler: str | None) -> Iterator[Client]:
    import dask
    from distributed import Client, LocalCluster

    from abm.experiments.interrupts import LeaveInterruptsToTheClient, interrupts_wait

    # What users are told comes from here: of a worker that died, that its runs are repeated.
    for name in ("distributed", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    settings = {
        "distributed.scheduler.allowed-failures": _DEATHS,
        # A hundred times a second it would interrupt what is measured in milliseconds.
        "distributed.worker.profile.enabled": False,
    }
    with dask.config.set(settings), ExitStack() as running:
        if scheduler is not None:
            try:
                client = Client(scheduler, timeout=_TIMEOUT, set_as_default=False)
            except (OSError, ValueError, TypeError) as error:
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                raise InputError(f"--scheduler {scheduler}: no scheduler ({reason})") from None
            with client:
                yield client
            return
        with interrupts_wait():
            cluster = running.enter_context(
                LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address=None,
                    # Without a dashboard there is still a page with its health, at its own port.
                    scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                    silence_logs=logging.CRITICAL,
                )
            )
            client = running.enter_context(Client(cluster, set_as_default=False))
            client.register_plugin(LeaveInterruptsToTheClient())
        yield client


def _same(common: Common) -> Common:
    """Carried by a task, so that a worker that takes it along when it dies loses nothing."""
    return common
