"""Books whose loans come and go: against one that stands still, and for a year."""

from __future__ import annotations

from collections.abc import Iterator
from time import process_time
from typing import Any

import numpy as np

from abm.commands.benchmarks.measurement import Measurement
from abm.model import CollateralMarket
from scenarios.scenario import Scenario

BUNDLED = "securities-lending-book"

LEFT_OUT = 2
"""Days at the beginning, on which things are compiled and caches fill."""

LARGE: dict[str, Any] = {
    "window.end": "2024-01-26",
    "measures": [],
    "fees": None,
    "participants.lenders": 100,
    "participants.borrowers": 100,
}

_VOLUMES = {"governments": 100_000_000, "corporates": 20_000_000, "equities": 50_000_000}

EVERYTHING: dict[str, Any] = {
    "book.indemnity": True,
    "dividends": {
        "classes": {
            "equities": {"rate": 0.015, "times": 4},
            "governments": {"rate": 0.03, "times": 2},
            "corporates": {"rate": 0.04, "times": 2},
        }
    },
    "balance": {
        "borrower": {"outside": 0.2, "short": 0.6, "credit_line": 0.2, "raises_funds": True},
        "lender": {"buy_in_days": 2},
    },
    "agreement.grace_days": 5,
    "agreements.cash.grace_days": 5,
    "close_out.impact": {"kind": "square-root"},
    "close_out.recovery": True,
    "defaults.daily_hazard": 0.0001,
    **{f"assets.{name}.daily_volume": tokens for name, tokens in _VOLUMES.items()},
}
"""Balance sheets, short sales and buy-ins, dividends, defaults and estates, beside the fees that
the book has anyway."""

MEASURED = tuple(
    f"abm.measures.{name}"
    for name in (
        *("fails:failing", "fails:failing_value", "fails:bought_in", "fails:purchase_impact"),
        *("dividends:dividends_paid", "dividends:manufactured_on_loans"),
        *("positions:short_interest", "positions:short_positions", "agents:indemnities"),
    )
)


YEAR: dict[str, Any] = {}
"""Of the year that the bundled book lasts: the whole of it."""


def compare_turnover(loans: int) -> Iterator[Measurement]:
    """Building the book, and days of both, which take turns; in processor time, days in the
    median."""
    book = Scenario.load(BUNDLED)
    still, turning = (
        book.with_changes({**LARGE, "book.loans": loans, "book.turnover": turnover})
        for turnover in (False, True)
    )
    CollateralMarket(turning.with_changes({"book.loans": 300}), rng=1)  # compiles what opens it
    start = process_time()
    other = CollateralMarket(turning, rng=1)
    yield Measurement("build a book with turnover", loans, process_time() - start, "s")
    one = CollateralMarket(still, rng=1)
    taken: list[list[float]] = []
    while one.running:
        days = []
        for market in (one, other):
            start = process_time()
            market.step()
            days.append(process_time() - start)
        taken.append(days)
    a_day, turned = np.median(taken[LEFT_OUT:], axis=0).tolist()
    yield Measurement("day of a book that stands still", loans, 1e3 * a_day, "ms")
    name = "day of a book with turnover"
    ratio = a_day / turned
    yield Measurement(name, loans, 1e3 * turned, "ms", "the same standing still", ratio)


def measure_year(loans: int) -> Iterator[Measurement]:
    """The bundled book for a year, in processor time: as it is, and with all that there is."""
    for name, changes in (("a year of the book", {}), ("a year of it with everything", EVERYTHING)):
        measures = MEASURED if changes else ()
        changes = {**changes, **YEAR}
        small = {**changes, "book.loans": 300, "window.end": "2024-01-20"}
        CollateralMarket(BUNDLED, rng=1, measures=measures, **small).run()
        start = process_time()
        CollateralMarket(
            BUNDLED, rng=1, measures=measures, **{**changes, "book.loans": loans}
        ).run()
        yield Measurement(name, loans, process_time() - start, "s")
