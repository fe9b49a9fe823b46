"""What there is to say about a problem of allocation, as one table of plain values in money."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from abm.optimise.priority import by_priority
from abm.optimise.problem import Limit, Problem
from abm.optimise.reasons import reasons
from abm.optimise.relaxed import Relaxed, relaxed
from abm.optimise.solve import Allocation, cheapest
from scenarios.agreement import exact
from scenarios.allocation import AllocationProblem

Ints = npt.NDArray[np.int64]

SMALL = 1e-9
"""Worth below this is none: the solver's rounding."""


def answer_of(given: AllocationProblem, problem: Problem, seconds: float) -> dict[str, Any]:
    """Allocate, and tell what it costs, what would help, and what stays short.

    Args:
        given: the problem as its file has it.
        problem: the same in arrays.
        seconds: that each search may take.

    Returns:
        Values that JSON knows; amounts in money, costs and worth of one more unit for a year.
    """
    unit = given.money.unit
    found, rule, bound = cheapest(problem, seconds), by_priority(problem), relaxed(problem)
    return {
        "problem": given.name,
        "title": given.title,
        "currency": given.money.currency,
        "optimal": found.optimal,
        "cost": found.cost * unit,
        "unmet": _money(found.unmet.sum(), unit),
        "priority_rule": {
            "cost": problem.cost_of(rule) * unit,
            "unmet": _money(problem.unmet(rule).sum(), unit),
        },
        "relaxed": {"cost": bound.cost * unit, "unmet": bound.unmet * unit},
        "calls": _calls(problem, found, bound, unit),
        "deliveries": _deliveries(given, problem, found, unit),
        "assets": _assets(problem, found, bound, unit),
        "limits": [_limit(problem, found, bound, row, unit) for row in range(len(problem.limits))],
        "short": [
            {
                "call": problem.calls[call],
                "unmet": _money(found.unmet[call], unit),
                "because": [why._asdict() for why in reasons(problem, found.quantities, call)],
            }
            for call in np.flatnonzero(found.unmet).tolist()
        ],
    }


def _money(units: int | np.integer[Any] | Fraction, unit: float) -> float:
    """A number of money units in money, as the decimal that it is."""
    return float(Fraction(units if isinstance(units, Fraction) else int(units)) * exact(unit))


def _worth(value: float) -> float:
    return float(value) if abs(value) > SMALL else 0.0


def _calls(
    problem: Problem, found: Allocation, bound: Relaxed, unit: float
) -> list[dict[str, Any]]:
    counted = (problem.counts * found.quantities).sum(axis=1)
    return [
        {
            "call": name,
            "amount": _money(problem.required[row], unit),
            "delivered": _money(counted[row], unit),
            "unmet": _money(found.unmet[row], unit),
            "cost": float(problem.cost @ found.quantities[row]) * unit,
            "cost_of_one_more": _worth(bound.cost_worth.calls[row]),
            "unmet_of_one_more": _worth(bound.unmet_worth.calls[row]),
        }
        for row, name in enumerate(problem.calls)
    ]


def _deliveries(
    given: AllocationProblem, problem: Problem, found: Allocation, unit: float
) -> list[dict[str, Any]]:
    return [
        {
            "call": problem.calls[call],
            "asset": problem.assets[asset],
            "tokens": (tokens := int(found.quantities[call, asset])),
            "market_value": _money(tokens * problem.price[asset], unit),
            "counts_for": _money(tokens * problem.counts[call, asset], unit),
            "cost": tokens * float(problem.cost[asset]) * unit,
        }
        for call, asset in np.argwhere(found.quantities).tolist()
    ]


def _assets(
    problem: Problem, found: Allocation, bound: Relaxed, unit: float
) -> list[dict[str, Any]]:
    left = problem.stock - found.quantities.sum(axis=0)
    return [
        {
            "asset": name,
            "tokens": int(problem.stock[row]),
            "left": int(left[row]),
            "cost_saved_by_one_more": _worth(bound.cost_worth.assets[row] * unit),
            "unmet_saved_by_one_more": _worth(bound.unmet_worth.assets[row] * unit),
        }
        for row, name in enumerate(problem.assets)
    ]


def _limit(
    problem: Problem, found: Allocation, bound: Relaxed, row: int, unit: float
) -> dict[str, Any]:
    limit: Limit = problem.limits[row]
    worth = problem.counts[limit.call] * found.quantities[limit.call]
    return {
        "call": problem.calls[limit.call],
        "limit": limit.name,
        "percentage_limit": float(limit.share),
        "used": _money(worth[limit.members].sum(), unit),
        "room": _money(problem.room(limit, found.quantities), unit),
        "cost_saved_by_one_more": _worth(bound.cost_worth.limits[row]),
        "unmet_saved_by_one_more": _worth(bound.unmet_worth.limits[row]),
    }
