"""Mesa's own batch_run works on the market, with flat keyword parameters."""

from __future__ import annotations

from inspect import signature

import mesa
import pandas as pd
from sweeps import SCENARIO

from abm.model import CollateralMarket
from scenarios.scenario import Scenario


def test_flat_parameters_seeds_and_daily_rows() -> None:
    scenario = Scenario.parse(SCENARIO, "test")
    seeds = {"rng": [1, 2]}
    # Newer ones than Mesa 3.3 take seeds as an argument, and override a parameter of that name.
    beside = "rng" in signature(mesa.batch_run).parameters
    rows = mesa.batch_run(
        CollateralMarket,
        # In a list: batch_run would walk through the fields of a scenario that stands alone.
        parameters={
            "scenario": [scenario],
            "agreement.haircut": [0.05, 0.2],
            **({} if beside else seeds),
        },
        **(seeds if beside else {}),
        number_processes=1,
        data_collection_period=1,
        max_steps=100,
        display_progress=False,
    )
    frame = pd.DataFrame(rows)
    for haircut in (0.05, 0.2):
        for seed in (1, 2):
            market = CollateralMarket(scenario, rng=seed, **{"agreement.haircut": haircut}).run()
            chosen = frame[(frame["agreement.haircut"] == haircut) & (frame["rng"] == seed)]
            days = market.days_frame()
            # The model ends the run, not max_steps. Mesa before 3.5 reports as many rows as there
            # were steps, which is all but the last of a model that records its opening.
            assert len(chosen) in (len(days), len(days) - 1)
            days = days.iloc[: len(chosen)]
            assert chosen["collateral_value"].tolist() == days["collateral_value"].tolist()
            assert chosen["margin_calls"].tolist() == days["margin_calls"].tolist()
