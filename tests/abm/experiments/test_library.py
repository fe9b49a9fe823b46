"""The bundled experiments do what their headers say."""

from __future__ import annotations

import pandas as pd
import pytest

from abm.experiments.execute import run_experiment
from abm.experiments.plan import Plan
from abm.model import CollateralMarket
from scenarios.experiment import Experiment, bundled_experiments


@pytest.mark.parametrize("name", bundled_experiments())
def test_says_what_to_look_at_and_can_be_simulated(name: str) -> None:
    text = bundled_experiments()[name].read_text()
    assert "Look at: " in text[: text.index("\ntitle")]
    Plan.of(Experiment.load(name)).check()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Ten networks, each with a price path of its own, from each source and with each model."""
    experiment = Experiment.load("paper-models")
    assert Plan.of(experiment).runs == 5 * 2 * 100
    folder = tmp_path_factory.mktemp("models") / "out"
    few = experiment.with_settings({}, replications=5)
    assert run_experiment(few, folder, workers=0, quiet=True).failed == 0
    return pd.read_parquet(folder / "runs")


def test_the_papers_models_on_prices_that_differ(models: pd.DataFrame) -> None:
    assert not models["one_history"].any()
    by_model = models.groupby("factor.model")
    before = by_model["uncollateralised_before_bp_mean"].mean()
    after = by_model["uncollateralised_after_bp_mean"].mean()
    # Nothing is covered before the day's prices are known, whatever the model; settling a day later
    # leaves more, and something after the calls, too.
    assert (before > 0).all()
    assert before[0] > before[1] and after[0] > after[1]
    calls, issued = by_model["margin_calls"].sum(), by_model["lender_issuances"].sum()
    assert calls[3] < calls[1] and calls[4] < calls[2]
    assert issued[2] == issued[4] == 0 < issued[3] < issued[0]


def test_loans_of_the_papers_market_differ() -> None:
    market = CollateralMarket("paper-market", rng=1)
    loans = market.loans_frame()
    there = loans[loans["state"] == "open"]
    assert 40 <= len(there) < len(loans) <= 80, "some begin later"
    assert there["exposure"].nunique() > 30 and there["maturity"].nunique() > 10
    assert len(there[[f"posted_{token}" for token in market.tokens]].drop_duplicates()) > 30


def test_the_windows_are_one_history_each() -> None:
    experiment = Experiment.load("paper-windows")
    plan = Plan.of(experiment)
    assert (plan.runs, experiment.networks, experiment.paths) == (5 * 4 * 10, 10, 1)
    assert all(plan.scenario(design).prices.is_one_history for design in plan.designs)
