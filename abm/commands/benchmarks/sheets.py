"""A market that keeps balance sheets beside the same market without."""

from __future__ import annotations

from collections.abc import Iterator
from time import process_time
from typing import Any

import numpy as np

from abm.commands.benchmarks.measurement import Measurement
from abm.model import CollateralMarket
from scenarios.scenario import Scenario

TURNS, DAYS_A_TURN = 5, 6

KINDS: dict[str, dict[str, Any]] = {
    "step without balance sheets": {},
    "step with balance sheets": {"borrower": {}},
    "step with decisions on them": {
        "borrower": {"outside": 10, "leverage": 2, "raises_funds": True}
        | {"leverage_limit": 2.1, "leverage_target": 2}
    },
}
"""What is compared: nothing, sheets alone, and borrowers that raise funds and deleverage, with so
much outside the ledger that nobody defaults."""


def compare_sheets(scenario: Scenario) -> Iterator[Measurement]:
    """A step with balance sheets against one without, in processor time.

    The markets take turns, some days at a time each, of which the first is left out; the median
    day counts.

    Args:
        scenario: without balance sheets.
    """
    values = scenario.model_dump(exclude_unset=True)
    markets = {
        name: CollateralMarket(Scenario.parse({**values, "balance": balance}, name), rng=1)
        for name, balance in KINDS.items()
    }
    days: dict[str, list[float]] = {name: [] for name in markets}
    for _ in range(TURNS):
        for name, market in markets.items():
            days[name] += [_time(market) for _ in range(DAYS_A_TURN)][1:]
    number, first = len(next(iter(markets.values())).books.loans), next(iter(markets))
    for name, times in days.items():
        if (markets[name].standing.default_day >= 0).any():
            raise RuntimeError(f"{name}: somebody defaulted: the comparison means nothing")
        markets[name].release()
        time, against = float(np.median(times)), float(np.median(days[first]))
        if name == first:
            yield Measurement(name, number, time * 1e3, "ms")
        else:
            yield Measurement(name, number, time * 1e3, "ms", first, against / time)


def _time(market: CollateralMarket) -> float:
    start = process_time()
    market.step()
    return process_time() - start
