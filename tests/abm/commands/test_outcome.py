"""`collateral run` for programs, in silence, in detail, over what is there, and interrupted."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from sweeps import SCENARIO, interrupted_in_run, table_of, toml

from abm.commands.cli import main
from analysis import read_results
from analysis.summary import summarise


def run(*arguments: str | Path) -> Result:
    command = ["run", *map(str, arguments)]
    return CliRunner().invoke(main, command, catch_exceptions=False)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tiny.toml").write_text(toml(SCENARIO))
    (tmp_path / "sweep.toml").write_text(toml(table_of()))
    monkeypatch.chdir(tmp_path)
    return tmp_path


SWEEP = ("sweep.toml", "--out", "out", "--workers", "0")
FAILING = "participants.behaviour.borrower=troubled_borrowers:Failing"


class TestJson:
    def test_is_what_the_files_say(self, here: Path) -> None:
        done = json.loads(run(*SWEEP, "--json").stdout)
        assert (done["folder"], done["runs"], done["failed"], done["errors"]) == ("out", 6, 0, {})
        assert [design["factors"] for design in done["designs"]] == [{"model": 1}, {"model": 4}]
        table = read_results("out").runs
        for design in done["designs"]:
            mine = table[table["scenario_id"] == design["scenario_id"]]
            assert design["runs"] == len(mine) == 3
            (expected,) = summarise(mine, ["margin_calls"]).to_dict("records")
            told = design["statistics"]["margin_calls"]
            assert told == {name: expected[name] for name in ("mean", "low", "high")}
        assert "close_out_loss" in done["designs"][0]["statistics"], "zeros are no gaps"

    def test_of_one_run_has_no_intervals(self, here: Path) -> None:
        done = json.loads(run("tiny.toml", "--out", "out", "--json").stdout)
        (design,) = done["designs"]
        (row,) = pd.read_parquet("out/runs").to_dict("records")
        assert design["statistics"]["exposure_mean"] == {"mean": row["exposure_mean"]}

    def test_of_what_failed(self, here: Path) -> None:
        result = run("tiny.toml", "--out", "out", "--json", "--set", FAILING)
        assert result.exit_code == 1
        done = json.loads(result.stdout)
        assert done["failed"] == 1
        ((error, number),) = done["errors"].items()
        assert error.startswith("RuntimeError: this one always fails") and number == 1
        assert done["designs"] == []
        assert "1 of 1 runs failed; the columns status and error of out/runs" in result.stderr


class TestQuietAndVerbose:
    def test_quiet_says_nothing(self, here: Path) -> None:
        result = run(*SWEEP, "--quiet")
        assert (result.exit_code, result.output) == (0, "")
        assert (here / "out" / "manifest.json").exists()

    def test_quiet_says_what_failed(self, here: Path) -> None:
        result = run("tiny.toml", "--out", "out", "--quiet", "--set", FAILING)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "1 of 1 runs failed" in result.stderr

    def test_not_both(self, here: Path) -> None:
        result = run("tiny.toml", "--out", "out", "--quiet", "--verbose")
        assert result.exit_code == 2
        assert not (here / "out").exists()

    def test_verbose_says_what_is_begun(self, here: Path) -> None:
        said = run(*SWEEP, "--verbose").stderr
        assert "2 designs, 3 runs of each; seed 1; tables runs, days" in said


class TestOverwrite:
    def test_replaces_results_by_those_of_another_experiment(self, here: Path) -> None:
        assert run(*SWEEP).exit_code == 0
        again = run("tiny.toml", "--out", "out")
        assert again.exit_code == 2
        assert "or replace them with --overwrite" in again.stderr
        assert run("tiny.toml", "--out", "out", "--overwrite").exit_code == 0
        assert len(pd.read_parquet("out/runs")) == 1

    def test_what_is_wrong_replaces_nothing(self, here: Path) -> None:
        run(*SWEEP)
        wrong = run("tiny.toml", "--out", "out", "--overwrite", "--set", 'agreement.priority=["Z"]')
        assert wrong.exit_code == 2
        assert len(pd.read_parquet("out/runs")) == 6


class TestErrorsOfOnesOwn:
    def test_in_this_process_they_show_their_traceback_once(self, here: Path) -> None:
        result = run(*SWEEP, "--set", FAILING)
        assert result.exit_code == 1
        assert result.stderr.count("Traceback (most recent call last):") == 1
        trace = result.stderr.partition("Traceback")[2]
        assert 'troubled_borrowers.py", line 26, in __init__' in trace.splitlines()[1]
        assert "RuntimeError: this one" in trace
        assert "abm/model.py" not in trace, "it begins with the user's own code"

    def test_what_is_refused_has_none(self, here: Path) -> None:
        (here / "sweep.toml").write_text(toml(table_of()).replace("[1, 4]", "[1, 7]"))
        result = run(*SWEEP)
        assert result.exit_code == 1
        assert "Traceback" not in result.output


def test_interrupted_says_how_to_go_on(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with interrupted_in_run(4, monkeypatch):
        stopped = run(*SWEEP)
    assert stopped.exit_code == 130
    assert stopped.stderr.splitlines()[-1] == (
        "collateral: interrupted: 3 of 6 runs are stored; the same command with --resume goes on"
    )
    assert run(*SWEEP, "--resume").exit_code == 0
    assert len(pd.read_parquet("out/runs")) == 6
