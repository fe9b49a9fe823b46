"""The integer program of an allocation, as SciPy takes it.

Minimise `Σ c·q`, subject to `Σ p(1 - h)·q ≥ call` for each call, the stock, and the limits. Rows
are in parts of the call, so that the solver's tolerances are relative to it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, lil_array, vstack

from abm.optimise.problem import Problem

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Columns(NamedTuple):
    """What the program decides on: deliveries of an asset on a call that takes it; for
    each call what it lacks and what it gets beyond, in parts of the call; and for each call with
    limits whether it is met."""

    call: Ints
    """Of each delivery, shape (deliveries,)."""
    asset: Ints
    """Of each delivery."""
    number: Floats
    """Tokens at most."""
    parts: Floats
    """What one token counts for, in parts of the call."""
    limited: Ints
    """Calls with limits."""
    calls: int

    @property
    def beyond(self) -> Floats:
        """What each call can get beyond, in parts of it, shape (calls,)."""
        return np.bincount(self.call, self.parts * self.number, self.calls).astype(np.float64)

    @property
    def continuous(self) -> int:
        """Number of columns that the relaxed program has: all but those of calls met."""
        return len(self.call) + 2 * self.calls

    @property
    def all(self) -> int:
        """Number of columns."""
        return self.continuous + len(self.limited)

    def beside(self, deliveries: Floats, lacking: Floats, beyond: Floats, met: Floats) -> Floats:
        """A number for each column."""
        return np.concatenate([deliveries, lacking, beyond, met])

    def quantities(self, solution: Floats, problem: Problem) -> Ints:
        """The deliveries of a solution, shape (calls, assets)."""
        quantities = np.zeros(problem.counts.shape, np.int64)
        quantities[self.call, self.asset] = np.rint(solution[: len(self.call)])
        return quantities


class Program(NamedTuple):
    """Rows over the columns."""

    columns: Columns
    upper: Floats
    """Bounds of the columns; none is below 0."""
    whole: Bools
    """Columns that are whole numbers."""
    cover: csr_array
    """What is delivered and lacking less what is beyond comes to the call: rows that are 1."""
    within: csr_array
    """Rows that are not above `most`: the stock of each asset, the limits, and for calls with
    limits that not both something is lacking and something beyond, which would widen them."""
    most: Floats
    cost: Floats
    """Of each column."""
    lacking: Floats
    """What each column leaves unmet, in parts of all calls."""


def program(problem: Problem, margin: float = 0.0) -> Program:
    """The integer program of a problem.

    Args:
        problem: what is to be allocated.
        margin: part by which shares are tighter, against the solver's tolerances.
    """
    columns = _columns(problem)
    deliveries, calls, limited = len(columns.call), columns.calls, len(columns.limited)
    shares = [float(limit.share) * (1 - margin) for limit in problem.limits]
    stock = csr_array(
        (np.ones(deliveries), (columns.asset, np.arange(deliveries))),
        shape=(len(problem.assets), columns.all),
    )
    none = np.zeros(calls + limited)
    return Program(
        columns=columns,
        upper=columns.beside(columns.number, np.ones(calls), columns.beyond, np.ones(limited)),
        whole=np.isin(
            np.arange(columns.all), np.arange(deliveries, columns.continuous), invert=True
        ),
        cover=_cover(columns),
        within=vstack([stock, _limits(problem, columns, shares), _either(columns)], format="csr"),
        most=np.concatenate([problem.stock, shares, np.ones(limited), np.zeros(limited)]),
        cost=np.concatenate([problem.cost[columns.asset], np.zeros(calls), none]),
        lacking=np.concatenate(
            [np.zeros(deliveries), problem.required / problem.required.sum(), none]
        ),
    )


def _columns(problem: Problem) -> Columns:
    # Those without stock too: one more of them has its price.
    call, asset = np.nonzero(problem.counts)
    return Columns(
        call=call,
        asset=asset,
        number=problem.useful[call, asset].astype(np.float64),
        parts=problem.counts[call, asset] / problem.required[call],
        limited=np.unique(np.array([limit.call for limit in problem.limits], np.int64)),
        calls=len(problem.calls),
    )


def _cover(columns: Columns) -> csr_array:
    rows = np.arange(columns.calls)
    ones = np.ones(columns.calls)
    return csr_array(
        (
            np.concatenate([columns.parts, ones, -ones]),
            (np.concatenate([columns.call, rows, rows]), np.arange(columns.continuous)),
        ),
        shape=(len(rows), columns.all),
    )


def _limits(problem: Problem, columns: Columns, shares: list[float]) -> csr_array:
    """What the members of each limit count for, less the share of what is beyond."""
    rows = lil_array((len(shares), columns.all))
    beyond = len(columns.call) + columns.calls
    for row, (limit, share) in enumerate(zip(problem.limits, shares, strict=True)):
        inside = (columns.call == limit.call) & limit.members[columns.asset]
        for column in np.flatnonzero(inside):
            rows[row, column] = columns.parts[column]
        rows[row, beyond + limit.call] = -share
    return rows.tocsr()


def _either(columns: Columns) -> csr_array:
    """Nothing lacks in a call that is met, and nothing is beyond one that is not."""
    number, first = len(columns.limited), len(columns.call)
    rows = lil_array((2 * number, columns.all))
    for row, call in enumerate(columns.limited):
        met = columns.continuous + row
        rows[row, first + call] = rows[row, met] = 1.0
        rows[number + row, first + columns.calls + call] = 1.0
        rows[number + row, met] = -columns.beyond[call]
    return rows.tocsr()
