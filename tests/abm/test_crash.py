"""What docs/crash.md says of each cause holds on networks and price paths of crash-causes."""

from __future__ import annotations

import pandas as pd
import pytest

from abm.model import CollateralMarket
from abm.opening.streams import RunSeed
from scenarios.experiment import Experiment

CAUSES = Experiment.load("crash-causes")
VARIANTS = CAUSES.factors.alternatives["variant"]
RUNS = [(path % 2, path) for path in range(8)]
EVERYTHING = "everything on"


def runs_of(variant: str) -> pd.DataFrame:
    """The summaries of a variant, a row a run."""
    scenario = CAUSES.scenario.with_changes(VARIANTS[variant])
    rows = []
    for network, path in RUNS:
        market = CollateralMarket(scenario, rng=RunSeed(CAUSES.seed, network=network, path=path))
        rows.append(market.run().summary())
        market.release()
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def everything() -> pd.DataFrame:
    return runs_of(EVERYTHING)


def test_both_sources_of_variance_are_drawn_and_no_history_alone() -> None:
    assert (CAUSES.networks, CAUSES.paths) == (4, 25)
    assert CAUSES.scenario.prices.source == "bootstrap"


def test_the_market_shows_what_its_causes_are_taken_from(everything: pd.DataFrame) -> None:
    for column in ("defaults_liquidity", "withdrawals", "outside_sold_value"):
        assert everything[column].sum() > 0, column
    assert everything["contributed"].sum() == 0, "nothing comes from nowhere"


def test_claims_are_small_beside_what_is_lent_and_estates_pay_them(
    everything: pd.DataFrame,
) -> None:
    assert everything["residual_claims"].max() < 1e-3 * everything["lent_before_max"].min()
    assert everything["close_out_loss"].sum() == 0


def test_liquidity_defaults_come_from_withdrawal(everything: pd.DataFrame) -> None:
    without = runs_of("no withdrawal")
    assert everything["defaults_liquidity"].sum() > 0
    assert without["defaults_liquidity"].sum() == without["recall_fails"].sum() == 0
    assert without["defaults_insolvency"].sum() >= everything["defaults_insolvency"].sum()


def test_who_does_not_deleverage_is_recalled_from_more_and_defaults_more(
    everything: pd.DataFrame,
) -> None:
    without = runs_of("no deleveraging")
    assert without["withdrawals"].sum() > everything["withdrawals"].sum()
    assert without["defaults_liquidity"].sum() > everything["defaults_liquidity"].sum()


def test_at_half_the_leverage_nobody_defaults() -> None:
    assert runs_of("half the leverage")["defaults"].sum() == 0


def test_sales_lower_prices_and_raise_exposure(everything: pd.DataFrame) -> None:
    without = runs_of("no price impact")
    sold = everything["outside_sold_value"] > 1e9
    assert sold.any()
    bp = "uncollateralised_before_bp_mean"
    assert (everything[bp] >= without[bp])[sold].all()
    assert everything[bp].mean() > without[bp].mean()
    larger = runs_of("loans four times as large")
    assert larger[bp].mean() > everything[bp].mean()


def test_the_lag_makes_exposure_and_not_defaults(everything: pd.DataFrame) -> None:
    at_once = runs_of("no settlement lag")
    after, before = "uncollateralised_after_bp_mean", "uncollateralised_before_bp_mean"
    assert at_once[after].mean() < 0.02 * everything[after].mean()
    assert at_once[before].mean() < 0.6 * everything[before].mean()
    assert at_once["defaults"].tolist() == everything["defaults"].tolist()


def test_the_threshold_saves_calls_and_moves_no_default(everything: pd.DataFrame) -> None:
    daily = runs_of("calls every day")
    assert (daily["margin_calls"] > everything["margin_calls"]).all()
    assert daily["margin_calls"].sum() > 1.5 * everything["margin_calls"].sum()
    assert abs(daily["defaults"].sum() - everything["defaults"].sum()) <= 1


def test_a_haircut_covers_and_with_total_assets_fixed_takes_liquidity(
    everything: pd.DataFrame,
) -> None:
    wide = runs_of("haircut of 20 %")
    assert wide["uncollateralised_before_bp_max"].max() == 0
    assert everything["unmet_calls"].sum() == 0 < wide["unmet_calls"].sum()
    assert wide["defaults_liquidity"].sum() >= everything["defaults_liquidity"].sum()


def test_idle_cash_would_have_met_every_recall(everything: pd.DataFrame) -> None:
    idle = runs_of("cash left idle")
    assert idle["defaults_liquidity"].sum() == idle["outside_sold_value"].sum() == 0
    assert everything["defaults_liquidity"].sum() > 0
