"""Layouts keep everybody inside, apart, and where they were."""

from __future__ import annotations

import numpy as np
import pytest

from abm.page.settings import Offer, Settings
from abm.page.watch import Watch
from analysis.layouts import LAYOUTS, positions


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("participants", [2, 60, 1000])
def test_everybody_has_a_place_of_their_own(layout: str, participants: int) -> None:
    if layout == "force" and participants > 100:
        pytest.skip("springs of 1,000 take seconds")
    values = {"participants": participants, "topology": "random-bipartite"}
    (market,) = Offer().markets(Settings("prices-file", values=values))
    watch, roles = Watch(market), market.population.roles
    where = positions(roles, watch.lender, watch.borrower, watch.exposure, layout)
    assert where.shape == (participants, 2)
    assert np.abs(where).max() <= 1.0001
    assert len(np.unique(where.round(4), axis=0)) == participants
    again = positions(roles, watch.lender, watch.borrower, watch.exposure, layout)
    np.testing.assert_array_equal(where, again)
    market.release()


def test_lenders_are_left_of_borrowers() -> None:
    (market,) = Offer().markets(Settings("crash"))
    watch, roles = Watch(market), np.array(market.population.roles)
    for layout in ("core-periphery", "bipartite"):
        x = positions(tuple(roles), watch.lender, watch.borrower, watch.exposure, layout)[:, 0]
        assert x[roles == "lender"].max() < 0 < x[roles == "borrower"].min()


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(ValueError, match="no layout circle; there are core-periphery"):
        positions(("lender",), np.array([0]), np.array([0]), np.array([1.0]), "circle")
