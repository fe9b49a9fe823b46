"""In the scenario `crash` each kind of trouble has its cause and goes with it (docs/crash.md)."""

from __future__ import annotations

from typing import Any

import pytest

from abm.model import CollateralMarket
from scenarios.experiment import Experiment

VARIANTS = Experiment.load("crash-causes").factors.alternatives["variant"]
SEEDS = range(3)


def totals(variant: str) -> dict[str, float]:
    """Summary statistics of a variant, added up over seeds."""
    changes: dict[str, Any] = dict(VARIANTS[variant])
    summaries = []
    for seed in SEEDS:
        market = CollateralMarket("crash", rng=seed, **changes).run()
        summaries.append(market.summary())
        market.release()
    return {name: sum(summary[name] for summary in summaries) for name in summaries[0]}


@pytest.fixture(scope="module")
def everything() -> dict[str, float]:
    return totals("everything on")


TROUBLE = ("unmet_calls", "defaults_liquidity", "defaults_contagion", "close_out_loss")


def test_everything_goes_wrong_at_once(everything: dict[str, float]) -> None:
    assert all(everything[kind] > 0 for kind in TROUBLE)


@pytest.mark.parametrize("variant", ["unlimited issuance", "calm summer of 2009"])
def test_without_shortage_or_without_a_crash_there_is_no_trouble(variant: str) -> None:
    assert [totals(variant)[kind] for kind in TROUBLE] == [0, 0, 0, 0]


def test_the_lag_makes_exposure_and_not_defaults(everything: dict[str, float]) -> None:
    at_once = totals("no settlement lag")
    largest = "uncollateralised_after_max"
    assert at_once[largest] < 0.05 * everything[largest]
    assert at_once["defaults_liquidity"] >= 0.9 * everything["defaults_liquidity"]


def test_sales_that_move_prices_cost_more(everything: dict[str, float]) -> None:
    without = totals("no price impact")
    assert 0 < without["close_out_loss"] < 0.8 * everything["close_out_loss"]
    assert without["defaults"] < everything["defaults"]


def test_contagion_needs_thin_equity(everything: dict[str, float]) -> None:
    endless = totals("equity without end")
    assert endless["defaults_contagion"] == 0
    assert endless["close_out_loss"] > 0


def test_a_haircut_above_the_fall_leaves_defaults_and_no_loss(
    everything: dict[str, float],
) -> None:
    wide = totals("haircut of 30 %")
    assert wide["defaults_liquidity"] > 0
    assert wide["close_out_loss"] == wide["uncollateralised_after_max"] == 0
    short = "requirement_shortfall_max"
    assert wide[short] == pytest.approx(everything[short], rel=0.05)
