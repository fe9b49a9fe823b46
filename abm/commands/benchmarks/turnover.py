"""A book whose loans come and go, against the same one that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from time import process_time

import numpy as np

from abm.commands.benchmarks.measurement import Measurement
from abm.model import CollateralMarket
from scenarios.scenario import Scenario

LEFT_OUT = 2
"""Days at the beginning, on which things are compiled and caches fill."""


def compare_turnover(loans: int, lenders: int = 100, borrowers: int = 100) -> Iterator[Measurement]:
    """Days of both, which take turns, in processor time, and what they come to in the median."""
    changes = {"book.loans": loans, "window.end": "2024-01-26", "measures": [], "fees": None}
    changes |= {"participants.lenders": lenders, "participants.borrowers": borrowers}
    book = Scenario.load("securities-lending-book")
    still, turning = (
        CollateralMarket(book.with_changes({**changes, "book.turnover": turnover}), rng=1)
        for turnover in (False, True)
    )
    taken: list[list[float]] = []
    while still.running:
        days = []
        for market in (still, turning):
            start = process_time()
            market.step()
            days.append(process_time() - start)
        taken.append(days)
    one, other = np.median(taken[LEFT_OUT:], axis=0).tolist()
    yield Measurement("day of a book that stands still", loans, 1e3 * one, "ms")
    name = "day of a book with turnover"
    yield Measurement(name, loans, 1e3 * other, "ms", "the same standing still", one / other)
