"""The priority rule: what a participant delivers that optimises nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.optimise.problem import UNBOUNDED, Problem

Ints = npt.NDArray[np.int64]


def by_priority(problem: Problem) -> Ints:
    """Serve call after call, each with one asset after the other while it lacks something.

    Of each asset as many tokens move as what is lacking comes to, rounded up, but for stock and
    limits (paper, section 2.2.2); limits are shares of what is required here, as it is not known
    beforehand what will be delivered beyond it.

    Returns:
        Deliveries, shape (calls, assets).
    """
    quantities = np.zeros(problem.counts.shape, np.int64)
    left = problem.stock.copy()
    for call in range(len(problem.calls)):
        lacking = int(problem.required[call])
        rooms = _Rooms(problem, call)
        for asset in np.flatnonzero(problem.counts[call]).tolist():
            counts = int(problem.counts[call, asset])
            wanted = min(-(-lacking // counts), rooms.of(asset) // counts)
            quantity = min(wanted, int(left[asset]), int(problem.most[call, asset]))
            quantities[call, asset] = quantity
            left[asset] -= quantity
            lacking -= quantity * counts
            rooms.take(asset, quantity * counts)
            if lacking <= 0:
                break
    return quantities


class _Rooms:
    """What is left of the limits of a call."""

    def __init__(self, problem: Problem, call: int):
        self._limits = [limit for limit in problem.limits if limit.call == call]
        self._left = [limit.share * int(problem.required[call]) for limit in self._limits]

    def of(self, asset: int) -> int:
        """Value that an asset can still count for."""
        rooms = zip(self._limits, self._left, strict=True)
        return min((int(left) for limit, left in rooms if limit.members[asset]), default=UNBOUNDED)

    def take(self, asset: int, value: int) -> None:
        """Count some of an asset."""
        for row, limit in enumerate(self._limits):
            self._left[row] -= value if limit.members[asset] else 0
