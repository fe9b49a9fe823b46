"""The results folder: parts that are whole or not there, described columns, clear refusals."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from abm.experiments.columns import Days
from abm.experiments.describe import PAGE, filled
from abm.experiments.schema import (
    KEYS,
    RUN,
    factor_type,
    summary_columns,
    table_columns,
    table_schema,
)
from abm.experiments.store import Store
from abm.measures.standard import BY_NAME, MEASURES
from abm.measures.summary import sum_up
from abm.model import CollateralMarket
from scenarios.errors import InputError

SCHEMAS = {
    "runs": table_schema("runs", {"model": pa.int64()}),
    "days": table_schema("days"),
}
RUN_ROW = {"scenario_id": 0, "replication_id": 3, "status": "ok", "error": "", "seed": 1}


def days_with(*gaps: float) -> Days:
    """Days from 2024-01-01 on of which nothing but the gap is known."""
    measured = np.full((len(MEASURES), len(gaps)), np.nan)
    measured[MEASURES.index(BY_NAME["gap"])] = gaps
    first = np.datetime64("2024-01-01", "ns")
    return Days(MEASURES, measured, first + np.arange(len(gaps)) * np.timedelta64(1, "D"))


class TestColumns:
    def test_the_page_says_what_the_code_says(self) -> None:
        page = PAGE.read_text(encoding="utf-8")
        assert filled(page) == page, "run `python -m abm.experiments.describe`"
        for name in (*table_columns("runs"), *table_columns("loans"), *table_columns("events")):
            assert f"| `{name}` |" in page

    def test_a_run_gives_the_statistics_that_are_described_and_no_others(self) -> None:
        market = CollateralMarket("prices-gbm", rng=1, **{"window.end": "2010-09-10"}).run()
        summary = market.summary()
        assert list(summary) == list(summary_columns())
        schema = table_schema("runs")
        for name, value in summary.items():
            assert schema.field(name).type == (
                pa.int64() if isinstance(value, int) else pa.float64()
            )

    def test_a_level_has_a_mean_and_a_flow_a_total(self) -> None:
        columns = summary_columns()
        assert columns["gap_mean"].meaning.startswith("Mean over the days. Collateral value")
        assert columns["coverage_mean"].meaning.startswith(
            "Mean over the days, weighted with exposure. Collateral value"
        )
        assert columns["margin_calls"].meaning.startswith("Total over the days. Calls")
        # Both a statistic of a level and the name of another level.
        level = BY_NAME["over_collateralisation"].meaning
        assert columns["over_collateralisation_max"].meaning == f"Largest over the days. {level}"

    def test_units_and_meanings_are_in_the_schema(self) -> None:
        for table in ("runs", "days", "events", "participants", "loans"):
            for field in table_schema(table):
                assert field.metadata[b"meaning"], field.name
                assert b"unit" in field.metadata
        assert table_schema("days").field("gap").metadata[b"unit"] == b"money"

    def test_factors_come_after_what_identifies_a_run(self) -> None:
        names = SCHEMAS["runs"].names
        assert names[: len(KEYS) + len(RUN) + 1] == [*KEYS, *RUN, "factor.model"]

    @pytest.mark.parametrize(
        ("values", "kind"),
        [
            ([1, 2], pa.int64()),
            ([0.1, 1], pa.float64()),
            ([True, False], pa.bool_()),
            ([True, 1], pa.string()),
            (["unlimited", 0.5], pa.string()),
            ([["A"], ["A", "B"]], pa.string()),
        ],
    )
    def test_a_factor_has_the_type_of_its_values(self, values: list[object], kind: object) -> None:
        assert factor_type(values) == kind


class TestParts:
    def test_what_is_missing_is_empty(self, tmp_path: Path) -> None:
        store = Store(str(tmp_path / "out"))
        with store.part(5, SCHEMAS) as part:
            part.add_run(RUN_ROW, days_with(-1.5))
        (row,) = pq.read_table(tmp_path / "out" / "runs").to_pylist()
        assert row["status"] == "ok"
        assert row["coverage_mean"] is None
        assert row["factor.model"] is None
        (day,) = pq.read_table(tmp_path / "out" / "days").to_pylist()
        assert (day["replication_id"], day["gap"], day["exposure"]) == (3, -1.5, None)
        assert [path.name for path in (tmp_path / "out" / "runs").iterdir()] == [
            "part-00000005.parquet"
        ]

    def test_runs_are_summed_up_as_each_alone_is(self, tmp_path: Path) -> None:
        some = ("prices-gbm", "2010-09-10"), ("crash", "2008-10-10"), ("prices-gbm", "2010-09-20")
        markets = [CollateralMarket(name, rng=1, **{"window.end": end}) for name, end in some]
        markets += [CollateralMarket("prices-gbm", rng=2, **{"window.end": "2010-09-10"})]
        with Store(str(tmp_path)).part(0, SCHEMAS) as part:
            part.add_run({**RUN_ROW, "status": "failed"})
            for number, market in enumerate(markets):
                values = market.run().datacollector.values
                days = Days(market.measures, values, market.days.to_numpy())
                part.add_run({**RUN_ROW, "replication_id": number}, days)
        failed, *rows = pq.read_table(tmp_path / "runs").to_pylist()
        assert failed["margin_calls"] is None
        for row, market in zip(rows, markets, strict=True):
            alone = sum_up(market.datacollector.values, market.measures)
            assert {name: row[name] for name in alone} == {
                name: None if value != value else value for name, value in alone.items()
            }

    def test_an_error_leaves_nothing(self, tmp_path: Path) -> None:
        store = Store(str(tmp_path))
        with pytest.raises(RuntimeError), store.part(0, SCHEMAS) as part:
            part.add_run(RUN_ROW)
            raise RuntimeError
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    def test_runs_are_there_last(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        store = Store(str(tmp_path))
        moved: list[str] = []
        monkeypatch.setattr(store, "_move", lambda _, target: moved.append(target))
        with store.part(0, SCHEMAS) as part:
            part.add_run(RUN_ROW)
        assert [Path(target).parent.name for target in moved] == ["days", "runs"]

    def test_tables_without_runs_are_cleaned_away(self, tmp_path: Path) -> None:
        store = Store(str(tmp_path))
        for first in (0, 7):
            with store.part(first, SCHEMAS) as part:
                part.add_run(RUN_ROW)
        (tmp_path / "runs" / "part-00000007.parquet").unlink()
        (tmp_path / ".tmp" / "half-written").write_text("x")
        store.clean()
        assert [path.name for path in (tmp_path / "days").iterdir()] == ["part-00000000.parquet"]
        assert list((tmp_path / ".tmp").iterdir()) == []
        assert len(store.finished()) == 1

    def test_any_fsspec_url_will_do(self) -> None:
        store = Store("memory://sweep")
        store.prepare()
        store.write_manifest({"name": "x"})
        with store.part(0, SCHEMAS) as part:
            part.add_run(RUN_ROW)
        again = Store("memory://sweep")
        assert again.finished()["replication_id"].tolist() == [3]
        assert again.read_manifest() == {"format": 1, "name": "x"}

    def test_large_tables_are_written_as_they_come(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("abm.experiments.store._ROWS_IN_MEMORY", 3)
        store = Store(str(tmp_path))
        with store.part(0, SCHEMAS) as part:
            for _ in range(4):
                part.add_run(RUN_ROW, days_with(-1.5, 2.5))
        file = pq.ParquetFile(tmp_path / "days" / "part-00000000.parquet")
        assert (file.metadata.num_rows, file.metadata.num_row_groups) == (8, 2)


class TestManifest:
    def test_an_old_one_is_there_until_the_new_one_is_whole(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = Store(str(tmp_path))
        store.prepare()
        store.write_manifest({"name": "old"})

        def fill_up(path: str, content: bytes) -> None:
            Path(path).write_bytes(content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(store.files, "pipe_file", fill_up)
        with pytest.raises(InputError, match="cannot be written"):
            store.write_manifest({"name": "new"})
        assert store.read_manifest() == {"format": 1, "name": "old"}


class TestRefusals:
    def test_a_file_where_the_folder_should_be(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(InputError, match="file/out: cannot be written"):
            Store(str(tmp_path / "file" / "out")).prepare()

    def test_a_full_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        store = Store(str(tmp_path))

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(store.files, "pipe_file", full)
        with pytest.raises(InputError, match=r"cannot be written \(No space left on device\)"):
            store.prepare()

    def test_a_protocol_that_nobody_knows(self) -> None:
        with pytest.raises(InputError, match="nowhere://x: not a folder"):
            Store("nowhere://x")

    @pytest.mark.parametrize("content", ["{", "[]", "{}"])
    def test_a_manifest_that_is_none(self, content: str, tmp_path: Path) -> None:
        (tmp_path / "manifest.json").write_text(content)
        with pytest.raises(InputError, match=r"manifest\.json: "):
            Store(str(tmp_path)).read_manifest()
