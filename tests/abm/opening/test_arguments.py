"""What Python can hand to a market and a file cannot: one sentence each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from abm.experiments.execute import run_experiment
from abm.model import CollateralMarket
from scenarios.errors import InputError
from scenarios.experiment import Experiment, load_either
from scenarios.scenario import Scenario


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scenario": {"loan": {}}}, "scenario: expected a Scenario, a file or .*it is a dict"),
        ({"prices": pd.DataFrame()}, "prices: expected a PricePanel; PricePanel.from_frame"),
        ({"prices": "prices.csv"}, "it is 'prices.csv'"),
        ({"rng": np.random.default_rng(1)}, "rng: expected a whole number.*it is a Generator"),
        ({"rng": "1"}, "it is '1'"),
        ({"events": "yes"}, "events: expected True or False .it is 'yes'"),
        ({"measures": 3}, "measures: expected a list, as .*it is 3"),
        ({"measures": "module:name"}, "measures: expected a list, as .*it is 'module:name'"),
        (
            {"behaviours": ["borrower"]},
            "behaviours: expected classes by role or name.*it is a list",
        ),
        ({"behaviours": {"borower": object}}, "borower: object is not a participant class"),
        ({"haircut": 0.1}, "haircut: a scenario has no such field .did you mean agreement.haircut"),
    ],
    ids=lambda given: next(iter(given)) if isinstance(given, dict) else "",
)
def test_a_market(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as refusal:
        CollateralMarket(**{"scenario": "prices-gbm", "rng": 1, **arguments})
    assert "\n" not in str(refusal.value)


def test_a_scenario_and_an_experiment(tmp_path: Any) -> None:
    wrong: Any = {"loan": {}}
    for load in (Scenario.load, Experiment.load, load_either):
        with pytest.raises(InputError, match=r"expected a file or the name of .*it is a dict"):
            load(wrong)
    for parse in (Scenario.parse, Experiment.parse):
        with pytest.raises(InputError, match=r"mine: expected a table of fields.*it is a list"):
            parse([wrong], "mine")  # type: ignore[arg-type]
    for given in ("crash", Scenario.load("crash")):
        with pytest.raises(InputError, match="experiment: expected an Experiment, as Experiment"):
            run_experiment(given, tmp_path / "out")  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()
