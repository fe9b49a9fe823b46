"""The cheapest allocation: first as little unmet as can be, then as little cost."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp

from abm.optimise.priority import by_priority
from abm.optimise.problem import Problem
from abm.optimise.program import Program, program

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MARGINS = (0.0, 1e-6, 1e-5)
"""By which limits are tightened and calls raised, one after the other, until deliveries in whole
tokens keep to them exactly: the solver itself takes 1e-7 more or less for equal."""

FOUND, OUT_OF_TIME, IMPOSSIBLE = 0, 1, 2
"""How the solver ends if it has not failed."""


class Allocation(NamedTuple):
    """Which assets meet which calls."""

    quantities: Ints
    """Tokens, shape (calls, assets)."""
    unmet: Ints
    """What each call lacks, in money units, shape (calls,)."""
    cost: float
    """Of all that is delivered, for a year, in money units."""
    optimal: bool
    """Whether nothing better exists, to a millionth of the calls; otherwise the solver ran out of
    time."""


def cheapest(problem: Problem, seconds: float = np.inf, nodes: int | None = None) -> Allocation:
    """Allocate at the lowest cost among the allocations that leave the least value unmet.

    It is never dearer than the priority rule where it leaves as much unmet, and never leaves more.

    Args:
        problem: what is to be allocated.
        seconds: that the solver may take for each of the two questions; no limit if infinite.
        nodes: of its search tree, likewise; no limit if not given.
    """
    options: dict[str, float] = {"mip_rel_gap": 0.0}
    if seconds < np.inf:
        options["time_limit"] = seconds
    if nodes is not None:
        options["node_limit"] = nodes
    known = by_priority(problem)
    optimal = True
    if problem.unmet(known).any():
        found, optimal = _best(problem, options, None)
        known = _better(problem, known, found)
    found, proven = _best(problem, options, int(problem.unmet(known).sum()))
    known = _better(problem, known, found)
    return Allocation(known, problem.unmet(known), problem.cost_of(known), optimal and proven)


def _better(problem: Problem, known: Ints, found: Ints | None) -> Ints:
    """The one of two allocations that leaves less unmet or, that being equal, costs less."""
    if found is None:
        return known

    def rank(quantities: Ints) -> tuple[int, float]:
        return int(problem.unmet(quantities).sum()), problem.cost_of(quantities)

    return min(known, found, key=rank)


def _best(
    problem: Problem, options: dict[str, float], unmet: int | None
) -> tuple[Ints | None, bool]:
    """The allocation with the least unmet or, if that is given, with the least cost.

    Returns:
        None if the solver has found none in time, and whether there is nothing better.
    """
    for margin in MARGINS:
        rows = program(problem, margin)
        answer = _solved(rows, problem, options, unmet, margin)
        if answer.x is None:
            return None, False
        found = rows.columns.quantities(answer.x, problem)
        enough = unmet is None or problem.unmet(found).sum() <= unmet
        if enough and problem.keeps(found):
            return found, answer.status == FOUND
    return None, False


def _solved(
    rows: Program, problem: Problem, options: dict[str, float], unmet: int | None, margin: float
) -> Any:
    """What HiGHS says.

    Raises:
        RuntimeError: it fails.
    """
    constraints = [LinearConstraint(rows.within, -np.inf, rows.most)]
    upper, called = rows.upper, 1.0
    if unmet == 0:
        upper, called = np.where(rows.lacking > 0, 0.0, upper), 1.0 + margin
    elif unmet is not None:
        # Half a unit above a whole number, as all values are whole numbers.
        largest = (unmet + 0.5) / problem.required.sum() - margin
        constraints.append(LinearConstraint(rows.lacking[None, :], -np.inf, largest))
    constraints.append(LinearConstraint(rows.cover, called, called))
    answer = milp(
        rows.lacking if unmet is None else rows.cost,
        integrality=rows.whole,
        bounds=Bounds(0.0, upper),
        constraints=constraints,
        options=options,
    )
    if answer.status not in (FOUND, OUT_OF_TIME, IMPOSSIBLE):
        raise RuntimeError(f"the solver failed: {answer.message}")
    return answer
