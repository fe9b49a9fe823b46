"""What one sees while an experiment runs."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, TextIO

from abm.experiments.runs import Outcome


class Progress:
    """Runs done, failed, rate and time left: a bar on a terminal, lines elsewhere."""

    def __init__(
        self,
        runs: int,
        done: int = 0,
        failed: int = 0,
        every: float = 10.0,
        out: TextIO | None = None,
    ):
        """So many runs in all, of which `done` are there already; a line `every` some seconds."""
        self.runs, self.done, self.failed, self.every = runs, done, failed, every
        self.at_start, self.out = done, out or sys.stderr
        self.started = self.last = time.monotonic()
        self._bar: Any = None

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def add(self, outcome: Outcome) -> None:
        """Count some runs."""
        self.done += outcome.done
        self.failed += outcome.failed
        if self._bar is not None:
            self._bar.set_postfix(failed=self.failed, refresh=False)
            self._bar.update(outcome.done)
        elif self.runs == 1:
            return
        elif time.monotonic() - self.last >= self.every or self.done == self.runs:
            self.last = time.monotonic()
            print(self.line(), file=self.out, flush=True)

    def line(self) -> str:
        """The state as a line."""
        rate = (self.done - self.at_start) / self.seconds if self.seconds else 0.0
        left = f", {(self.runs - self.done) / rate:.0f} s left" if rate else ""
        return f"{self.done}/{self.runs} runs, {self.failed} failed, {rate:.1f} runs/s{left}"

    def __enter__(self) -> Progress:
        if self.runs == 1:
            return self
        if self.out.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=self.runs, initial=self.done, unit="run", file=self.out)
        elif self.runs > self.done:
            print(f"{self.runs - self.done} runs to do", file=self.out, flush=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
