"""Who lends to whom: edges drawn for a topology, as arrays rather than one object an edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scenarios.errors import InputError
from scenarios.network import (
    AgentLender,
    AnyTopology,
    Complete,
    CorePeriphery,
    OwnTopology,
    RandomBipartite,
    ScaleFree,
)
from scenarios.own import Own, load

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Edges:
    """Directed edges from lenders to borrowers, as positions among the participants."""

    lender: Ints
    borrower: Ints


def draw_edges(
    topology: AnyTopology,
    lenders: Ints,
    borrowers: Ints,
    dealers: Ints,
    rng: np.random.Generator,
) -> Edges:
    """Draw the edges of a topology, one for each loan, sorted by lender and borrower.

    Args:
        topology: which network; one read from a file is not drawn.
        lenders: positions of the pure lenders; likewise borrowers and dealers.
        rng: the only source of randomness.

    Raises:
        InputError: the topology needs participants that are not there.
    """
    match topology:
        case Complete():
            pairs = [(lenders, borrowers), (lenders, dealers), (dealers, borrowers)]
            edges = [_all_pairs(*pair) for pair in pairs]
        case RandomBipartite():
            _need(topology.topology, lenders=lenders, borrowers=borrowers)
            edges = [_each_draws(borrowers, lenders, topology.lenders_per_borrower, rng)]
        case ScaleFree():
            _need(topology.topology, lenders=lenders, borrowers=borrowers)
            # Degrees with tail exponent γ come from weights rank^(-1/(γ-1)).
            weights = np.arange(1, len(lenders) + 1) ** (-1 / (topology.gamma - 1))
            edges = [_each_draws(borrowers, lenders, topology.lenders_per_borrower, rng, weights)]
        case CorePeriphery():
            _need(topology.topology, lenders=lenders, borrowers=borrowers, dealers=dealers)
            outer = _each_draws(lenders, dealers, topology.dealers_per_lender, rng)
            inner = _all_pairs(dealers, dealers)
            kept = (inner.lender != inner.borrower) & (
                rng.random(len(inner.lender)) < topology.core_density
            )
            edges = [
                Edges(lender=outer.borrower, borrower=outer.lender),
                Edges(inner.lender[kept], inner.borrower[kept]),
                _each_draws(borrowers, dealers, topology.dealers_per_borrower, rng),
            ]
        case AgentLender():
            _need(topology.topology, lenders=lenders, borrowers=borrowers, dealers=dealers)
            hub = dealers[:1]
            edges = [_all_pairs(lenders, hub), _all_pairs(hub, borrowers)]
        case OwnTopology():
            edges = [_own_edges(topology, lenders, borrowers, dealers, rng)]
        case _:
            raise InputError(f"network.topology: {topology.topology} is not drawn")
    lender = np.concatenate([part.lender for part in edges])
    borrower = np.concatenate([part.borrower for part in edges])
    if not len(lender):
        raise InputError(
            f"network.topology: {topology.topology} has no edge with these numbers of participants"
        )
    order = np.lexsort((borrower, lender))
    repeat = topology.loans_per_edge
    return Edges(np.repeat(lender[order], repeat), np.repeat(borrower[order], repeat))


def _own_edges(
    topology: OwnTopology, lenders: Ints, borrowers: Ints, dealers: Ints, rng: np.random.Generator
) -> Edges:
    """What a function of the user's own draws.

    Raises:
        InputError: it fails, or gives something else than rows of lenders and of borrowers.
    """
    field, own = "network", Own(use=topology.use, parameters=topology.parameters)
    groups = {"lenders": lenders, "borrowers": borrowers, "dealers": dealers}
    given = own.call(load(topology.use, "network.use"), field, rng=rng, **groups)
    try:
        lender, borrower = (np.asarray(side) for side in given)
    except (TypeError, ValueError):
        raise InputError(
            f"{field}: {own.use} gave no pair of arrays, lender and borrower"
        ) from None
    lend, borrow = np.union1d(lenders, dealers), np.union1d(borrowers, dealers)
    if lender.ndim != 1 or lender.shape != borrower.shape:
        raise InputError(
            f"{field}: {own.use} gave arrays of shapes {lender.shape} and {borrower.shape}"
        )
    if not (np.isin(lender, lend).all() and np.isin(borrower, borrow).all()):
        raise InputError(f"{field}: {own.use} gave rows that are not of lenders and borrowers")
    if (lender == borrower).any():
        raise InputError(f"{field}: {own.use} gave an edge from a participant to itself")
    return Edges(lender.astype(np.int64), borrower.astype(np.int64))


def _need(topology: str, **groups: Ints) -> None:
    for role, members in groups.items():
        if not len(members):
            raise InputError(f"participants.{role}: {topology} needs at least one")


def _all_pairs(lenders: Ints, borrowers: Ints) -> Edges:
    return Edges(np.repeat(lenders, len(borrowers)), np.tile(borrowers, len(lenders)))


def _each_draws(
    drawing: Ints,
    drawn: Ints,
    number: int,
    rng: np.random.Generator,
    weights: npt.NDArray[np.floating] | None = None,
) -> Edges:
    """Each of `drawing` borrows from `number` different ones of `drawn`.

    The largest of `log(u)/weight` draw without replacement in proportion to the weights (Efraimidis
    and Spirakis 2006), for many at once.
    """
    number = min(number, len(drawn))
    rows = max(1, 4_000_000 // len(drawn))
    chosen = []
    for begin in range(0, len(drawing), rows):
        size = min(rows, len(drawing) - begin)
        keys = np.log(rng.random((size, len(drawn))))
        if weights is not None:
            keys /= weights
        chosen.append(np.argpartition(-keys, number - 1, axis=1)[:, :number])
    positions = np.concatenate(chosen) if chosen else np.zeros((0, number), np.int64)
    return Edges(lender=drawn[positions.ravel()], borrower=np.repeat(drawing, number))
