"""`collateral scenarios` and `collateral init`, as a user types them."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from abm.commands.cli import main
from abm.model import CollateralMarket
from scenarios.allocation import bundled_problems
from scenarios.experiment import Experiment, bundled_experiments, load_either
from scenarios.scenario import Scenario, bundled


def collateral(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)], catch_exceptions=False)


def refused(*arguments: str | Path) -> str:
    result = collateral(*arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    return line


class TestList:
    def test_has_everything_that_is_bundled_with_its_title(self) -> None:
        result = collateral("scenarios")
        assert result.exit_code == 0
        lines = [line.strip() for line in result.stdout.splitlines()]
        names = {line.split()[0]: line for line in lines if line}
        assert names.keys() >= {*bundled(), *bundled_experiments(), *bundled_problems()}
        assert Scenario.load("prices-gbm").title in names["prices-gbm"]
        assert lines[-1] == "To run one of the others: collateral run NAME --out DIR"

    def test_fits_the_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "60")
        assert max(map(len, collateral("scenarios").stdout.splitlines())) <= 60

    def test_for_programs(self) -> None:
        table = json.loads(collateral("scenarios", "--json").stdout)
        assert table["scenarios"].keys() == bundled().keys()
        assert table["scenarios"]["crash"] == Scenario.load("crash").title
        assert table["experiments"].keys() == bundled_experiments().keys()


class TestShow:
    def test_prints_the_file_with_its_comments(self) -> None:
        assert collateral("scenarios", "show", "crash").stdout == bundled()["crash"].read_text()

    def test_of_a_problem(self) -> None:
        ((name, path),) = bundled_problems().items()
        assert collateral("scenarios", "show", name).stdout == path.read_text()

    def test_the_nearest_name_is_told(self) -> None:
        assert "crahs: no such file, and no scenario" in (
            line := refused("scenarios", "show", "crahs")
        )
        assert "(did you mean crash?)" in line


class TestCopy:
    @pytest.mark.parametrize("name", [*bundled(), *bundled_experiments()])
    def test_a_copy_is_the_same_under_its_own_name(self, name: str, tmp_path: Path) -> None:
        copy = tmp_path / "mine.toml"
        result = collateral("scenarios", "copy", name, copy)
        written = [line.removeprefix("wrote ") for line in result.stdout.splitlines()]
        assert sorted(map(str, tmp_path.iterdir())) == sorted(written)
        ours, theirs = load_either(copy), load_either(name)
        assert ours.name == "mine"
        if isinstance(ours, Experiment) and isinstance(theirs, Experiment):
            assert (ours.scenario, ours.factors) == (theirs.scenario, theirs.factors)
        else:
            assert isinstance(ours, Scenario) and isinstance(theirs, Scenario)
            moved = {"name": name, "network": theirs.network}
            assert ours.model_copy(update=moved) == theirs
            assert type(ours.network) is type(theirs.network)

    def test_files_that_it_names_come_along(self, tmp_path: Path) -> None:
        collateral("scenarios", "copy", "network-file", tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == {
            "network-file.toml",
            "network-file.csv",
        }
        market = CollateralMarket(tmp_path / "network-file.toml", rng=1)
        assert len(market.books.loans) == 12

    def test_an_experiment_brings_its_scenario_and_what_that_names(self, tmp_path: Path) -> None:
        here, there = tmp_path / "here", tmp_path / "there"
        here.mkdir()
        there.mkdir()
        collateral("scenarios", "copy", "network-file", here / "base.toml")
        (here / "sweep.toml").write_text('[experiment]\nscenario = "base.toml"\n')
        assert collateral("scenarios", "copy", here / "sweep.toml", there).exit_code == 0
        assert {path.name for path in there.iterdir()} == {
            "sweep.toml",
            "base.toml",
            "network-file.csv",
        }

    def test_nothing_is_lost(self, tmp_path: Path) -> None:
        (tmp_path / "network-file.csv").write_text("mine")
        line = refused("scenarios", "copy", "network-file", tmp_path / "mine.toml")
        assert "network-file.csv: exists already" in line
        assert [path.name for path in tmp_path.iterdir()] == ["network-file.csv"]
        mine = tmp_path / "mine.toml"
        assert collateral("scenarios", "copy", "network-file", mine, "--overwrite").exit_code == 0
        assert (tmp_path / "network-file.csv").read_text() != "mine"

    def test_where_nothing_can_be_written(self, tmp_path: Path) -> None:
        assert "cannot be written" in refused(
            "scenarios", "copy", "crash", tmp_path / "no" / "x.toml"
        )
        assert "the name must end in .toml" in refused("scenarios", "copy", "crash", tmp_path / "x")


class TestCheck:
    def test_of_a_scenario(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        result = collateral("scenarios", "check", "crash", "--set", "participants.lenders=7")
        assert result.exit_code == 0
        market = CollateralMarket("crash", rng=1, **{"participants.lenders": 7})
        told = dict(re.findall(r"^  (\w+) +(.*)$", result.stdout, flags=re.MULTILINE))
        assert told["days"] == f"{len(market.days)}: 2008-09-15 to 2008-11-14"
        assert told["participants"] == "7 lenders, 30 borrowers, 5 dealers"
        number = len(market.books.loans)
        assert told["loans"] == f"{number} on {number} margin accounts"
        assert told["tokens"] == "AAPL, GOOG, IBM, MSFT; cash in USD"
        assert re.match(r"[\d.]+ [MG]B a process, [\d.]+ MB of it for the books", told["memory"])
        assert re.match(r"about [\d.]+ s a run; told from the first \d+ days", told["time"])
        assert list(tmp_path.iterdir()) == [], "nothing is written"

    def test_of_an_experiment(self) -> None:
        table = json.loads(collateral("scenarios", "check", "crash-causes", "--json").stdout)
        experiment = Experiment.load("crash-causes")
        number = len(experiment.factors.alternatives["variant"])
        assert table["designs"] == number
        assert table["replications"] == experiment.replications == 100
        assert table["runs"] == table["designs"] * experiment.replications
        assert [sample["design"] for sample in table["samples"]] == [0, number // 2, number - 1]
        assert table["factors"] == {"variant": number}
        assert table["refused"] == {}

    def test_designs_that_cannot_be_simulated(self, tmp_path: Path) -> None:
        path = tmp_path / "sweep.toml"
        path.write_text('[experiment]\nscenario = "prices-gbm"\n[factors]\nmodel = [1, 7, 8]\n')
        result = collateral("scenarios", "check", path)
        assert result.exit_code == 1
        assert "\n1 of 3 designs cannot be simulated: " in result.stdout

    def test_what_is_wrong_is_told(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.toml"
        path.write_text(collateral("scenarios", "show", "crash").stdout + "[lone]\n")
        assert "unknown key lone (did you mean loan?)" in refused("scenarios", "check", path)
        assert "SPY has no price" in refused(
            "scenarios", "check", "crash", "--set", 'agreement.priority=["SPY"]'
        )


class TestInit:
    def test_what_it_writes_runs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        result = collateral("init", "mine.toml")
        _, *commands = result.stdout.splitlines()
        assert len(commands) == 2
        for line in commands:
            done = collateral(*line.partition(": collateral ")[2].split())
            assert done.exit_code == 0, done.output

    def test_what_is_commented_out_can_be_taken_in(self, tmp_path: Path) -> None:
        """Each line by itself, and all together."""
        path = tmp_path / "mine.toml"
        collateral("init", path)
        lines = path.read_text().splitlines()
        out = [number for number, line in enumerate(lines) if re.match(r"#[a-z\[]", line)]
        assert len(out) > 10
        fields = [number for number in out if lines[number - 1].lstrip("#")[:1] != "["]
        for taken in [*([number] for number in fields if number - 1 not in out), out]:
            text = "\n".join(
                line[1:] if number in taken else line for number, line in enumerate(lines)
            )
            assert tomllib.loads(text) != tomllib.loads(path.read_text())
            Scenario.parse(tomllib.loads(text), "template")
        market = CollateralMarket(Scenario.parse(tomllib.loads(text), "template"), rng=1).run()
        assert market.summary()["margin_calls"] > 0

    def test_nothing_is_lost(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.toml"
        path.write_text("mine")
        assert "exists already" in refused("init", path)
        assert path.read_text() == "mine"
        assert collateral("init", path, "--overwrite").exit_code == 0


def test_the_nearest_command_is_told() -> None:
    result = collateral("scenrios")
    assert result.exit_code == 2
    assert "no command scenrios (did you mean scenarios?)" in result.stderr
