"""A run's summary: the same as pandas has it of the table of days, to the last bit."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abm.measures.measure import COUNT, FLOW, LEVEL, MONEY, PEAK, RATIO, Measure, own_measures
from abm.measures.standard import MEASURES
from abm.measures.summary import statistics, sum_up
from abm.model import CollateralMarket
from scenarios.errors import InputError

KINDS = {measure.name: measure for measure in MEASURES}


def by_pandas(days: pd.DataFrame) -> dict[str, float]:
    """Mean, total and largest of each column as pandas has them, day 0 left out."""
    days = days[days["day"] > 0]
    found: dict[str, float] = {"days": len(days)}
    for measure in MEASURES:
        column, name = days[measure.name], measure.name
        if measure.kind == FLOW:
            found[name] = column.sum()
        elif measure.kind == PEAK:
            found[f"{name}_max"] = column.max()
        else:
            found[f"{name}_mean"] = column.mean()
            if measure.kind == RATIO and measure.weight:
                there = column.notna()
                weights = days[measure.weight][there]
                total = weights.sum()
                found[f"{name}_mean"] = (
                    (column[there] * weights).sum() / total if total else math.nan
                )
            found[f"{name}_max"] = column.max()
    return found


@pytest.mark.parametrize("name", ["crash", "network-agent-lender", "prices-gbm"])
def test_as_pandas_sums_up(name: str) -> None:
    market = CollateralMarket(name, rng=3).run()
    summary = market.summary()
    expected = by_pandas(market.days_frame())
    for statistic, value in expected.items():
        ours = summary[statistic]
        assert ours == value or (math.isnan(ours) and math.isnan(value)), statistic
    assert [one.name for one in statistics()] == list(summary)


def test_on_the_first_day_there_is_nothing_yet() -> None:
    summary = CollateralMarket("prices-gbm", rng=1).summary()
    assert (summary["days"], summary["margin_calls"], summary["open_loans_max"]) == (0, 0, 0)
    assert math.isnan(summary["gap_mean"])
    assert math.isnan(summary["peak_liquidity_demand"])


def test_values_that_are_none_are_left_out() -> None:
    measures = (
        *MEASURES,
        Measure("ratio", "ratio", RATIO, "", weight="exposure"),
        Measure("level", MONEY, LEVEL, ""),
    )
    days = np.zeros((len(measures), 4))
    names = [measure.name for measure in measures]
    days[names.index("exposure")] = [0, 1, 3, 100]
    days[-2:] = [9, 2, 4, np.nan]
    summary = sum_up(days, measures)
    assert summary["ratio_mean"] == (2 + 3 * 4) / 4
    assert (summary["level_mean"], summary["level_max"]) == (3, 4)
    days[-2:] = np.nan
    summary = sum_up(days, measures)
    assert math.isnan(summary["ratio_mean"])
    assert math.isnan(summary["level_max"])


@given(st.lists(st.floats(0, 1e15) | st.just(math.nan), min_size=1, max_size=70))
def test_the_quantile_is_that_of_numpy(values: list[float]) -> None:
    days = np.zeros((len(MEASURES), len(values) + 1))
    row = [measure.name for measure in MEASURES].index("uncollateralised_before")
    days[row, 1:] = values
    there = [value for value in values if not math.isnan(value)]
    ours = sum_up(days)["uncollateralised_before_q975"]
    assert ours == np.quantile(there, 0.975) if there else math.isnan(ours)


def test_a_count_that_is_no_number_is_refused() -> None:
    lost = Measure("lost", COUNT, FLOW, "", of=lambda market: math.nan)
    with pytest.raises(InputError, match="lost is a count, and gave nan"):
        CollateralMarket("prices-gbm", rng=1, measures=[lost])


def test_only_a_measure_is_a_weight() -> None:
    odd = Measure("odd", "ratio", RATIO, "", weight="day", of=lambda market: 1.0)
    with pytest.raises(InputError, match="no measure day to weight with"):
        own_measures((odd,), MEASURES)


def test_reporters_of_ones_own_stand_beside_the_measures() -> None:
    """As Mesa's own, added to the collector after the market is made."""
    market = CollateralMarket("prices-gbm", rng=1)
    market.datacollector._new_model_reporter("clock", lambda model: model.day)
    market.step()
    market.step()
    told = market.datacollector.model_vars
    assert list(told) == [*KINDS, "clock"]
    assert told["clock"] == [1, 2]
    assert [type(value) for value in told["margin_calls"]] == [int] * 3
    market.step()
    assert len(market.datacollector.model_vars["gap"]) == 4
