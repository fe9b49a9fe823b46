"""What of the network is drawn, where, and with which marks."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from abm.page.gathering import ALL_SHOWN, LARGEST, Drawn, gather
from abm.page.layouts import LAYOUTS, core_of, positions
from abm.page.network_figure import NetworkFigure
from abm.page.picture import hover_texts, picture
from abm.page.view import DayView, Graph, sums
from tests.abm.page.conftest import NETWORK, market_of, view_after


def bipartite(lenders: int, borrowers: int, dealers: int, seed: int) -> Graph:
    """A graph with three lenders for each borrower."""
    rng = np.random.default_rng(seed)
    roles = ["lender"] * lenders + ["borrower"] * borrowers + ["dealer"] * dealers
    number = len(roles)
    lender = np.repeat(np.arange(lenders), 3)
    borrower = lenders + rng.integers(0, borrowers + dealers, len(lender))
    key = np.unique(lender * number + borrower)
    return Graph(
        names=tuple(f"P{i:04d}" for i in range(number)),
        roles=tuple(roles),
        size=rng.lognormal(size=number),
        lender=key // number,
        borrower=key % number,
        pair_of_account=np.arange(len(key)),
        weight=rng.lognormal(size=len(key)),
    )


graphs = st.builds(
    bipartite, st.integers(1, 90), st.integers(1, 200), st.integers(0, 30), st.integers(0, 5)
)


@given(graphs)
def test_everybody_is_drawn_once_alone_or_gathered(graph: Graph) -> None:
    drawn = gather(graph)
    np.testing.assert_array_equal(np.bincount(drawn.node_of), drawn.members)
    roles = np.array(drawn.roles)[drawn.node_of]
    np.testing.assert_array_equal(roles, np.array(graph.roles))
    if len(graph.names) <= ALL_SHOWN:
        assert drawn.names == graph.names
    else:
        assert len(drawn.names) <= LARGEST + 3 * 6


@given(graphs)
def test_edges_carry_all_that_is_lent_between_nodes(graph: Graph) -> None:
    drawn = gather(graph)
    lender, borrower = drawn.node_of[graph.lender], drawn.node_of[graph.borrower]
    between = lender != borrower
    np.testing.assert_allclose(drawn.weight.sum(), graph.weight[between].sum())
    np.testing.assert_array_equal(drawn.lender[drawn.edge_of[between]], lender[between])
    np.testing.assert_array_equal(drawn.borrower[drawn.edge_of[between]], borrower[between])


@given(graphs, st.sampled_from(sorted(LAYOUTS)))
def test_positions_are_within_the_picture_apart_and_always_the_same(
    graph: Graph, layout: str
) -> None:
    drawn = gather(graph)
    place = positions(drawn, layout)
    assert place.shape == (len(drawn.names), 2)
    assert np.abs(place).max() <= 1.08
    assert len(np.unique(place.round(6), axis=0)) == len(place)
    np.testing.assert_array_equal(place, positions(drawn, layout))


def test_a_thousand_participants_say_what_is_gathered() -> None:
    drawn = gather(bipartite(300, 640, 60, 1))
    alone = int((drawn.members == 1).sum())
    assert drawn.note.startswith(f"The {alone} largest of 1,000 participants")
    assert f"the other {1000 - alone} are gathered" in drawn.note


def test_few_participants_need_no_note() -> None:
    assert gather(bipartite(3, 7, 0, 1)).note == ""


def test_the_largest_are_drawn_alone() -> None:
    graph = bipartite(100, 300, 0, 2)
    drawn = gather(graph)
    weight = sums(graph.lender, graph.weight, len(graph.names))
    lenders = np.arange(100)
    alone = np.isin(lenders, np.flatnonzero(drawn.members[drawn.node_of] == 1))
    assert weight[lenders[alone]].min() >= weight[lenders[~alone]].max()


def test_roles_stand_in_columns_and_dealers_in_the_core() -> None:
    drawn = gather(bipartite(5, 9, 3, 1))
    x = positions(drawn, "bipartite")[:, 0]
    roles = np.array(drawn.roles)
    assert x[roles == "lender"].max() < x[roles == "dealer"].min()
    assert x[roles == "dealer"].max() < x[roles == "borrower"].min()
    radius = np.hypot(*positions(drawn, "core-periphery").T)
    np.testing.assert_array_equal(core_of(drawn), roles == "dealer")
    assert radius[roles == "dealer"].max() < radius[roles != "dealer"].min()


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(ValueError, match="force"):
        positions(gather(bipartite(2, 2, 0, 1)), "spiral")


def drawn_and_placed(view: DayView) -> tuple[Drawn, np.ndarray]:
    drawn = gather(view.graph)
    return drawn, positions(drawn, "core-periphery")


def test_marks_are_those_of_the_day(pair: DayView) -> None:
    drawn, place = drawn_and_placed(pair)
    quiet = replace(
        pair, delivered=np.array([False]), returned=np.array([False]), unmet=np.array([0.0])
    )
    assert picture(quiet, drawn, place).counts["unmet"] == 0
    loud = picture(replace(quiet, unmet=np.array([5.0])), drawn, place)
    assert loud.counts["unmet"] == 1
    assert "unmet calls on 1," in loud.words


def test_defaulters_are_marked_and_told(all_defaulted: DayView) -> None:
    drawn, place = drawn_and_placed(all_defaulted)
    day = picture(all_defaulted, drawn, place)
    assert day.counts["defaulted"] >= 7
    assert not day.shown.any()
    texts = dict(zip(drawn.names, hover_texts(all_defaulted, drawn), strict=True))
    assert "in default" in texts["B1"]
    assert "wallet" in texts["L1"]
    assert "equity" in texts["L1"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_picture_is_drawn_in_every_state(any_view: DayView, layout: str) -> None:
    drawn = gather(any_view.graph)
    place = positions(drawn, layout)
    figure = NetworkFigure(drawn, place)
    image = Image.open(io.BytesIO(figure.image(picture(any_view, drawn, place))))
    assert image.size == (960, 672)
    assert len(image.getcolors(1 << 20) or ()) > 5


def test_drawing_again_gives_the_same_picture() -> None:
    market = market_of(NETWORK)
    first, later = view_after(market, 1), view_after(market, 5)
    drawn, place = drawn_and_placed(first)
    figure = NetworkFigure(drawn, place)
    image = figure.image(picture(first, drawn, place))
    assert figure.image(picture(later, drawn, place)) != image
    assert figure.image(picture(first, drawn, place)) == image


def test_undercovered_pairs_are_orange_and_overcovered_ones_blue() -> None:
    from abm.page.style import coverage_colours

    colours = coverage_colours()
    low, full, high = (colours(x)[:3] for x in (0.0, 0.5, 1.0))
    assert low[0] > low[2]
    assert high[2] > high[0]
    assert max(full) - min(full) < 0.1
