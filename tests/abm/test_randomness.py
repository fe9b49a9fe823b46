"""What a seed decides, and what changing one thing leaves as it was drawn."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from worlds import market_of, panel_of, table_of

from abm.model import CollateralMarket
from scenarios.scenario import Scenario

NETWORK: dict[str, Any] = {
    "participants": {
        "lenders": 6,
        "borrowers": 12,
        "dealers": 3,
        "size": {"kind": "pareto"},
        "equity_ratio": 0.05,
        "prefunded_inventory": 0.02,
        "issuance_capacity": 0.05,
    },
    "network": {"topology": "core-periphery", "loans_per_edge": 2},
    "loan": {"principal": 100_000, "spread": {"kind": "lognormal"}, "open_ended": True},
    "recalls": {"daily_rate": 0.02},
    "defaults": {"daily_hazard": 0.02},
    "agreement": {"transfer": "title", "reuse_rate": 0.8, "settlement_lag": 1},
    "close_out": {"impact": {"depth": 20_000}},
}


def gbm(
    days: int, tokens: str = "AB", sigma: float = 0.02, seed: int = 1
) -> dict[str, list[float]]:
    rng = np.random.default_rng(seed)
    moves = np.exp(sigma * rng.standard_normal((days, len(tokens))) - sigma**2 / 2)
    moves[0] = 100
    paths = np.rint(moves.cumprod(axis=0))
    return dict(zip(tokens, paths.T.tolist(), strict=True))


def frames(market: CollateralMarket) -> list[pd.DataFrame]:
    market.run()
    return [
        market.days_frame(),
        market.loans_frame(),
        market.participants_frame(),
        market.events_frame(),
    ]


def test_the_same_seed_gives_the_same_bytes() -> None:
    one, two = (frames(market_of(gbm(40), rng=7, events=True, **NETWORK)) for _ in range(2))
    for left, right in zip(one, two, strict=True):
        pd.testing.assert_frame_equal(left, right, check_exact=True)
        assert left.to_csv() == right.to_csv()
    assert one[0]["defaults_exogenous"].sum() > 0, "the world must have something to differ in"


def test_another_seed_gives_another_network() -> None:
    one, two = (market_of(gbm(3), rng=seed, **NETWORK) for seed in (1, 2))
    assert one.days_frame()["exposure"].iloc[0] != two.days_frame()["exposure"].iloc[0]


def test_a_seed_sequence_may_be_used_again() -> None:
    seed = np.random.SeedSequence(5)
    scenario = Scenario.parse(table_of(20, **NETWORK), "test")
    one, two = (
        CollateralMarket(scenario, rng=seed, prices=panel_of(gbm(20))).run() for _ in range(2)
    )
    pd.testing.assert_frame_equal(one.days_frame(), two.days_frame())


def test_changing_the_network_leaves_prices_alone() -> None:
    table = table_of(
        30,
        prices={
            "source": "gbm",
            "tokens": ["A", "B"],
            "initial": [100.0, 50.0],
            "volatility": 0.03,
        },
        **{**NETWORK, "close_out": {}},
    )
    markets = [CollateralMarket(Scenario.parse(table, "test"), rng=3)]
    for change in (
        {"participants.borrowers": 40},
        {"network.core_density": 0.1},
        {"defaults.daily_hazard": 0.0},
        {"loan.spread": {"kind": "equal"}},
    ):
        markets.append(CollateralMarket(Scenario.parse(table, "test"), rng=3, **change))
    for one, other in pairwise(markets):
        assert (one.path == other.path).all()
    another = CollateralMarket(Scenario.parse(table, "test"), rng=4)
    assert (another.path != markets[0].path).any()


@pytest.mark.parametrize(
    ("stress", "event"),
    [
        ({"defaults": {"daily_hazard": 0.05}}, "default"),
        ({"recalls": {"daily_rate": 0.1, "notice": 1}}, "recall"),
    ],
)
def test_changing_the_prices_leaves_stress_alone(stress: dict[str, Any], event: str) -> None:
    """Who defaults or is recalled when, whether paths are drawn or not, and how many."""
    flat = {"source": "gbm", "tokens": ["A"], "initial": 100.0, "volatility": 0.0}
    sources = [
        flat,
        {**flat, "volatility": 0.001},
        {**flat, "tokens": ["A", "B", "C"]},
        {"source": "shocks", "base": flat, "shocks": [{"day": 1, "size": 0.001}]},
        {**flat, "source": "student_t", "volatility": 0.001, "degrees_of_freedom": 5},
    ]
    found = []
    for source in sources:
        fields = {
            "prices": source,
            "loan": {"principal": 100_000, "open_ended": True},
            "participants": {"lenders": 3, "borrowers": 8},
            "network": {"topology": "complete"},
            "agreement": {"haircut": 0.05, "grace_days": 1000},
            **stress,
        }
        scenario = Scenario.parse(table_of(20, **fields), "test")
        events = CollateralMarket(scenario, rng=3, events=True).run().events_frame()
        what = ["day", "party", "loan_id"]
        found.append(events.loc[events["event"] == event, what].reset_index(drop=True))
    assert len(found[0]) >= 3
    for other in found[1:]:
        pd.testing.assert_frame_equal(found[0], other)


def test_policies_meet_the_same_defaults() -> None:
    """Defaults drawn from outside do not depend on the terms of the loans."""
    fields = {**NETWORK, "agreement": {}, "recalls": {}}
    fields["participants"] = {**NETWORK["participants"], "equity_ratio": None}
    days = []
    for haircut in (0.02, 0.3):
        fields["agreement"] = {"haircut": haircut, "grace_days": 1000}
        days.append(market_of(gbm(40), rng=3, **fields).run().days_frame())
    assert days[0]["defaults_exogenous"].tolist() == days[1]["defaults_exogenous"].tolist()
