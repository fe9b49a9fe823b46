"""The columns against the market that `tests/benchmarks` writes plainly, with an object a loan."""

from __future__ import annotations

from typing import Any

import pytest
from benchmarks.object_market import PlainMarket, compare

from abm.model import CollateralMarket
from scenarios.scenario import Scenario


@pytest.mark.parametrize("model", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"return_rounding": "up"},
        {"delivery_rounding": "down", "margin_percentage": 1.03},
    ],
    ids=["standard", "returns-up", "deliveries-down"],
)
def test_objects_move_the_same_tokens_and_come_to_the_same_statistics(
    model: int, terms: dict[str, Any]
) -> None:
    """Over a recovery, in which the first token of a single-token model runs out, and a fall."""
    scenario = Scenario.parse(
        {
            "window": {"start": "2009-03-02", "end": "2010-07-01"},
            "prices": {"source": "file", "file": "bundled:us_stocks_2007_2010"},
            "agreement": {"model": model, **terms},
            "participants": {"lenders": 3, "borrowers": 10},
            "loan": {"principal": 1e5, "spread": {"kind": "lognormal"}},
        },
        "objects",
    )
    market = CollateralMarket(scenario, rng=3)
    plain = PlainMarket(market)
    while market.running:
        market.step()
        plain.step()
    compare(market, plain)
    days = market.days_frame()
    assert days["borrower_issuances"].sum() > 0
    if model in (1, 3):
        assert days["lender_issuances"].sum() > 0
