"""Borrowers that make a run slow, fail, or take its worker with it. Imported by workers."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from abm.agents import Borrower

ONCE = "COLLATERAL_TEST_KILLED_ONCE"
"""Environment variable: a file that says that a worker was killed already."""


class Slow(Borrower):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        time.sleep(0.05)


class Failing(Borrower):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        raise RuntimeError("this one\nalways fails")


class Deadly(Borrower):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)


class DeadlyOnce(Borrower):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        killed = Path(os.environ[ONCE])
        if not killed.exists():
            killed.write_text("")
            os.kill(os.getpid(), signal.SIGKILL)
