"""What docs/schedules.md says of haircuts that move and of cheapest deliveries, each line of it."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from abm.model import CollateralMarket
from scenarios.experiment import Experiment
from scenarios.scenario import Scenario

SEEDS = range(4)


@cache
def totals(experiment: str, model: str, delivery: str = "by priority") -> dict[str, float]:
    """Summary statistics of a design, added up over seeds."""
    given = Experiment.load(experiment)
    variants = given.factors.alternatives
    changes: dict[str, Any] = {**variants["haircut_model"][model]}
    changes |= variants["delivery"][delivery] if "delivery" in variants else {}
    summaries = []
    for seed in SEEDS:
        scenario: Scenario = given.scenario.with_changes(changes)
        market = CollateralMarket(scenario, rng=seed).run()
        summaries.append(market.summary())
        market.release()
    return {name: sum(summary[name] for summary in summaries) for name in summaries[0]}


def of(statistic: str, *design: str) -> float:
    return totals(*design)[statistic]


CRASH, PATHS, DELIVERIES = "haircuts-crash", "haircuts-paths", "deliveries-crash"
PEAK, PEAK_TO_TROUGH = "peak_liquidity_demand", "haircut_peak_to_trough_max"


@pytest.mark.parametrize("model", ["fixed at 5 %", "fixed at 13 %"])
def test_fixed_haircuts_call_for_nothing_by_themselves(model: str) -> None:
    assert of(PEAK_TO_TROUGH, CRASH, model) == len(SEEDS)
    assert of("calls_by_haircuts", CRASH, model) == 0


def test_procyclical_haircuts_multiply_liquidity_demand_and_defaults() -> None:
    for statistic, times in ((PEAK, 2), ("unmet_value", 4), ("defaults_liquidity", 3)):
        assert of(statistic, CRASH, "EWMA") > times * of(statistic, CRASH, "fixed at 13 %")


def test_losses_are_small_in_any_case() -> None:
    """At 13 % defaults leave next to nothing in the crash as it is."""
    assert of("close_out_loss", CRASH, "fixed at 13 %") < 0.01 * of(PEAK, CRASH, "fixed at 13 %")


@pytest.mark.parametrize("tool", ["buffer of 25 %", "stressed weight of 25 %"])
@pytest.mark.parametrize("experiment", [CRASH, PATHS])
def test_buffer_and_stressed_weight_make_haircuts_less_procyclical(
    tool: str, experiment: str
) -> None:
    for statistic in (PEAK_TO_TROUGH, "haircut_rise_5_max", PEAK):
        assert of(statistic, experiment, f"EWMA, {tool}") < of(statistic, experiment, "EWMA")


def test_the_floor_helps_only_where_history_knows_a_crash() -> None:
    floor = "EWMA, floor of history"
    assert of(PEAK, CRASH, floor) == pytest.approx(of(PEAK, CRASH, "EWMA"), rel=0.02)
    assert of("calls_by_haircuts", PATHS, floor) < 0.6 * of("calls_by_haircuts", PATHS, "EWMA")


def test_filtered_simulation_is_the_most_procyclical_and_a_long_look_back_the_least() -> None:
    for statistic in (PEAK_TO_TROUGH, "calls_by_haircuts", PEAK, "unmet_value"):
        assert of(statistic, CRASH, "filtered") > of(statistic, CRASH, "EWMA")
        assert of(statistic, CRASH, "historical") < of(statistic, CRASH, "EWMA")


@pytest.mark.parametrize("model", ["fixed at 13 %", "EWMA"])
def test_optimisation_saves_cost_and_leaves_lenders_with_riskier_collateral(model: str) -> None:
    cheap, rule = (DELIVERIES, model, "cheapest"), (CRASH, model)
    assert of("collateral_cost_mean", *cheap) < 0.95 * of("collateral_cost_mean", *rule)
    volatility = "collateral_volatility_mean"
    assert of(volatility, *cheap) > 1.03 * of(volatility, *rule)
    assert of(PEAK, *cheap) > of(PEAK, *rule)
    assert of("unmet_value", *cheap) == pytest.approx(of("unmet_value", *rule), rel=0.05)


def test_substitution_saves_more_and_takes_more_of_the_quality() -> None:
    cheap, swapped = ((DELIVERIES, "fixed at 13 %", how) for how in ("cheapest", SWAPPED))
    assert of("substitutions", *cheap) == 0 < of("substitutions", *swapped)
    assert of("collateral_cost_mean", *swapped) < of("collateral_cost_mean", *cheap)
    volatility = "collateral_volatility_mean"
    assert of(volatility, *swapped) > of(volatility, *cheap)


SWAPPED = "cheapest, with substitution"
