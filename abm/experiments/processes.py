"""Workers that are processes on this machine, each with one job at a time."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType

from abm.experiments.runs import Common, Job, Outcome, run_job


class Processes:
    """Some processes; one that dies is replaced, and its job is done again."""

    def __init__(self, common: Common, number: int, deaths: int):
        """Say how many, and how many of them a job may lose before it is given up."""
        self._common, self._number, self._deaths = common, number, deaths
        # A copy of this process has all code loaded. A thread may hold a lock, which a copy of it
        # would wait for in vain: then, and where copies are not to be had, each starts anew.
        copied = sys.platform == "linux" and threading.active_count() == 1
        self._kind = multiprocessing.get_context("fork" if copied else "spawn")
        self._idle: list[_Worker] = []
        self._busy: dict[_Worker, tuple[Job, int]] = {}

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in (*self._idle, *self._busy):
            worker.end()
        self._idle, self._busy = [], {}

    def together(self, jobs: Iterator[Job]) -> Iterator[tuple[Job, Outcome | None]]:
        """Do jobs side by side; the outcome of each as it ends, or None if its workers died."""
        for job in jobs:
            self._give(job, 0)
            while len(self._busy) == self._number:
                yield from self._ended()
        while self._busy:
            yield from self._ended()

    def _give(self, job: Job, deaths: int) -> None:
        """Have a worker do a job that others have died of so often."""
        worker = self._idle.pop() if self._idle else _Worker(self._kind, self._common)
        self._busy[worker] = job, deaths
        # One that has died since is found out when it should answer.
        with suppress(OSError):
            worker.connection.send(job)

    def _ended(self) -> Iterator[tuple[Job, Outcome | None]]:
        """Wait until some workers have answered, or died.

        Raises:
            InputError: a part cannot be written.
        """
        answered = set(wait([worker.connection for worker in self._busy]))
        for worker in [each for each in self._busy if each.connection in answered]:
            job, deaths = self._busy.pop(worker)
            try:
                answer = worker.connection.recv()
            except (EOFError, OSError):
                worker.end()
                if deaths < self._deaths:
                    self._give(job, deaths + 1)
                else:
                    yield job, None
                continue
            self._idle.append(worker)
            if isinstance(answer, BaseException):
                raise answer
            yield job, answer


class _Worker:
    """A process, and the line to it."""

    def __init__(self, kind: multiprocessing.context.BaseContext, common: Common):
        """Start it."""
        if kind.get_start_method() == "spawn":
            # What it starts would unblock the signal again in the thread that starts a worker.
            resource_tracker.ensure_running()
        with _interrupts_held():
            self.connection, theirs = multiprocessing.Pipe()
            # A worker ends with its client; it has no children of its own to look after.
            self._process: BaseProcess = kind.Process(  # type: ignore[attr-defined]
                target=_serve, args=(theirs, common), daemon=True
            )
            with warnings.catch_warnings():
                # From Python 3.12 on, of threads of libraries that look after that themselves.
                warnings.simplefilter("ignore", DeprecationWarning)
                self._process.start()
            theirs.close()

    def end(self) -> None:
        """End it, whatever it does; half a part is never seen."""
        self.connection.close()
        self._process.terminate()
        self._process.join()
        self._process.close()


def _serve(connection: Connection, common: Common) -> None:
    """What a worker does: jobs, until there are no more or the client is gone."""
    # Ctrl-C on a terminal reaches every process started there: the client ends what they do, and
    # says so once.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_the_client, daemon=True).start()
    gc.freeze()  # what was there before the first run stays, and need not be looked through
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        try:
            answer: Outcome | Exception = run_job(common, job)
        except Exception as error:
            answer = error
        connection.send(answer)


def _end_with_the_client() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Have Ctrl-C wait for the end of the block, in which a worker starts.

    It cannot be told yet to be deaf. It inherits this from the thread that starts it.
    """
    masks = hasattr(signal, "pthread_sigmask")  # not on Windows
    if not masks or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
