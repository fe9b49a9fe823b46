"""From an experiment to results, in this process: written, refused, resumed and compared."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sweeps import SCENARIO, interrupted_in_run, stored, sweep

from abm.experiments import engine, runs
from abm.experiments.execute import Finished, run_experiment
from abm.model import CollateralMarket
from scenarios.errors import InputError
from scenarios.experiment import Experiment
from scenarios.scenario import Scenario


def execute(experiment: Experiment, folder: Path, **options: Any) -> Finished:
    return run_experiment(experiment, folder, workers=0, quiet=True, **options)


def manifest_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("done") / "out"
    tables = ("events", "participants", "loans")
    assert execute(sweep(settings={"tables": tables}), folder).failed == 0
    return folder


class TestTables:
    def test_a_row_a_run_with_its_factors(self, done: Path) -> None:
        table = pd.read_parquet(done / "runs")
        assert table["factor.model"].tolist() == [1, 1, 1, 4, 4, 4]
        assert table["scenario_id"].tolist() == [0, 0, 0, 1, 1, 1]
        assert table["replication_id"].tolist() == [0, 1, 2] * 2
        assert set(table["status"]) == {"ok"}
        assert set(table["error"]) == {""}

    def test_the_same_numbers_as_from_python(self, done: Path) -> None:
        seed = np.random.SeedSequence(1, spawn_key=(2,))
        changes = {"agreement.model": 4}
        market = CollateralMarket(
            Scenario.parse(SCENARIO, "test"), rng=seed, events=True, **changes
        ).run()

        def ours(name: str) -> pd.DataFrame:
            table = pd.read_parquet(done / name)
            chosen = table[(table["scenario_id"] == 1) & (table["replication_id"] == 2)]
            return chosen.drop(columns=["scenario_id", "replication_id"]).reset_index(drop=True)

        for name in ("days", "events", "participants", "loans"):
            theirs = getattr(market, f"{name}_frame")()
            pd.testing.assert_frame_equal(
                ours(name), theirs, check_dtype=False, check_exact=True, check_column_type=False
            )
        row = ours("runs").iloc[0]
        for name, value in market.summary().items():
            assert row[name] == value or (np.isnan(row[name]) and np.isnan(value))

    def test_one_seed_is_one_market_whoever_starts_it(self, tmp_path: Path) -> None:
        """`collateral run X --seed 7` and `CollateralMarket("X", rng=7)`."""
        scenario = Scenario.parse(SCENARIO, "test")
        execute(Experiment.single(scenario, seed=7, replications=2), tmp_path / "out")
        days = pd.read_parquet(tmp_path / "out" / "days")
        for replication, seed in ((0, 7), (1, np.random.SeedSequence(7, spawn_key=(1,)))):
            ours = days[days["replication_id"] == replication]
            theirs = CollateralMarket(scenario, rng=seed).run().days_frame()
            assert ours["exposure"].tolist() == theirs["exposure"].tolist()

    @pytest.mark.parametrize("seed", [-1, 2**63, 1.0, True, "1"])
    def test_what_is_no_seed_is_refused(self, seed: Any) -> None:
        with pytest.raises(InputError, match=r"^rng: expected a whole number from 0 to "):
            CollateralMarket(Scenario.parse(SCENARIO, "test"), rng=seed)

    def test_the_manifest_says_what_was_run(self, done: Path) -> None:
        manifest = manifest_of(done)
        assert manifest["status"] == "finished"
        assert manifest["experiment"]["factors"] == {"model": [1, 4]}
        assert manifest["factors"] == {"model": [1, 4]}
        assert manifest["designs"][1] == {
            "scenario_id": 1,
            "factors": {"model": 4},
            "changes": {"agreement.model": 4},
        }
        assert (manifest["runs"], manifest["failed"], manifest["seed"]) == (6, 0, 1)
        assert manifest["versions"]["mesa"].startswith("3.")
        assert manifest["machine"]["cores"] >= 1
        assert manifest["started"] <= manifest["ended"]

    def test_nothing_else_is_left_in_the_folder(self, done: Path) -> None:
        assert sorted(path.name for path in done.iterdir()) == [
            "days", "events", "loans", "manifest.json", "participants", "runs",
        ]  # fmt: skip

    def test_a_plain_scenario_is_one_run(self, tmp_path: Path) -> None:
        execute(Experiment.single(Scenario.parse(SCENARIO, "test")), tmp_path / "out")
        assert len(pd.read_parquet(tmp_path / "out" / "runs")) == 1
        assert len(pd.read_parquet(tmp_path / "out" / "days")) == 8
        assert manifest_of(tmp_path / "out")["experiment"] is None

    def test_tokens_of_all_designs_have_a_column(self, tmp_path: Path) -> None:
        other = {"source": "gbm", "tokens": ["C"], "initial": 1.0, "volatility": 0.01}
        alternatives = {"assets": {"as-is": {}, "one": {"prices": other}}}
        settings = {"tables": ("loans",), "replications": 1}
        execute(sweep(settings=settings, alternatives=alternatives), tmp_path / "out")
        loans = pd.read_parquet(tmp_path / "out" / "loans")
        assert {"posted_A", "posted_B", "posted_C", "posted_USD"} <= set(loans.columns)
        by_design = loans.groupby("scenario_id")["posted_C"].sum()
        assert (by_design > 0).tolist() == [False, False, True, True]


class TestCommonRandomNumbers:
    def test_designs_see_the_same_prices_and_network_and_replications_do_not(
        self, done: Path
    ) -> None:
        days = pd.read_parquet(done / "days").set_index(["scenario_id", "replication_id", "day"])
        # Collateral on day 0 is what the agreement asks for: the same haircut, so the same.
        opening = days.xs(0, level="day")["collateral_value"]
        assert opening[0].tolist() == opening[1].tolist()
        assert opening[0].nunique() == 3
        loans = pd.read_parquet(done / "loans")
        network = ["loan_id", "lender", "borrower"]
        of = {key: group[network].to_numpy().tolist() for key, group in
              loans.groupby(["scenario_id", "replication_id"])}  # fmt: skip
        assert of[0, 0] == of[1, 0]
        assert of[0, 0] != of[0, 1]

    def test_a_paired_difference_is_surer_than_an_unpaired_one(self, tmp_path: Path) -> None:
        execute(sweep(settings={"replications": 12}), tmp_path / "out")
        table = pd.read_parquet(tmp_path / "out" / "runs")
        wide = table.pivot_table(
            index="replication_id", columns="factor.model", values="collateral_value_mean"
        )
        paired = (wide[1] - wide[4]).var()
        unpaired = wide[1].var() + wide[4].var()
        assert paired < unpaired / 4


class TestFailures:
    def test_a_design_that_is_invalid_is_a_row_with_its_error(self, tmp_path: Path) -> None:
        haircuts = [0.05, 1.5]
        finished = execute(
            sweep(settings={"replications": 2}, factors={"agreement.haircut": haircuts}),
            tmp_path / "out",
        )
        assert finished.failed == 2
        table = pd.read_parquet(tmp_path / "out" / "runs")
        assert table["status"].tolist() == ["ok", "ok", "failed", "failed"]
        assert "agreement.haircut" in table["error"].iloc[2]
        assert "less than 1" in table["error"].iloc[2]
        assert table["margin_calls"].isna().tolist() == [False, False, True, True]
        assert manifest_of(tmp_path / "out")["failed"] == 2
        assert set(pd.read_parquet(tmp_path / "out" / "days")["scenario_id"]) == {0}

    def test_an_exception_in_a_run_is_not_the_end(self, tmp_path: Path) -> None:
        names = ["abm.agents:Borrower", "troubled_borrowers:Failing"]
        finished = execute(
            sweep(settings={"replications": 1}, factors={"participants.behaviour.borrower": names}),
            tmp_path / "out",
        )
        assert finished.failed == 1
        errors = pd.read_parquet(tmp_path / "out" / "runs")["error"].tolist()
        place = "(troubled_borrowers.py, line 26, in __init__)"
        assert errors == ["", f"RuntimeError: this one always fails {place}"]

    @pytest.mark.parametrize(
        ("tables", "message"),
        [
            ({"factors": {"agreement.haircut": [1.5, 2.0]}}, "none of the 2 designs .*haircut"),
            ({"factors": {"agreement.priority": [["X"], ["Y"]]}}, "none of the 2 .*X has no price"),
        ],
    )
    def test_no_design_that_works_is_refused_before_the_first_run(
        self, tables: dict[str, Any], message: str, tmp_path: Path
    ) -> None:
        with pytest.raises(InputError, match=message):
            execute(sweep(**tables), tmp_path / "out")
        assert not (tmp_path / "out").exists()


class TestResume:
    @pytest.fixture
    def interrupted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[tuple[Experiment, Path]]:
        """A sweep of six parts that was interrupted in the fourth."""
        experiment, folder = sweep(), tmp_path / "out"
        with interrupted_in_run(4, monkeypatch), pytest.raises(KeyboardInterrupt):
            execute(experiment, folder)
        yield experiment, folder

    def test_goes_on_where_it_stopped_and_ends_with_the_same_bytes(
        self, interrupted: tuple[Experiment, Path], done: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        experiment, folder = interrupted
        assert manifest_of(folder)["status"] == "interrupted"
        assert len(pd.read_parquet(folder / "runs")) == 3
        simulate, calls = runs.simulate, []
        monkeypatch.setattr(runs, "simulate", lambda *a: (calls.append(a), simulate(*a))[1])
        execute(experiment, folder, resume=True)
        assert len(calls) == 3
        whole = stored(done)
        assert stored(folder)["days"] == whole["days"]
        assert stored(folder)["runs"] == whole["runs"]
        assert manifest_of(folder)["status"] == "finished"

    def test_a_finished_one_has_nothing_left_to_do(self, done: Path, tmp_path: Path) -> None:
        folder = shutil.copytree(done, tmp_path / "copy")
        before = stored(folder)
        again = sweep(settings={"tables": ("events", "participants", "loans")})
        assert execute(again, folder, resume=True).runs == 6
        assert stored(folder) == before

    def test_results_are_never_overwritten(self, interrupted: tuple[Experiment, Path]) -> None:
        experiment, folder = interrupted
        with pytest.raises(InputError, match=r"has results of test \(interrupted\).*--resume"):
            execute(experiment, folder)

    def test_but_when_it_is_said(self, interrupted: tuple[Experiment, Path], done: Path) -> None:
        """They are gone, with the report on them, and so is no other file; a wrong experiment, or
        one that goes on as well, leaves all in place."""
        _, folder = interrupted
        (folder / "report.html").write_text("on the old ones")
        (folder / "notes.txt").write_text("mine")
        before = stored(folder)
        with pytest.raises(InputError, match="model: expected"):
            execute(sweep(factors={"model": [7]}), folder, overwrite=True)
        with pytest.raises(InputError, match="give one"):
            execute(sweep(), folder, overwrite=True, resume=True)
        assert stored(folder) == before
        again = sweep(settings={"tables": ("events", "participants", "loans")})
        assert execute(again, folder, overwrite=True).runs == 6
        assert stored(folder) == stored(done)
        assert {path.name for path in folder.glob("*.*")} == {"manifest.json", "notes.txt"}

    def test_what_is_no_results_is_never_replaced(self, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("mine")
        with pytest.raises(InputError, match="has files in it"):
            execute(sweep(), tmp_path, overwrite=True)
        assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]

    def test_another_experiment_is_refused(self, interrupted: tuple[Experiment, Path]) -> None:
        _, folder = interrupted
        for other in (sweep(settings={"seed": 2}), sweep(factors={"model": [1, 2]})):
            with pytest.raises(InputError, match="results of another experiment"):
                execute(other, folder, resume=True)

    def test_another_version_is_refused(self, interrupted: tuple[Experiment, Path]) -> None:
        experiment, folder = interrupted
        manifest = manifest_of(folder)
        manifest["versions"]["collateral-abm"] = "0.0.1"
        (folder / "manifest.json").write_text(json.dumps(manifest))
        with pytest.raises(InputError, match=r"begun by version 0\.0\.1"):
            execute(experiment, folder, resume=True)

    def test_a_folder_in_use_is_refused(self, interrupted: tuple[Experiment, Path]) -> None:
        import psutil

        experiment, folder = interrupted
        manifest = manifest_of(folder)
        parent = psutil.Process(os.getppid())
        manifest["status"] = "running"
        manifest["process"] |= {"pid": parent.pid, "created": parent.create_time()}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        with pytest.raises(InputError, match=f"process {parent.pid} is writing"):
            execute(experiment, folder, resume=True)
        # A process that ended, whose number another one has now.
        manifest["process"]["created"] -= 100.0
        (folder / "manifest.json").write_text(json.dumps(manifest))
        assert execute(experiment, folder, resume=True).failed == 0

    def test_a_process_of_another_machine_is_not_taken_for_one_of_this(
        self, interrupted: tuple[Experiment, Path]
    ) -> None:
        import psutil

        experiment, folder = interrupted
        manifest = manifest_of(folder)
        parent = psutil.Process(os.getppid())
        manifest["status"] = "running"
        manifest["process"] = {
            "host": "elsewhere", "pid": parent.pid, "created": parent.create_time()
        }  # fmt: skip
        (folder / "manifest.json").write_text(json.dumps(manifest))
        assert execute(experiment, folder, resume=True).failed == 0

    def test_the_first_start_is_kept(self, interrupted: tuple[Experiment, Path]) -> None:
        experiment, folder = interrupted
        began = "2020-02-20T20:20:20+00:00"
        (folder / "manifest.json").write_text(
            json.dumps(manifest_of(folder) | {"started": began, "ended": began})
        )
        execute(experiment, folder, resume=True)
        assert manifest_of(folder)["started"] == began
        assert manifest_of(folder)["ended"] > began

    @pytest.mark.parametrize("left", [0, 3, 5000])
    def test_a_damaged_part_is_named_and_repeated_once_it_is_gone(
        self, done: Path, tmp_path: Path, left: int
    ) -> None:
        folder = shutil.copytree(done, tmp_path / "copy")
        again = sweep(settings={"tables": ("events", "participants", "loans")})
        part = folder / "runs" / "part-00000002.parquet"
        content = part.read_bytes()
        part.write_bytes(content[:left])
        assert len(content) > left
        with pytest.raises(InputError, match=rf"{part}: cannot be read \(.*\); remove it to"):
            execute(again, folder, resume=True)
        part.unlink()
        execute(again, folder, resume=True)
        assert stored(folder) == stored(done)

    def test_a_folder_with_other_files_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.tex").write_text("")
        with pytest.raises(InputError, match="has files in it, but no results"):
            execute(sweep(), tmp_path, resume=True)

    def test_a_disk_that_fills_up_stops_the_sweep_which_can_go_on(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder, done = tmp_path / "out", []

        def full(common: Any, job: Any) -> Any:
            if len(done) == 2:
                raise InputError(f"{common.folder}: cannot be written (No space left on device)")
            done.append(job)
            return runs.run_job(common, job)

        with monkeypatch.context() as patched:
            patched.setattr(engine, "run_job", full)
            with pytest.raises(InputError, match="No space left on device"):
                execute(sweep(), folder)
        assert manifest_of(folder)["status"] == "interrupted"
        execute(sweep(), folder, resume=True)
        assert len(pd.read_parquet(folder / "runs")) == 6


def test_memory_does_not_grow_with_the_number_of_runs(tmp_path: Path) -> None:
    """Mesa before 3.4.2 keeps the agents of every model that is not released."""
    import mesa

    kept = getattr(mesa.Agent, "_ids", {})
    before = len(kept)
    execute(sweep(settings={"replications": 5}), tmp_path / "out")
    assert len(kept) == before
