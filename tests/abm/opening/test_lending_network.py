"""Topologies, populations, and the live market as a graph."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import loan, market_of

from abm.model import CollateralMarket
from abm.opening.lending_network import draw_edges
from abm.opening.population import draw_sizes
from scenarios.errors import InputError
from scenarios.network import (
    AgentLender,
    AnyTopology,
    Complete,
    CorePeriphery,
    RandomBipartite,
    ScaleFree,
)
from scenarios.participants import Distribution

TOPOLOGIES: list[AnyTopology] = [
    Complete(),
    RandomBipartite(topology="random-bipartite", lenders_per_borrower=2),
    CorePeriphery(topology="core-periphery"),
    ScaleFree(topology="scale-free"),
    AgentLender(topology="agent-lender"),
]


def edges_of(
    topology: AnyTopology, numbers: tuple[int, int, int] = (5, 9, 3), seed: int = 1
) -> list[tuple[int, int]]:
    """Edges among lenders, then borrowers, then dealers."""
    lenders, borrowers, _ = numbers
    ids = np.arange(sum(numbers))
    drawn = draw_edges(
        topology,
        ids[:lenders],
        ids[lenders : lenders + borrowers],
        ids[lenders + borrowers :],
        np.random.default_rng(seed),
    )
    return list(zip(drawn.lender.tolist(), drawn.borrower.tolist(), strict=True))


@pytest.mark.parametrize("topology", TOPOLOGIES, ids=lambda t: t.topology)
@given(seed=st.integers(0, 10**6), numbers=st.tuples(*[st.integers(1, 8)] * 3))
def test_edges_fit_the_roles(
    topology: AnyTopology, seed: int, numbers: tuple[int, int, int]
) -> None:
    lenders, borrowers, dealers = (
        range(numbers[0]),
        range(numbers[0], numbers[0] + numbers[1]),
        range(numbers[0] + numbers[1], sum(numbers)),
    )
    edges = edges_of(topology, numbers, seed)
    assert edges == sorted(edges)
    assert len(set(edges)) == len(edges), "no pair twice unless loans_per_edge says so"
    assert all(lender in lenders or lender in dealers for lender, _ in edges)
    assert all(borrower in borrowers or borrower in dealers for _, borrower in edges)
    assert all(lender != borrower for lender, borrower in edges)
    assert edges == edges_of(topology, numbers, seed), "seeded"


def test_shapes() -> None:
    assert len(edges_of(Complete())) == 5 * 9 + 5 * 3 + 3 * 9
    bipartite = edges_of(TOPOLOGIES[1])
    assert [sum(b == borrower for _, b in bipartite) for borrower in range(5, 14)] == [2] * 9
    star = edges_of(AgentLender(topology="agent-lender"))
    assert star == [(i, 14) for i in range(5)] + [(14, i) for i in range(5, 14)]
    core = CorePeriphery(topology="core-periphery", core_density=1.0)
    inner = [edge for edge in edges_of(core) if min(edge) >= 14]
    assert len(inner) == 3 * 2
    assert not any(a < 5 and 5 <= b < 14 for a, b in edges_of(core)), "never past the dealers"
    assert len(edges_of(Complete(loans_per_edge=3))) == 3 * 87


def test_a_scale_free_network_has_a_few_large_lenders() -> None:
    """Degrees fall with the rank as rank^(-1/(γ-1)) where the tail exponent is γ."""
    edges = edges_of(
        ScaleFree(topology="scale-free", gamma=2.5, lenders_per_borrower=1), (100, 20_000, 1)
    )
    degree = np.sort(np.bincount([lender for lender, _ in edges], minlength=100))[::-1]
    ranks = np.arange(1, 101)
    slope = np.polyfit(np.log(ranks), np.log(degree), 1)[0]
    assert slope == pytest.approx(-1 / 1.5, abs=0.05)


@pytest.mark.parametrize(
    ("topology", "numbers"),
    [
        (TOPOLOGIES[1], (0, 3, 1)),
        (TOPOLOGIES[2], (2, 3, 0)),
        (TOPOLOGIES[3], (0, 3, 0)),
        (TOPOLOGIES[4], (1, 1, 0)),
        (Complete(), (3, 0, 0)),
    ],
)
def test_a_topology_needs_its_participants(
    topology: AnyTopology, numbers: tuple[int, int, int]
) -> None:
    with pytest.raises(InputError, match=r"needs at least one|has no edge"):
        edges_of(topology, numbers)


@pytest.mark.parametrize(
    "distribution",
    [
        Distribution(),
        Distribution(kind="lognormal", sigma=0.8),
        Distribution(kind="pareto", alpha=3),
    ],
)
def test_sizes_have_mean_one(distribution: Distribution) -> None:
    sizes = draw_sizes(distribution, 200_000, np.random.default_rng(1))
    assert sizes.mean() == pytest.approx(1, abs=0.01)
    assert (sizes > 0).all()
    if distribution.kind == "pareto":
        assert sizes.min() == pytest.approx(2 / 3, rel=1e-3)
        # Tail: P(X > x) = (x_min / x)^alpha.
        assert (sizes > 2).mean() == pytest.approx((1 / 3) ** 3, rel=0.05)
    if distribution.kind == "lognormal":
        assert np.log(sizes).std() == pytest.approx(0.8, rel=0.01)


def test_participants_are_named_by_role() -> None:
    market = market_of(
        {"A": [100, 100]},
        participants={"lenders": 2, "borrowers": 12, "dealers": 1},
        loan={"principal": 1000},
    )
    assert list(market.participants)[:3] == ["B01", "B02", "B03"]
    assert [agent.name for agent in market.lenders] == ["D1", "L1", "L2"]
    assert len(market.borrowers) == 13
    assert market.participants["D1"].role == "dealer"


def small() -> CollateralMarket:
    return market_of(
        {"A": [100, 90, 90]},
        agreement={"haircut": 0.0, "trigger": 0.5},
        loans=[
            loan(1, "L1", "D1", lent={"JPY": 1000}, collateral={"A": 10}),
            loan(2, "D1", "B1", lent={"JPY": 500}, collateral={"A": 10}),
            loan(3, "D1", "B1", lent={"JPY": 500}, collateral={"A": 5}),
        ],
        participants={"equity_ratio": 0.1, "prefunded_inventory": {"A": 2}},
        defaults={"scheduled": [{"participant": "B1", "day": 2}]},
        close_out={"margin_period_of_risk": 0},
    )


def test_the_live_market_as_a_graph() -> None:
    market = small()
    market.step()
    graph = market.network
    assert isinstance(graph, nx.MultiDiGraph)
    assert sorted(graph.edges(keys=True)) == [
        ("D1", "B1", 2),
        ("D1", "B1", 3),
        ("L1", "D1", 1),
    ]
    edge: dict[str, Any] = graph.edges["L1", "D1", 1]
    assert (edge["exposure"], edge["gap"], edge["state"]) == (1000, -100, "open")
    assert edge["coverage"] == pytest.approx(0.9)
    node = graph.nodes["D1"]
    assert (node["role"], node["equity"], node["wallet_value"]) == ("dealer", 100, 1180)
    assert not node["defaulted"]
    market.step()
    graph = market.network
    assert graph.nodes["B1"]["defaulted"]
    assert graph.edges["D1", "B1", 3]["state"] == "closed out"
    assert graph.edges["D1", "B1", 3]["exposure"] == 0


def test_handles_on_the_books() -> None:
    market = small()
    dealer = market.participants["D1"]
    assert dealer.loans == [1, 2, 3]
    assert (dealer.exposure, dealer.borrowed) == (1000, 1000)
    assert market.participants["L1"].loans == [1]
    assert dict(dealer.wallet) == {"A": 2, "JPY": 1000}
    assert (len(dealer.wallet), list(dealer.wallet)) == (2, ["A", "JPY"])
    with pytest.raises(KeyError, match="no token X"):
        dealer.wallet["X"]
    market.release()
    assert not list(market.agents)
