"""Days of a market whose borrowers deliver what is cheapest, against deliveries by priority."""

from __future__ import annotations

from collections.abc import Iterator
from time import process_time
from typing import Any

import numpy as np

from abm.commands.benchmarks.measurement import Measurement
from abm.model import CollateralMarket
from scenarios.scenario import Scenario

LOANS_A_BORROWER, LOANS_A_LENDER = 25, 100
"""So that 20,000 loans are between a thousand participants."""

DAYS = 12
"""From the first of October 2008 on."""

LEFT_OUT = 2
"""Days at the beginning, on which things are compiled and caches fill."""

FEES = {"AAPL": 0.002, "GOOG": 0.003, "IBM": 0.006, "MSFT": 0.004}

ONE = {
    "criteria": [{"haircut_percentage": 0.1}, {"asset": "AAPL", "haircut_percentage": 0.2}],
    "concentration_limits": [{"concentration_limit_type": "issuer", "percentage_limit": 0.5}],
}
OTHER = {
    "criteria": [{"haircut_percentage": 0.15}, {"asset": "GOOG", "is_included": False}],
    "concentration_limits": [{"asset": "IBM", "percentage_limit": 0.4}],
}

CASES: dict[str, tuple[dict[str, Any], float]] = {
    "one agreement": ({}, 1.0),
    "two schedules": ({"one": ONE, "other": OTHER}, 1.0),
    "two schedules and shortage": ({"one": ONE, "other": OTHER}, 0.2),
}
"""Schedules that loans are under in turn, and the prefunded inventory of borrowers."""


def compare_cheapest(loans: int) -> Iterator[Measurement]:
    """Days of each case, in processor time: those by priority, and the longest of the cheapest."""
    for case, (schedules, inventory) in CASES.items():
        by_priority, cheapest = (
            CollateralMarket(_scenario(loans, schedules, inventory, how), rng=1)
            for how in ("priority", "cheapest")
        )
        taken: list[list[float]] = []
        while by_priority.running:
            days = []
            for market in (by_priority, cheapest):
                start = process_time()
                market.step()
                days.append(process_time() - start)
            taken.append(days)
        one, other = np.median(taken[LEFT_OUT:], axis=0).tolist()
        longest = max(days[1] for days in taken[LEFT_OUT:])
        number = len(cheapest.books.loans)
        yield Measurement(f"day by priority, {case}", number, 1e3 * one, "ms")
        name = f"day of the cheapest, {case}"
        yield Measurement(name, number, 1e3 * other, "ms", "the same by priority", one / other)
        yield Measurement(f"longest day of these, {case}", number, 1e3 * longest, "ms")


def _scenario(loans: int, schedules: dict[str, Any], inventory: float, delivery: str) -> Scenario:
    """Borrowers with loans of many sizes from lenders drawn at random."""
    rng, names = np.random.default_rng(1), [*schedules]
    borrowers, lenders = loans // LOANS_A_BORROWER, max(loans // LOANS_A_LENDER, LOANS_A_BORROWER)
    terms = {"model": 2, "grace_days": DAYS}
    entries: list[dict[str, Any]] = []
    for borrower in range(borrowers):
        for position, lender in enumerate(rng.permutation(lenders)[:LOANS_A_BORROWER].tolist()):
            entry = {
                "loan_id": len(entries) + 1,
                "lender": f"L{lender + 1}",
                "borrower": f"B{borrower + 1}",
                "principal": float(rng.lognormal(13.8, 0.5)),
            }
            if names:
                entry["agreement"] = names[position % len(names)]
            entries.append(entry)
    return Scenario.parse(
        {
            "window": {"start": "2008-10-01", "end": "2008-10-18", "calendar": "sessions"},
            "prices": {"source": "file", "file": "bundled:us_stocks_2007_2010"},
            "assets": {name: {"tokens": [name], "lending_fee": fee} for name, fee in FEES.items()},
            "agreement": terms,
            "agreements": {name: {**terms, "schedule": name} for name in names},
            "schedules": schedules,
            "participants": {
                "delivery": delivery,
                "prefunded_inventory": inventory,
                "issuance_capacity": 0.0,
            },
            "loans": entries,
        },
        "benchmark",
    )
