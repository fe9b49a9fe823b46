"""Summaries, paired differences and the frontier, on numbers made up by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.bootstrap import mean_interval
from analysis.differences import paired_differences
from analysis.errors import ResultsError
from analysis.frontier import RISKS, efficient, frontier
from analysis.summary import metric_columns, summarise


def runs_of(loss: dict[tuple[int, float], list[float]]) -> pd.DataFrame:
    """One row a replication; keys are (model, haircut)."""
    rows = [
        {
            "scenario_id": number,
            "replication_id": replication,
            "factor.model": model,
            "factor.haircut": haircut,
            "factor.fixed": "x",
            "loss": value,
        }
        for number, ((model, haircut), values) in enumerate(loss.items())
        for replication, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


NOISE = np.random.default_rng(1).normal(100, 20, 30)
RUNS = runs_of(
    {
        (0, 0.05): NOISE.tolist(),
        (1, 0.05): (NOISE + 5 + 0.1 * NOISE[::-1]).tolist(),
        (0, 0.1): (NOISE - 50).tolist(),
        (1, 0.1): (NOISE - 50 + 5).tolist(),
    }
)


class TestSummary:
    def test_by_hand(self) -> None:
        table = summarise(runs_of({(0, 0.05): [1, 2, 3, 6], (1, 0.05): [5, 5, 5, 5]}))
        first, second = table.to_dict("records")
        assert first["mean"] == 3
        assert first["median"] == 2.5
        assert first["standard_deviation"] == pytest.approx(np.sqrt(14 / 3))
        assert (first["smallest"], first["largest"], first["runs"]) == (1, 6, 4)
        assert first["low"] < 3 < first["high"]
        assert (second["low"], second["high"]) == (5, 5)
        # What does not vary tells nothing apart.
        assert "factor.fixed" not in table and "factor.haircut" not in table

    def test_missing_values_are_left_out_and_counted(self) -> None:
        table = summarise(runs_of({(0, 0.05): [1, np.nan, 3], (1, 0.05): [np.nan] * 3}))
        assert table["runs"].tolist() == [2, 0]
        assert table["mean"][0] == 2
        assert table[["mean", "low", "high"]].loc[1].isna().all()

    def test_one_run_has_a_mean_and_no_interval(self) -> None:
        (row,) = summarise(runs_of({(0, 0.05): [7]})).to_dict("records")
        assert row["mean"] == 7
        assert np.isnan(row["low"]) and np.isnan(row["standard_deviation"])

    def test_columns(self) -> None:
        assert metric_columns(RUNS) == ["loss"]
        with pytest.raises(ResultsError, match="no column gain"):
            summarise(RUNS, ["gain"])


class TestPairedDifferences:
    def test_within_each_level_of_the_other_factors(self) -> None:
        table = paired_differences(RUNS, "factor.model")
        assert table["factor.haircut"].tolist() == [0.05, 0.1]
        assert table["difference"].to_numpy() == pytest.approx([5 + 0.1 * NOISE.mean(), 5])
        # The second difference is the same in every replication: its interval is one point.
        assert table.loc[1, ["low", "high"]].to_numpy(float) == pytest.approx([5, 5])
        assert table["correlation"][1] == pytest.approx(1)
        expected = mean_interval((5 + 0.1 * NOISE[::-1])[:, None])[:, 0]
        assert table.loc[0, ["low", "high"]].to_numpy(float) == pytest.approx(expected)

    def test_paired_is_narrower_than_unpaired(self) -> None:
        table = paired_differences(RUNS, "factor.model")
        paired = table["high"] - table["low"]
        assert (paired < 0.5 * (table["unpaired_high"] - table["unpaired_low"])).all()

    def test_pooled_over_the_other_factors(self) -> None:
        (row,) = paired_differences(RUNS, "factor.model", pool=True).to_dict("records")
        assert row["difference"] == pytest.approx(5 + 0.05 * NOISE.mean())
        assert row["baseline_mean"] == pytest.approx(NOISE.mean() - 25)
        assert row["pairs"] == 30

    def test_only_common_replications_count(self) -> None:
        part = RUNS[~((RUNS["factor.model"] == 1) & (RUNS["replication_id"] < 10))]
        table = paired_differences(part, "factor.model", baseline=1)
        assert table["pairs"].tolist() == [20, 20]
        assert table["difference"][1] == pytest.approx(-5)

    def test_refuses_an_unknown_level(self) -> None:
        with pytest.raises(ResultsError, match="no level 7"):
            paired_differences(RUNS, "factor.model", baseline=7)


class TestFrontier:
    def test_by_hand(self) -> None:
        risk, operations = [1, 2, 3, 2, 1, np.nan], [9, 5, 1, 6, 9, 0]
        found = efficient(np.column_stack([risk, operations]))
        assert found.tolist() == [True, True, True, False, True, False]

    @given(
        st.integers(1, 4).flatmap(
            lambda size: st.lists(
                st.tuples(*[st.integers(0, 5) | st.just(1e17)] * size), min_size=1, max_size=30
            )
        )
    )
    def test_is_the_definition(self, points: list[tuple[float, ...]]) -> None:
        for point, good in zip(points, efficient(points), strict=True):
            beaten = any(
                other != point and all(a <= b for a, b in zip(other, point, strict=True))
                for other in points
            )
            assert good == (not beaten)

    def test_losses_count_beside_exposure(self) -> None:
        """Of two haircuts with as much exposure and as many calls the one without losses stays."""
        designs = {0.0: (5.0, 9.0, 7, 100), 0.1: (5.0, 0.0, 7, 100), 0.2: (0.0, 0.0, 7, 125)}
        names = [*RISKS, "margin_calls", "collateral_value_mean"]
        rows = [
            {"scenario_id": haircut, "replication_id": r, **dict(zip(names, told, strict=True))}
            for haircut, told in designs.items()
            for r in range(3)
        ]
        chances = [
            frontier(pd.DataFrame(rows), costs=costs, grain={"collateral_value_mean": grain})
            .set_index("scenario_id")["chance"]
            .to_dict()
            for costs, grain in ((names[2:3], 0), (names[2:], 0), (names[2:], 1000))
        ]
        assert chances[0] == {0.0: 0, 0.1: 0, 0.2: 1}, "safety at no cost"
        assert chances[1] == {0.0: 0, 0.1: 1, 0.2: 1}, "collateral is a cost"
        assert chances[2] == {0.0: 0, 0.1: 0, 0.2: 1}, "25 more of it do not matter"

    def test_tells_how_sure_it_is(self) -> None:
        """The third design is as risky as the second and always has more calls."""
        designs = {"a": (1, 9), "b": (5, 5), "c": (5, 6)}
        rng = np.random.default_rng(1)
        rows = [
            {
                "scenario_id": name,
                "replication_id": r,
                "risk": risk + wobble,
                "calls": calls,
            }
            for r, wobble in enumerate(rng.normal(size=20))
            for name, (risk, calls) in designs.items()
        ]
        table = frontier(pd.DataFrame(rows), ["risk"], ["calls"]).set_index("scenario_id")
        assert table["efficient"].to_dict() == {"a": True, "b": True, "c": False}
        assert table["chance"].to_dict() == {"a": 1.0, "b": 1.0, "c": 0.0}
