"""Where participants stand in the picture: three layouts, all deterministic."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from abm.page.gathering import Drawn
from abm.page.view import sums

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LAYOUTS: Mapping[str, str] = MappingProxyType(
    {
        "bipartite": "By role",
        "core-periphery": "Core and periphery",
        "force": "Force-directed",
    }
)
"""Layouts and what the page calls them."""

_COLUMN = {"lender": -1.0, "dealer": 0.0, "borrower": 1.0}
_SWEEPS = 4


def positions(drawn: Drawn, layout: str) -> Floats:
    """Positions of the nodes within [-1, 1]², shape (nodes, 2).

    Raises:
        ValueError: there is no such layout.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"no layout {layout}; there are {', '.join(LAYOUTS)}")
    if not drawn.names:
        return np.zeros((0, 2))
    if layout == "bipartite":
        return _bipartite(drawn)
    if layout == "core-periphery":
        return _core_periphery(drawn)
    return _force(drawn)


def _bipartite(drawn: Drawn) -> Floats:
    """Columns by role, ordered by the mean height of one's counterparties, so edges cross less."""
    column = np.array([_COLUMN[role] for role in drawn.roles])
    height = np.zeros(len(column))
    groups = [np.flatnonzero((column == x) & (drawn.members == 1)) for x in (-1.0, 0.0, 1.0)]
    many = drawn.members > 1
    # What stands for many comes last, under the others.
    height[many] = -0.97
    bottom = -0.76 if many.any() else -1.0
    for rows in groups:
        height[rows] = _spread(len(rows), bottom)
    for _ in range(_SWEEPS):
        pull = _mean_of_neighbours(drawn, height)
        for rows in groups:
            height[rows[np.argsort(-pull[rows], kind="stable")]] = _spread(len(rows), bottom)
    place = np.column_stack([column, height])
    for rows in groups:
        if len(rows) > 24:
            order = rows[np.argsort(height[rows])]
            place[order, 0] += np.where(np.arange(len(rows)) % 2, 0.07, -0.07)
    return place


def core_of(drawn: Drawn) -> npt.NDArray[np.bool_]:
    """The nodes in the core: dealers, or the largest tenth if there are none."""
    core = np.array([role == "dealer" for role in drawn.roles], np.bool_)
    if not core.any():
        number = len(core)
        weight = sums(drawn.lender, drawn.weight, number)
        weight += sums(drawn.borrower, drawn.weight, number)
        weight[drawn.members > 1] = 0  # what stands for many has no place of its own
        core[np.argsort(-weight, kind="stable")[: max(1, number // 10)]] = True
    return core


def _core_periphery(drawn: Drawn) -> Floats:
    """The core on an inner circle; around it lenders on the left and borrowers on the right."""
    core = core_of(drawn)
    place = np.zeros((len(core), 2))
    inner = np.flatnonzero(core)
    angle = np.pi / 2 - 2 * np.pi * np.arange(len(inner)) / len(inner)
    radius = 0.0 if len(inner) == 1 else 0.38
    place[inner] = radius * np.column_stack([np.cos(angle), np.sin(angle)])
    lends = np.array([role == "lender" for role in drawn.roles])
    for left in (True, False):
        rows = np.flatnonzero(~core & (lends == left))
        pull = _mean_of_neighbours(drawn, place[:, 1])
        order = rows[np.lexsort((-pull[rows], drawn.members[rows] > 1))]
        width = np.pi * 0.46 * min(1.0, (len(order) - 1) / 6)
        angle = np.linspace(width, -width, len(order)) if len(order) > 1 else np.zeros(len(order))
        x, y = np.cos(angle), np.sin(angle)
        place[order] = np.column_stack([-x if left else x, y])
    return place


def _force(drawn: Drawn) -> Floats:
    """Fruchterman and Reingold's springs, from the bipartite layout on; no chance in it."""
    import networkx as nx

    number = len(drawn.names)
    if number == 1:
        return np.zeros((1, 2))
    graph = nx.Graph()
    graph.add_nodes_from(range(number))
    graph.add_edges_from(zip(drawn.lender.tolist(), drawn.borrower.tolist(), strict=True))
    start = _bipartite(drawn) * 0.5 + 1e-3 * np.sin(np.arange(2 * number)).reshape(number, 2)
    found = nx.spring_layout(
        graph, pos=dict(enumerate(start)), k=2.2 / np.sqrt(number), iterations=80, seed=1
    )
    place = np.array([found[node] for node in range(number)])
    place -= (place.max(axis=0) + place.min(axis=0)) / 2
    reach = np.abs(place).max(axis=0)
    return np.asarray(place / np.where(reach > 0, reach, 1))


def _spread(number: int, bottom: float = -1.0) -> Floats:
    return np.linspace(1, bottom, number) if number > 1 else np.full(number, (1 + bottom) / 2)


def _mean_of_neighbours(drawn: Drawn, height: Floats) -> Floats:
    """Mean height of the counterparties of each node; its own where it has none."""
    number = len(height)
    one, other = (
        np.concatenate([drawn.lender, drawn.borrower]),
        np.concatenate([drawn.borrower, drawn.lender]),
    )
    degree = np.bincount(one, minlength=number)
    total = sums(one, height[other], number)
    return np.where(degree > 0, total / np.maximum(degree, 1), height)
