"""Profiles of exposure against quantiles by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.errors import ResultsError
from analysis.exposures import counterparties, exposure_profile


def exposures() -> pd.DataFrame:
    """Two borrowers, three runs of two days; day 0 is not looked at."""
    rows = [
        (0, run, day, who, value)
        for run, values in enumerate([[1.0, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]])
        for (day, who), value in zip(
            [(1, "B1"), (1, "B2"), (2, "B1"), (2, "B2")], values, strict=True
        )
    ]
    rows += [(0, run, 0, "B1", 1e9) for run in range(3)]
    columns = ["scenario_id", "replication_id", "day", "participant", "uncollateralised_before"]
    return pd.DataFrame(rows, columns=columns)


def test_a_profile_is_over_runs_day_by_day() -> None:
    table = exposure_profile(exposures(), ["participant"]).set_index(["participant", "day"])
    assert table.loc[("B1", 1), "expected"] == 5
    assert table.loc[("B1", 1), "quantile"] == pytest.approx(np.quantile([1, 5, 9], 0.975))
    assert table.loc[("B2", 2), "runs"] == 3
    assert table.loc[("B2", 2), "expected"] == 8


def test_a_counterparty_is_over_days_and_runs() -> None:
    table = counterparties(exposures()).set_index("participant")
    assert table.index.tolist() == ["B2", "B1"], "the largest first"
    assert table.loc["B1", "expected"] == 6 and table.loc["B2", "expected"] == 7
    values = [1, 3, 5, 7, 9, 11]
    assert table.loc["B1", "quantile"] == pytest.approx(np.quantile(values, 0.975))
    assert table.loc["B1", "outcomes"] == 6 and table.loc["B1", "largest"] == 11
    assert table["share"].tolist() == pytest.approx([7 / 13, 6 / 13])


def test_what_is_missing_is_told() -> None:
    with pytest.raises(ResultsError, match="no column participant"):
        counterparties(exposures().drop(columns="participant"))
