"""Operating cost against the recorded gas, worked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.errors import ResultsError
from analysis.operating_cost import (
    Fees,
    GasTerms,
    estimated_costs,
    measured_costs,
    priced,
    recorded,
    unit_gas,
    yearly_costs,
)
from analysis.results import KEYS

FEES = Fees(gas_price=10, ether_price=3000)
"""3e-5 a unit of gas: 100,000 gas are 3."""

RUN: dict[str, Any] = {
    "scenario_id": 0,
    "replication_id": 0,
    "days": 10,
    "open_loans_max": 1,
    "margin_calls": 5,
    "deliveries": 3,
    "returns": 2,
    "borrower_issuances": 1,
    "gas": 0.0,
}


def runs_of(*changes: dict[str, Any]) -> pd.DataFrame:
    """A row for each, with a design of its own."""
    rows = [RUN | {"scenario_id": number} | change for number, change in enumerate(changes)]
    return pd.DataFrame(rows)


def loan_days_of(*numbers: int) -> pd.Series:
    index = pd.MultiIndex.from_tuples([(n, 0) for n in range(len(numbers))], names=KEYS)
    return pd.Series(numbers, index)


def recorded_at(model: int, tokens: int, batch: int) -> pd.Series:
    """The row of the record."""
    table = recorded().set_index(["model", "tokens", "batch"])
    return table.loc[(model, tokens, batch)]


def test_priced() -> None:
    table = priced(pd.DataFrame({"gas_day": [100_000.0], "gas_call": [50_000.0]}), FEES)
    row = table.iloc[0]
    assert row["money_day"] == pytest.approx(3.0)
    assert row["money_call"] == pytest.approx(1.5)
    assert row["money_year"] == pytest.approx(1095.0)


def test_a_year_of_the_models() -> None:
    yearly = yearly_costs(FEES)
    assert list(yearly.index) == [0, 1, 2, 3, 4]
    # Model 3: 132,609.6, 97,789.5 on demand, 40,697.0 in batches; times 365 · 3e-5 = 0.01095.
    assert yearly.loc[3, "alone"] == pytest.approx(1452.08, abs=0.005)
    assert yearly.loc[3, "on_demand"] == pytest.approx(1070.80, abs=0.005)
    assert yearly.loc[3, "batched"] == pytest.approx(445.63, abs=0.005)


def test_the_record_cannot_be_changed_through_a_copy() -> None:
    table = recorded()
    table["gas_day"] = 0.0
    assert (recorded()["gas_day"] > 0).all()


class TestUnitGas:
    def test_recorded_points_are_themselves(self) -> None:
        for tokens in (1, 5, 15):
            for batch in (1, 16):
                row, unit = recorded_at(4, tokens, batch), unit_gas(GasTerms(4, tokens), batch)
                assert unit == pytest.approx({name: row[f"gas_{name}"] for name in unit})

    def test_between_numbers_of_tokens_by_tokens_and_their_slots(self) -> None:
        # Posts of 1, 5, 15 tokens in 1, 2, 4 slots: 40,730.8, 53,031.6, 79,975.4. Four tokens and
        # a slot are 12,300.8, ten and two 26,943.8: a token is 1,171.1, a slot 7,616.4. Four tokens
        # are one token and one slot less than five.
        unit = unit_gas(GasTerms(1, 4), 1)
        assert unit["post"] == pytest.approx(44_244.1)
        # No call: 57,325, 63,309.3, 76,139.9; so a token is 431, a slot 4,260.3.
        assert unit["no_call"] == pytest.approx(58_618.0)
        # Delivery beyond that: 26,382 of one token, 26,384.7 of five; on the line 26,384.025.
        assert unit["delivery"] == pytest.approx(85_002.025)

    def test_midway_between_tokens_and_slots(self) -> None:
        # Ten tokens in three slots, between five in two and fifteen in four.
        low, high = recorded_at(2, 5, 1)["gas_return"], recorded_at(2, 15, 1)["gas_return"]
        assert unit_gas(GasTerms(2, 10), 1)["return"] == pytest.approx((low + high) / 2)

    def test_between_batches_by_fixed_and_marginal_gas(self) -> None:
        # Model 1, one token: 83,707 alone and 42,816.6 of 16. The fixed part is
        # 40,890.4 / (1 - 1/16) = 43,616.4, the loan's own 40,090.6; of two 40,090.6 + 43,616.4 / 2.
        unit = unit_gas(GasTerms(1, 1), 2)
        assert unit["delivery"] == pytest.approx(61_898.8, abs=0.1)
        assert unit["post"] == pytest.approx(40_730.8)

    @pytest.mark.parametrize(("model", "like"), [(0, 3), (1, 3), (2, 4), (3, 3), (4, 4)])
    def test_models_without_trigger_take_no_call_from_those_with_one(
        self, model: int, like: int
    ) -> None:
        found = unit_gas(GasTerms(model, 5), 1)["no_call"]
        assert found == pytest.approx(recorded_at(like, 5, 1)["gas_no_call"])


class TestMeasured:
    def test_gas_over_loan_days_and_calls(self) -> None:
        runs = runs_of({"gas": 1e6, "margin_calls": 8}, {"gas": 3e6, "margin_calls": 0}, {})
        costs = measured_costs(runs, loan_days_of(20, 40, 10))
        assert list(costs["scenario_id"]) == [0, 1]
        assert list(costs["gas_loan_day"]) == [50_000, 75_000]
        assert costs["gas_call"].iloc[0] == 125_000 and np.isnan(costs["gas_call"].iloc[1])

    def test_runs_of_unknown_or_no_loan_days_are_left_out(self) -> None:
        runs = runs_of({"gas": 1e6}, {"gas": 1e6}, {"gas": 1e6})
        assert list(measured_costs(runs, loan_days_of(0, 5))["scenario_id"]) == [1]

    def test_needs_its_columns(self) -> None:
        with pytest.raises(ResultsError, match="no column gas"):
            measured_costs(runs_of({}).drop(columns="gas"), loan_days_of(1))


class TestEstimated:
    def test_counts_times_recorded_gas(self) -> None:
        costs = estimated_costs(runs_of({}), loan_days_of(10), {0: GasTerms(3, 5)})
        # 10 days, 3 deliveries of which 1 with mint, 2 returns, and 5 loan-days with neither:
        # 530,316 + 2 · 89,882 + 105,481 + 3 · 3,661.4 + 2 · 84,565 + 5 · 63,309.3
        # = 1,312,221.7, over 10.
        assert costs["gas_alone"].item() == pytest.approx(131_222.17)
        # The only loan shares with nobody.
        assert costs["gas_batched"].item() == costs["gas_alone"].item()

    def test_a_call_that_moves_nothing_is_none(self) -> None:
        more = {"margin_calls": 10}
        costs = estimated_costs(
            runs_of({}, more), loan_days_of(10, 10), dict.fromkeys((0, 1), GasTerms(3, 5))
        )
        first, second = costs["gas_alone"]
        assert first == second

    def test_batches_grow_with_the_market_up_to_the_recorded_ones(self) -> None:
        sizes = [{"open_loans_max": loans} for loans in (2, 16, 64)]
        terms = dict.fromkeys(range(3), GasTerms(3, 5))
        costs = estimated_costs(runs_of(*sizes), loan_days_of(10, 10, 10), terms)
        two, sixteen, more = costs["gas_batched"]
        # As above with the batch's gas: 530,316 + 2 · 46,247.5 + 53,127.8 + 3 · 3,661.4
        # + 2 · 40,930.5 + 5 · 26,518.6 = 901,377.0, over 10.
        assert sixteen == pytest.approx(90_137.70)
        # Of more than 16 the 3 deliveries are looked at again: 3 · 26,518.6, over 10.
        assert more == pytest.approx(90_137.70 + 7_955.58)
        assert sixteen < more < two < costs["gas_alone"].iloc[0]

    def test_only_where_terms_are_known_and_recorded_and_nothing_was_measured(self) -> None:
        runs = runs_of({}, {}, {"gas": 1e6}, {})
        terms = {0: GasTerms(1, 5), 1: GasTerms(1, 16), 2: GasTerms(1, 5)}
        costs = estimated_costs(runs, loan_days_of(10, 10, 10, 10), terms)
        assert list(costs["scenario_id"]) == [0]

    def test_none_at_all(self) -> None:
        costs = estimated_costs(runs_of({}), loan_days_of(10), {})
        assert not len(costs) and {"gas_alone", "gas_batched"} <= set(costs)
