"""The bundled experiments do what their headers say."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from abm.experiments.execute import run_experiment
from abm.experiments.plan import Plan
from scenarios.experiment import Experiment, bundled_experiments


@pytest.mark.parametrize("name", bundled_experiments())
def test_says_what_to_look_at_and_can_be_simulated(name: str) -> None:
    text = bundled_experiments()[name].read_text()
    assert "Look at: " in text[: text.index("\ntitle")]
    Plan.of(Experiment.load(name)).check()


def test_the_papers_models_in_every_window_and_network(tmp_path: Path) -> None:
    experiment = Experiment.load("paper-models")
    assert Plan.of(experiment).runs == 5 * 2 * 100
    once = experiment.with_settings({}, replications=1)
    assert run_experiment(once, tmp_path / "out", workers=0, quiet=True).failed == 0
    runs = pd.read_parquet(tmp_path / "out" / "runs")
    by_model = runs.groupby("factor.model")
    calls, short = by_model["margin_calls"].sum(), by_model["requirement_shortfall_mean"].sum()
    # A trigger saves calls and lets loans fall short of the requirement; several tokens do without
    # issuances by lenders.
    assert calls[3] < calls[1]
    assert calls[4] < calls[2]
    assert short[1] == short[2] == 0 < min(short[3], short[4])
    issued = by_model["lender_issuances"].sum()
    assert issued[2] == issued[4] == 0 < issued[0]
