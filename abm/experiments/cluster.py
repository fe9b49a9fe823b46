"""Workers on a Dask cluster that runs elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from abm.experiments.runs import Common, Job, Outcome, run_job
from scenarios.errors import InputError
from scenarios.extras import require

if TYPE_CHECKING:
    from distributed import Client

_IN_FLIGHT = 1000
"""Jobs handed to the scheduler at a time, so that memory does not grow with their number."""

_TIMEOUT = "10s"
"""How long a scheduler has to answer."""


class Cluster:
    """The workers of a Dask scheduler."""

    def __init__(self, client: Client, common: Common):
        """Use a client's scheduler for jobs that have this in common."""
        self._client, self._common = client, common

    def together(self, jobs: Iterator[Job]) -> Iterator[tuple[Job, Outcome | None]]:
        """Do jobs side by side; the outcome of each, or None if its workers died."""
        from distributed import as_completed

        client = self._client
        shared = client.submit(_same, self._common, key=f"experiment-{uuid4().hex}")
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


@contextmanager
def cluster_at(address: str, common: Common) -> Iterator[Cluster]:
    """The cluster of the scheduler at an address, for jobs that have this in common.

    Raises:
        InputError: no scheduler answers there, or the extra `cluster` is not installed.
    """
    require("distributed", "cluster", "--scheduler")
    from distributed import Client

    # What users are told comes from here: of a worker that died, that its runs are repeated.
    for name in ("distributed", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=_TIMEOUT, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"--scheduler {address}: no scheduler ({reason})") from None
    with client:
        yield Cluster(client, common)


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


def _same(common: Common) -> Common:
    """Carried by a task, so that a worker that takes it along when it dies loses nothing."""
    return common
