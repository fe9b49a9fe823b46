"""Why a call stays short: what holds back each asset that could meet it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.optimise.problem import Problem

Ints = npt.NDArray[np.int64]


class Reason(NamedTuple):
    """Why no further token of an asset goes to a call."""

    asset: str
    left: int
    """Tokens that are left over."""
    because: str
    """`not eligible`, `no stock`, `volume`, or the name of a limit."""


def reasons(problem: Problem, quantities: Ints, call: int) -> list[Reason]:
    """What holds back each asset from a call that is short.

    Args:
        problem: what was to be allocated.
        quantities: what is delivered, shape (calls, assets).
        call: row of a call that is short.
    """
    left = problem.stock - quantities.sum(axis=0)
    found = []
    for asset, name in enumerate(problem.assets):
        if problem.counts[call, asset] == 0:
            because = "not eligible"
        elif left[asset] == 0:
            because = "no stock"
        elif quantities[call, asset] >= problem.most[call, asset]:
            because = "volume"
        else:
            because = _full(problem, quantities, call, asset)
        found.append(Reason(name, int(left[asset]), because))
    return found


def _full(problem: Problem, quantities: Ints, call: int, asset: int) -> str:
    """The limit that has no room for one more token."""
    more = quantities.copy()
    more[call, asset] += 1
    full = [
        limit.name
        for limit in problem.limits
        if limit.call == call and limit.members[asset] and problem.room(limit, more) < 0
    ]
    return ", ".join(full)
