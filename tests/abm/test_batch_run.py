"""Mesa's own batch_run works on the market, with flat keyword parameters."""

from __future__ import annotations

import mesa
import pandas as pd
from sweeps import SCENARIO

from abm.model import CollateralMarket
from scenarios.scenario import Scenario


def test_flat_parameters_seeds_and_daily_rows() -> None:
    scenario = Scenario.parse(SCENARIO, "test")
    rows = mesa.batch_run(
        CollateralMarket,
        # In a list: batch_run would walk through the fields of a scenario that stands alone.
        parameters={"scenario": [scenario], "agreement.haircut": [0.05, 0.2], "rng": [1, 2]},
        number_processes=1,
        data_collection_period=1,
        max_steps=100,
        display_progress=False,
    )
    frame = pd.DataFrame(rows)
    # The model ends the run, not max_steps. batch_run reports as many rows as there were steps,
    # which is all but the last of a model that records its opening.
    assert len(frame) == 4 * 7
    for haircut in (0.05, 0.2):
        for seed in (1, 2):
            market = CollateralMarket(scenario, rng=seed, **{"agreement.haircut": haircut}).run()
            chosen = frame[(frame["agreement.haircut"] == haircut) & (frame["rng"] == seed)]
            days = market.days_frame().iloc[:-1]
            assert chosen["collateral_value"].tolist() == days["collateral_value"].tolist()
            assert chosen["margin_calls"].tolist() == days["margin_calls"].tolist()
