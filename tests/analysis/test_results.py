"""Reading a results folder that real markets filled."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis import ResultsError, read_results
from analysis.results import varied_factors
from scenarios.scenario import Scenario
from tests.analysis.stores import PAIR, write_store


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(
        tmp_path_factory.mktemp("sweep") / "out",
        Scenario.parse(PAIR, "pair"),
        [{"haircut": h, "model": m} for h in (0.02, 0.1) for m in (1, 3)],
        replications=3,
        tables=("runs", "days", "participants"),
        fields={"haircut": "agreement.haircut", "model": "agreement.model"},
        failing=(3,),
    )


def test_runs_and_factors(folder: Path) -> None:
    results = read_results(folder)
    assert results.factors == ["factor.haircut", "factor.model"]
    assert len(results.all_runs) == 12 and len(results.failed) == 3
    assert results.runs["scenario_id"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert results.designs["factor.haircut"].tolist() == [0.02, 0.02, 0.1]
    assert results.designs["runs"].tolist() == [3, 3, 3]
    assert results.manifest["seed"] == 1


def test_large_tables_are_read_as_far_as_asked(folder: Path) -> None:
    days = read_results(folder).days
    assert len(days) == 9 * 30
    some = days.frame(["gap"], scenarios=[1], replications=[0, 2])
    assert list(some.columns) == ["scenario_id", "replication_id", "day", "gap"]
    assert len(some) == 2 * 30
    assert some["day"].tolist() == [*range(30), *range(30)]


def test_factors_join_any_table(folder: Path) -> None:
    results = read_results(str(folder))
    joined = results.with_factors(results.participants.frame(["role"]))
    assert len(joined) == 9 * 2
    assert set(joined["factor.model"]) == {1, 3}


def test_meanings_come_from_the_files(folder: Path) -> None:
    meaning = read_results(folder).meanings["uncollateralised_before"]
    assert meaning.unit == "money"
    assert "lenders' risk" in meaning.meaning


def test_urls_are_read_like_folders(folder: Path) -> None:
    assert len(read_results(f"file://{folder}").runs) == 9


def test_what_was_not_recorded(folder: Path) -> None:
    results = read_results(folder)
    assert results.has("days") and not results.has("events")
    with pytest.raises(ResultsError, match="no table events"):
        len(results.events)
    with pytest.raises(ResultsError, match="no column weather"):
        results.days.frame(["weather"])


def test_parts_with_different_columns_are_put_together(folder: Path, tmp_path: Path) -> None:
    """Designs may differ in their tokens, and so in the columns of their parts."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "manifest.json").write_text("{}")
    for number, table in enumerate(
        [{"factor.x": [1.0], "posted_A": [5]}, {"factor.x": [0.5], "posted_B": [7]}]
    ):
        keys = {"scenario_id": [number], "replication_id": [0]}
        pq.write_table(pa.table(keys | table), tmp_path / "runs" / f"{number}.parquet")
    runs = read_results(tmp_path).runs
    assert runs["factor.x"].tolist() == [1, 0.5]
    assert runs["posted_A"].isna().tolist() == [False, True]


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="no such folder"):
        read_results(tmp_path / "nowhere")
    with pytest.raises(ResultsError, match="not a results folder"):
        read_results(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(ResultsError, match="damaged"):
        read_results(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"format": 1}))
    (tmp_path / "days").mkdir()
    (tmp_path / "days" / "part.parquet").write_bytes(b"no parquet")
    with pytest.raises(ResultsError, match="table days cannot be read"):
        len(read_results(tmp_path).days)


def test_lists_are_no_obstacle_to_finding_factors() -> None:
    import pandas as pd

    frame = pd.DataFrame({"factor.a": [[1], [2]], "factor.b": ["x", "x"], "other": [1, 2]})
    assert varied_factors(frame) == ["factor.a"]
