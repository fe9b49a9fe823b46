"""Ctrl-C on a terminal reaches every process started there; only the first one shall mind it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker

from distributed import Worker, WorkerPlugin


class LeaveInterruptsToTheClient(WorkerPlugin):
    """Makes workers deaf to Ctrl-C: the client ends what they do, and says so once."""

    def setup(self, worker: Worker) -> None:
        """Called in each worker, also in those that replace others."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """Have Ctrl-C wait for the end of the block, in which workers are started.

    A worker that is starting cannot be told yet to be deaf. It inherits this from the thread that
    starts it, which inherits it from here.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came = []
    before = signal.signal(signal.SIGINT, lambda *_: came.append(True))
    masks = hasattr(signal, "pthread_sigmask")  # not on Windows
    if masks:
        # It would unblock the signal again in the thread that starts the first worker.
        resource_tracker.ensure_running()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if masks:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)
