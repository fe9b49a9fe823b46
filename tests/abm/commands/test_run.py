"""`collateral run`, as a user types it."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from sweeps import SCENARIO, table_of, toml

from abm.commands.cli import main
from abm.commands.overview import overview, plain
from abm.experiments.execute import Finished


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["run", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(toml(SCENARIO))
    return path


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.toml"
    path.write_text(toml(table_of()))
    return path


class TestScenario:
    def test_writes_and_shows_one_run(self, scenario: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        result = run(scenario, "--out", out)
        assert result.exit_code == 0
        (row,) = pd.read_parquet(out / "runs").to_dict("records")
        assert f"Results: {out} (runs, days; manifest.json)" in result.stdout
        lines = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines() if line}
        assert lines["margin_calls"] == [str(row["margin_calls"]), "count"]
        assert lines["exposure_mean"][1] == "USD"
        assert float(lines["exposure_mean"][0].replace(",", "")) == pytest.approx(
            row["exposure_mean"], rel=1e-3
        )
        assert not (out / "events").exists()

    def test_a_bundled_one_with_changes_seed_and_tables(self, tmp_path: Path) -> None:
        out = tmp_path / "out"
        result = run(
            "prices-gbm", "--out", out, "--seed", "7", "--tables", "events,loans",
            "--set", "window.end=2010-09-10", "--set", "agreement.haircut=0.1",
            "--set", 'agreement.priority=["IBM"]',
        )  # fmt: skip
        assert result.exit_code == 0
        manifest = json.loads((out / "manifest.json").read_text())
        assert manifest["scenario"]["agreement"]["haircut"] == 0.1
        assert manifest["scenario"]["agreement"]["priority"] == ["IBM"]
        assert manifest["scenario"]["window"]["end"] == "2010-09-10"
        assert manifest["seed"] == 7
        assert manifest["tables"] == ["runs", "days", "events", "loans"]
        assert set(pd.read_parquet(out / "events")["event"]) >= {"call", "delivery"}

    def test_another_seed_gives_other_prices_and_the_same_one_the_same(
        self, scenario: Path, tmp_path: Path
    ) -> None:
        days = []
        for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
            run(scenario, "--out", tmp_path / name, "--seed", seed)
            days.append(pd.read_parquet(tmp_path / name / "days"))
        assert days[0].equals(days[1])
        assert not days[0].equals(days[2])


class TestExperiment:
    def test_shows_means_with_intervals_for_each_design(
        self, experiment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "250")
        result = run(experiment, "--out", tmp_path / "out", "--workers", "0")
        assert result.exit_code == 0
        assert "6/6 runs, 0 failed" in result.stderr
        table = [line.split() for line in result.stdout.splitlines()]
        designs = [line for line in table if len(line) > 2 and line[1] == "3"]
        assert [line[0] for line in designs] == ["1", "4"]
        calls = pd.read_parquet(tmp_path / "out" / "runs").groupby("factor.model")["margin_calls"]
        for line, mean in zip(designs, calls.mean(), strict=True):
            assert f"{mean:,.3g}" in line
        assert "[95 % interval]" in result.stdout

    def test_tables_fit_the_terminal(
        self, experiment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = tmp_path / "out"
        assert run(experiment, "--out", out, "--workers", "0").exit_code == 0
        calls = pd.read_parquet(out / "runs").groupby("factor.model")["margin_calls"].mean()
        for width in (24, 80, 100, 160):
            monkeypatch.setenv("COLUMNS", str(width))
            told = overview(Finished(str(out), 6, 0, 1.0))
            table, _, rest = told.partition("\n\nMean over runs")
            assert rest
            assert max(map(len, table.splitlines())) <= width
            assert all(f"{mean:,.3g}" in table for mean in calls)
            assert not re.search(r"Uncollateralise$", table, re.M), "no word is broken"
            assert ("Model 1\n" in table) == (width == 24), "the last resort: one below the other"

    def test_defaults_and_losses_have_columns(self, tmp_path: Path) -> None:
        path = tmp_path / "two.toml"
        path.write_text(
            'title = "Two haircuts"\n[experiment]\nscenario = "dealers-under-stress"\n'
            "[factors]\nagreement.haircut = [0.0, 0.2]\n"
        )
        result = run(path, "--out", tmp_path / "out", "--workers", "0")
        runs = pd.read_parquet(tmp_path / "out" / "runs").sort_values("scenario_id")
        assert runs["defaults"].min() > 0
        assert "Defaults" in result.stdout and "Close-out loss" in result.stdout
        exposure = runs["uncollateralised_before_mean"].to_numpy()
        assert exposure[1] < 0.05 * exposure[0], "a haircut of 20 % covers nearly all"
        assert runs["close_out_loss"].iloc[1] < runs["close_out_loss"].iloc[0]
        short = runs["requirement_shortfall_mean"].to_numpy()
        assert short[1] > 0.8 * short[0], "and does not change what is to be called"

    def test_settings_apply_to_all_designs(self, experiment: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        result = run(
            experiment, "--out", out, "--workers", "0", "--replications", "1",
            "--set", "participants.borrowers=1",
        )  # fmt: skip
        assert result.exit_code == 0
        assert pd.read_parquet(out / "runs")["open_loans_max"].tolist() == [1, 1]

    def test_failed_runs_are_told(self, experiment: Path, tmp_path: Path) -> None:
        text = experiment.read_text().replace("[1, 4]", "[1, 7]")
        experiment.write_text(text)
        result = run(experiment, "--out", tmp_path / "out", "--workers", "0")
        assert result.exit_code == 1
        assert "3 of 6 runs failed: tiny: agreement.model: " in result.stdout
        assert f"the columns status and error of {tmp_path / 'out'}/runs." in result.stdout
        runs = pd.read_parquet(tmp_path / "out" / "runs")
        assert runs["status"].tolist() == ["ok"] * 3 + ["failed"] * 3

    def test_a_run_that_fails_is_told_by_the_exit_code_too(
        self, scenario: Path, tmp_path: Path
    ) -> None:
        result = run(
            scenario, "--out", tmp_path / "out",
            "--set", "participants.behaviour.borrower=troubled_borrowers:Failing",
        )  # fmt: skip
        assert result.exit_code == 1
        told = "RuntimeError: this one always fails (troubled_borrowers.py, line 26, in __init__)"
        assert f"1 of 1 runs failed: {told}" in result.stdout
        assert "Traceback" not in result.output

    def test_a_file_that_begins_with_a_byte_order_mark(
        self, scenario: Path, tmp_path: Path
    ) -> None:
        scenario.write_text(scenario.read_text(), encoding="utf-8-sig")
        assert scenario.read_bytes().startswith(b"\xef\xbb\xbf")
        assert run(scenario, "--out", tmp_path / "out").exit_code == 0


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["absent", "--out", "o"], "absent: no such file, and no scenario or experiment"),
            (["prices-gbm", "--out", "o", "--set", "x"], "--set x: expected FIELD=VALUE"),
            (["prices-gbm", "--out", "o", "--set", "x=1"], "x: a scenario has no such field"),
            (["prices-gbm", "--out", "o", "--set", "agreement.haircut=2"], "less than 1 (it is 2)"),
            (["prices-gbm", "--out", "o", "--tables", "trades"], "no table trades"),
            (["paper-models", "--out", "o", "--set", "model=1"], "varies in paper-models"),
            (["prices-gbm", "--out", "nowhere://o"], "not a folder that can be used"),
        ],
    )
    def test_one_line_and_exit_code_2(
        self, arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        result = run(*arguments)
        assert result.exit_code == 2
        (line,) = result.stderr.splitlines()
        assert line.startswith("collateral: ")
        assert message in line
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_has_results(self, scenario: Path, tmp_path: Path) -> None:
        run(scenario, "--out", tmp_path / "out")
        result = run(scenario, "--out", tmp_path / "out")
        assert result.exit_code == 2
        assert "has results of tiny (finished)" in result.stderr


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (12.345, "12.35"), (-3e9, "-3,000,000,000"), (1.36e-12, "< 0.001"), (math.nan, "–")],
)
def test_numbers_can_be_read(value: float, text: str) -> None:
    assert plain(value) == text
