"""How near the margin pass is to what the memory of this machine can move."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from abm.commands.benchmarks.measurement import Measurement
from abm.model import CollateralMarket

NUMBERS = 2**24
"""In each array of what measures bandwidth: many times as much as caches hold."""

ARRAYS = 3
"""That it reads or writes."""


def adder() -> Callable[[], object]:
    """The kernel *add* of the STREAM benchmark (McCalpin 1995): `a[i] = b[i] + c[i]`, in one pass.

    It moves as many bytes as the triad, which numpy would make two passes of.
    """
    a, b, c = (np.full(NUMBERS, float(number)) for number in range(ARRAYS))
    return lambda: np.add(b, c, out=a)


def bytes_a_day(market: CollateralMarket) -> int:
    """What a day of the margin pass moves at least, in bytes.

    Each account's record and collateral is read once, and written once if every loan adjusts.
    """
    accounts = np.asarray(market.books.accounts).nbytes
    return 2 * (accounts + market.ledger.collateral.nbytes)


def bandwidth(market: CollateralMarket, day: float, add: float) -> Iterator[Measurement]:
    """What the pass moves, and how fast, beside what memory can.

    Args:
        market: that it goes over.
        day: seconds of the pass.
        add: seconds of `adder`.
    """
    loans, moved = len(market.books.loans), bytes_a_day(market)
    most = ARRAYS * NUMBERS * np.dtype(np.float64).itemsize / add
    yield Measurement("moved by the bare pass", loans, moved / loans, "bytes/loan-day")
    yield Measurement("memory bandwidth", loans, most / 1e9, "GB/s")
    done = moved / day
    yield Measurement(
        "bandwidth of the bare pass", loans, done / 1e9, "GB/s", "memory bandwidth", done / most
    )
