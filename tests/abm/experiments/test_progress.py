"""What is said while an experiment runs."""

from __future__ import annotations

import io

import pytest

from abm.experiments import progress
from abm.experiments.progress import Progress
from abm.experiments.runs import Outcome


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_lines_without_a_terminal_not_too_many_and_the_last_one(clock: list[float]) -> None:
    out = io.StringIO()
    with Progress(40, done=10, failed=1, every=10.0, out=out) as shown:
        for seconds in (104.0, 110.0, 112.0):
            clock[0] = seconds
            shown.add(Outcome(10, 1))
    # The rate counts what was done since the start: 20 in 10 s, then 30 in 12 s.
    assert out.getvalue().splitlines() == [
        "30 runs to do",
        "30/40 runs, 3 failed, 2.0 runs/s, 5 s left",
        "40/40 runs, 4 failed, 2.5 runs/s, 0 s left",
    ]


def test_a_bar_on_a_terminal(clock: list[float]) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    with Progress(4, out=out) as shown:
        clock[0] += 1
        shown.add(Outcome(4, 1))
    last = out.getvalue().strip().splitlines()[-1]
    assert "4/4" in last
    assert "failed=1" in last


def test_a_single_run_needs_no_words(clock: list[float]) -> None:
    out = io.StringIO()
    with Progress(1, out=out) as shown:
        shown.add(Outcome(1, 0))
    assert out.getvalue() == ""
