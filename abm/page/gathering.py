"""Which participants and pairs of a large market are drawn one by one, and which together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from abm.opening.population import ROLES
from abm.page.view import Floats, Graph, Ints, Web, sums

ALL_SHOWN = 120
"""Up to so many participants are all drawn."""
LARGEST = 60
"""Of more, so many are drawn, the largest of each role; the rest is one node a role."""
MOST_EDGES = 300
"""So many pairs are drawn, the largest on the first day."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Drawn(Web):
    """What of a graph is drawn; the last nodes may stand for many participants."""

    members: Ints
    """Participants that each node stands for."""
    node_of: Ints
    """Node of each participant."""
    edge_of: Ints
    """Edge of each pair; -1 for pairs within one node, which are not drawn."""
    largest: npt.NDArray[np.bool_]
    """Edges that are always drawn; the others only when something happens on them."""

    @property
    def gathered(self) -> int:
        """Participants that are not drawn one by one."""
        return int(self.members[self.members > 1].sum())

    @property
    def note(self) -> str:
        """Says what is left out, or gathered; empty if nothing is."""
        notes = []
        alone = int((self.members == 1).sum())
        if self.gathered:
            notes.append(
                f"The {alone} largest of {len(self.node_of):,} participants are drawn one by one;"
                f" the other {self.gathered:,} are gathered by role, with their loans."
            )
        if not self.largest.all():
            drawn = int(self.largest.sum())
            notes.append(
                f"The {drawn} largest of {len(self.largest):,} connections are drawn, and"
                " those with an unmet call or a close-out."
            )
        return " ".join(notes)


def gather(graph: Graph) -> Drawn:
    """Choose what is drawn of a graph; the same for every day, so that nothing jumps."""
    number = len(graph.names)
    weight = sums(graph.lender, graph.weight, number) + sums(graph.borrower, graph.weight, number)
    roles = np.array(graph.roles)
    alone = np.arange(number)
    if number > ALL_SHOWN:
        alone = np.sort(np.concatenate([_largest(roles == role, weight) for role in ROLES]))
    node_of = np.full(number, -1)
    node_of[alone] = np.arange(len(alone))
    names = [graph.names[row] for row in alone]
    kinds = [graph.roles[row] for row in alone]
    members, size = [1] * len(alone), graph.size[alone].tolist()
    for role in ROLES:
        rest = np.flatnonzero((node_of < 0) & (roles == role))
        if len(rest):
            node_of[rest] = len(names)
            names.append(f"{len(rest):,} other {role}s" if len(rest) > 1 else graph.names[rest[0]])
            kinds.append(role)
            members.append(len(rest))
            size.append(float(graph.size[rest].sum()))
    lender, borrower = node_of[graph.lender], node_of[graph.borrower]
    key = lender * len(names) + borrower
    drawn_pairs = np.flatnonzero(lender != borrower)
    edges, edge = np.unique(key[drawn_pairs], return_inverse=True)
    edge_of = np.full(len(key), -1)
    edge_of[drawn_pairs] = edge
    edge_weight = sums(edge, graph.weight[drawn_pairs], len(edges))
    largest = np.zeros(len(edges), np.bool_)
    largest[np.argsort(-edge_weight, kind="stable")[:MOST_EDGES]] = True
    return Drawn(
        names=tuple(names),
        roles=tuple(kinds),
        members=np.array(members, np.int64),
        size=np.array(size),
        node_of=node_of,
        lender=edges // max(len(names), 1),
        borrower=edges % max(len(names), 1),
        weight=edge_weight,
        edge_of=edge_of,
        largest=largest,
    )


def _largest(chosen: npt.NDArray[np.bool_], weight: Floats) -> Ints:
    """The largest rows of a role: its share of `LARGEST`, five at least."""
    rows = np.flatnonzero(chosen)
    number = max(5, round(LARGEST * len(rows) / len(chosen)))
    return rows[np.argsort(-weight[rows], kind="stable")[:number]]
