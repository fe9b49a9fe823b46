"""Ctrl-C on a terminal reaches every process started there."""

from __future__ import annotations

import signal

from distributed import Worker, WorkerPlugin


class LeaveInterruptsToTheClient(WorkerPlugin):
    """Makes workers deaf to Ctrl-C: the client ends what they do, and says so once."""

    def setup(self, worker: Worker) -> None:
        """Called in each worker, also in those that replace others."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
