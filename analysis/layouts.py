"""Where participants stand in a picture: three layouts, all deterministic, within [-1, 1]²."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LAYOUTS: Mapping[str, str] = MappingProxyType(
    {"core-periphery": "Core and periphery", "bipartite": "By role", "force": "Force-directed"}
)
"""Layouts and what they are called."""

_COLUMN = {"lender": -1.0, "dealer": 0.0, "borrower": 1.0}
_SWEEPS = 4
_A_COLUMN, _A_RING = 40, 48
"""So many nodes stand in one column, or on half a ring, before another is begun."""


def usual_layout(roles: Sequence[str]) -> str:
    """The layout that suits: core and periphery with dealers, by role without."""
    return "core-periphery" if "dealer" in roles else "bipartite"


def positions(
    roles: tuple[str, ...], lender: Ints, borrower: Ints, weight: Floats, layout: str
) -> Floats:
    """Positions of participants, shape (participants, 2).

    Args:
        roles: of each participant.
        lender: of each pair, as a row of the participants; likewise the borrower.
        borrower: of each pair.
        weight: exposure of each pair.
        layout: one of `LAYOUTS`.

    Raises:
        ValueError: there is no such layout.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"no layout {layout}; there are {', '.join(LAYOUTS)}")
    if not roles:
        return np.zeros((0, 2))
    if layout == "bipartite":
        return _by_role(roles, lender, borrower)
    if layout == "core-periphery":
        return _core_periphery(roles, lender, borrower, weight)
    return _force(roles, lender, borrower)


def _by_role(roles: tuple[str, ...], lender: Ints, borrower: Ints) -> Floats:
    """Columns by role, ordered by the mean height of one's counterparties, so edges cross less."""
    column = np.array([_COLUMN[role] for role in roles])
    height = np.zeros(len(column))
    groups = [rows for x in (-1.0, 0.0, 1.0) if len(rows := np.flatnonzero(column == x))]
    for rows in groups:
        height[rows] = _spread(len(rows))
    for _ in range(_SWEEPS):
        pull = _mean_of_neighbours(lender, borrower, height)
        for rows in groups:
            height[rows[np.argsort(-pull[rows], kind="stable")]] = _spread(len(rows))
    place = np.column_stack([column, height])
    for rows in groups:
        side_by_side = -(-len(rows) // _A_COLUMN)
        order = rows[np.argsort(height[rows])]
        shift = np.arange(len(rows)) % side_by_side - (side_by_side - 1) / 2
        inwards = 0.05 * shift - np.sign(column[rows[0]]) * 0.025 * (side_by_side - 1)
        place[order, 0] += inwards if column[rows[0]] else 0.05 * shift
    return place


def _core_periphery(roles: tuple[str, ...], lender: Ints, borrower: Ints, weight: Floats) -> Floats:
    """The core on an inner circle; around it lenders on the left and borrowers on the right.

    The core is the dealers, or the largest tenth if there are none.
    """
    number = len(roles)
    core = np.array([role == "dealer" for role in roles])
    if not core.any():
        total = np.bincount(lender, weight, number) + np.bincount(borrower, weight, number)
        core[np.argsort(-total, kind="stable")[: max(1, number // 10)]] = True
    place = np.zeros((number, 2))
    inner = np.flatnonzero(core)
    angle = np.pi / 2 - 2 * np.pi * np.arange(len(inner)) / len(inner)
    radius = 0.0 if len(inner) == 1 else 0.38
    place[inner] = radius * np.column_stack([np.cos(angle), np.sin(angle)])
    lends = np.array([role == "lender" for role in roles])
    for left in (True, False):
        rows = np.flatnonzero(~core & (lends == left))
        pull = _mean_of_neighbours(lender, borrower, place[:, 1])
        order = rows[np.argsort(-pull[rows], kind="stable")]
        rings = max(1, -(-len(order) // _A_RING))
        ring = np.arange(len(order)) % rings
        width = np.pi * 0.46 * min(1.0, (len(order) - 1) / 6)
        angle = np.linspace(width, -width, len(order)) if len(order) > 1 else np.zeros(len(order))
        radii = 1 - ring * min(0.06, 0.48 / rings)
        x, y = radii * np.cos(angle), radii * np.sin(angle)
        place[order] = np.column_stack([-x if left else x, y])
    return place


def _force(roles: tuple[str, ...], lender: Ints, borrower: Ints) -> Floats:
    """Fruchterman and Reingold's springs, from the columns on; no chance in it."""
    import networkx as nx

    number = len(roles)
    if number == 1:
        return np.zeros((1, 2))
    graph = nx.Graph()
    graph.add_nodes_from(range(number))
    graph.add_edges_from(zip(lender.tolist(), borrower.tolist(), strict=True))
    start = _by_role(roles, lender, borrower) * 0.5
    start += 1e-3 * np.sin(np.arange(2 * number)).reshape(number, 2)
    found = nx.spring_layout(
        graph, pos=dict(enumerate(start)), k=2.2 / np.sqrt(number), iterations=60, seed=1
    )
    place = np.array([found[node] for node in range(number)])
    place -= (place.max(axis=0) + place.min(axis=0)) / 2
    reach = np.abs(place).max(axis=0)
    return np.asarray(place / np.where(reach > 0, reach, 1))


def _spread(number: int) -> Floats:
    return np.linspace(1, -1, number) if number > 1 else np.zeros(number)


def _mean_of_neighbours(lender: Ints, borrower: Ints, height: Floats) -> Floats:
    """Mean height of the counterparties of each participant; its own where it has none."""
    one, other = np.concatenate([lender, borrower]), np.concatenate([borrower, lender])
    degree = np.bincount(one, minlength=len(height))
    total = np.bincount(one, height[other], len(height))
    return np.where(degree > 0, total / np.maximum(degree, 1), height)
