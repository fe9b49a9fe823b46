"""The relaxed problem, in parts of tokens, and what one more unit of anything is worth in it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.sparse import vstack

from abm.optimise.problem import UNBOUNDED, Problem
from abm.optimise.program import Program, program

Floats = npt.NDArray[np.float64]


class Worth(NamedTuple):
    """By how much an optimum changes for one more unit of each thing; none is below 0 but those of
    calls."""

    calls: Floats
    """Rise for one more money unit of a call, shape (calls,)."""
    assets: Floats
    """Fall for one more token of an asset, shape (assets,)."""
    limits: Floats
    """Fall for one more money unit of a limit, shape (limits,)."""


class Relaxed(NamedTuple):
    """The optimum in parts of tokens: a bound for whole ones, and its dual prices.

    What is unmet goes before cost here too, so there are two prices of everything.
    """

    unmet: float
    """Value that is left unmet, in money units."""
    cost: float
    """Of the cheapest allocation that leaves no more unmet, for a year, in money units."""
    unmet_worth: Worth
    """In unmet value."""
    cost_worth: Worth
    """In cost for a year, what is unmet staying as it is."""
    gaps: tuple[float, float]
    """Of what is unmet and of cost: primal less dual objective, 0 but for rounding."""


def relaxed(problem: Problem) -> Relaxed:
    """Solve a problem in parts of tokens."""
    rows = program(problem)
    total = float(problem.required.sum())
    first = _solved(problem, rows, rows.lacking, None)
    second = _solved(problem, rows, rows.cost, float(first.fun))
    return Relaxed(
        unmet=float(first.fun) * total,
        cost=float(second.fun),
        unmet_worth=_worth(problem, first, total),
        cost_worth=_worth(problem, second, 1.0),
        gaps=(
            _gap(problem, rows, first, None) * total,
            _gap(problem, rows, second, float(first.fun)),
        ),
    )


def _solved(problem: Problem, rows: Program, cost: Floats, lacking: float | None) -> Any:
    """The relaxed program, without the columns that say whether calls are met.

    Raises:
        RuntimeError: the solver fails.
    """
    some = rows.columns.continuous
    within, most = _within(rows, lacking)
    answer = linprog(
        cost[:some],
        A_ub=within,
        b_ub=most,
        A_eq=rows.cover[:, :some],
        b_eq=np.ones(rows.columns.calls),
        bounds=np.column_stack([np.zeros(some), _upper(problem, rows)]),
        method="highs",
    )
    if answer.status != 0:
        raise RuntimeError(f"the solver failed: {answer.message}")
    return answer


def _within(rows: Program, lacking: float | None) -> tuple[Any, Floats]:
    """Stock and limits and, if it is given, what may be lacking in all."""
    some, kept = rows.columns.continuous, len(rows.most) - 2 * len(rows.columns.limited)
    within, most = rows.within[:kept, :some], rows.most[:kept]
    if lacking is None:
        return within, most
    return vstack([within, rows.lacking[None, :some]], format="csr"), np.append(most, lacking)


def _worth(problem: Problem, answer: Any, scale: float) -> Worth:
    """Dual prices; `scale` is what one of the objective comes to."""
    calls, assets = -np.asarray(answer.eqlin.marginals), -np.asarray(answer.ineqlin.marginals)
    limits = assets[len(problem.assets) :][: len(problem.limits)]
    of_call = -calls
    for row, limit in enumerate(problem.limits):
        # A higher call widens its limits, too.
        of_call[limit.call] -= limits[row] * float(limit.share)
    required = problem.required
    called = np.array([limit.call for limit in problem.limits], np.int64)
    return Worth(
        calls=of_call * scale / required,
        assets=assets[: len(problem.assets)] * scale,
        limits=limits * scale / required[called],
    )


def _upper(problem: Problem, rows: Program) -> Floats:
    """Bounds of the columns: of deliveries those by volume alone, as the stock is a row, which has
    the price of one more token."""
    columns = rows.columns
    most = problem.most[columns.call, columns.asset].astype(np.float64)
    most[most >= UNBOUNDED] = np.inf
    calls = columns.calls
    return np.concatenate([most, np.ones(calls), np.full(calls, np.inf)])


def _gap(problem: Problem, rows: Program, answer: Any, lacking: float | None) -> float:
    """Primal less dual objective."""
    _, most = _within(rows, lacking)
    upper = _upper(problem, rows)
    bounded = np.isfinite(upper)
    dual = answer.eqlin.marginals.sum() + answer.ineqlin.marginals @ most
    dual += answer.upper.marginals[bounded] @ upper[bounded]
    return float(answer.fun - dual)
