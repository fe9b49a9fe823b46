"""`collateral bench`: each benchmark measures what it says, on the smallest sizes."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

import abm.commands.benchmarks.experiments
import abm.commands.benchmarks.market
import abm.commands.benchmarks.sweeps
from abm.commands.benchmarks import turnover
from abm.commands.benchmarks.measurement import COLUMNS
from abm.commands.cli import main


def bench(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["bench", *map(str, arguments)])


def figures(out: Path, *arguments: object) -> pd.DataFrame:
    """The CSV of a benchmark, by name."""
    result = bench(*arguments, "--out", out)
    assert result.exit_code == 0, result.output
    table = pd.read_csv(out)
    assert tuple(table.columns) == COLUMNS
    assert table["name"].is_unique
    for row in table.itertuples():
        assert re.search(rf"^{re.escape(row.name)} +{row.size:,} \w+ ", result.output, re.MULTILINE)
    return table.set_index("name")


def test_the_market_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abm.commands.benchmarks.market, "REPETITIONS", 1)
    monkeypatch.setattr(abm.commands.benchmarks.market, "DECIDING", 500)
    sizes = ("--loans", 1000, "--borrowers", 10, "--objects", 200, "--sheets", 500)
    sizes += ("--cheapest", 200)
    found = figures(tmp_path / "out.csv", *sizes)
    assert set(found["benchmark"]) == {"market"}
    assert found["size"]["whole step"] == 1000
    assert found["compared_with"]["whole step"] == "bare pass"
    assert found["ratio"]["whole step"] > 0
    assert 0 < found["value"]["build"] < found["value"]["build and 61 days"]
    # A record of 104 bytes, five balances and a call of one byte: read, and written.
    assert found["value"]["bytes of the pass"] == 2 * (104 + 5 * 8 + 1)
    used = found.loc["bandwidth of the bare pass"]
    assert used["ratio"] == pytest.approx(used["value"] / found["value"]["memory bandwidth"])
    cheapest = found.loc["day of the cheapest, two schedules and shortage"]
    assert (cheapest["size"], cheapest["compared_with"]) == (200, "the same by priority")
    plain = found.loc["step without balance sheets"]
    for name in ("step with balance sheets", "step with decisions on them"):
        kept = found.loc[name]
        assert (kept["size"], kept["compared_with"]) == (500, plain.name)
        assert kept["ratio"] == pytest.approx(plain["value"] / kept["value"])


def test_books_that_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {"window.end": "2024-01-09", "participants.lenders": 30, "participants.borrowers": 20}
    monkeypatch.setattr(turnover, "LARGE", {**turnover.LARGE, **few})
    monkeypatch.setattr(turnover, "YEAR", few)
    build, still, turning = turnover.compare_turnover(200)
    assert (build.name, build.size, build.unit) == ("build a book with turnover", 200, "s")
    assert turning.ratio == pytest.approx(still.value / turning.value)
    plain, whole = turnover.measure_year(200)
    assert whole.name == "a year of it with everything" and whole.value > 0 < plain.value


def test_experiments_tell_memory_and_cost(tmp_path: Path) -> None:
    sizes = ("--memory-runs", 200, "--cost-runs", 100, "--speed-runs", 0, "--sweep-runs", 0)
    found = figures(tmp_path / "out.csv", "experiments", *sizes)
    assert set(found["benchmark"]) == {"experiments"}
    value = found["value"]
    for who in ("client", "worker"):
        # Python with numpy, pandas and numba in it; and 200 runs are no reason to grow.
        assert 100 < value[f"{who} after a third"] < 2000
        assert found["ratio"][f"{who} after all runs"] == pytest.approx(1, abs=0.2)
    assert value["workers replaced"] == 0
    assert found["size"]["engine with a worker"] == 100
    assert value["tiny market alone"] > 0
    assert "engine in this process" in value, "a difference of times, and small: of any sign"
    assert "half-second run alone" not in value


def test_experiments_compare_two_workers_with_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = abm.commands.benchmarks.experiments
    monkeypatch.setattr(module, "HALF_A_SECOND", module.TINY)
    sizes = ("--memory-runs", 0, "--cost-runs", 0, "--speed-runs", 4, "--sweep-runs", 0)
    found = figures(tmp_path / "out.csv", "experiments", *sizes)
    value = found["value"]
    both = value["sweep with one worker"] / value["sweep with two workers"]
    assert found["ratio"]["sweep with two workers"] == pytest.approx(both)
    assert found["compared_with"]["sweep with two workers"] == "sweep with one worker"
    assert value["half-second run alone"] < value["sweep with one worker"]


def test_experiments_tell_what_a_run_costs_beside_its_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(abm.commands.benchmarks.sweeps, "TURNS", 1)
    sizes = ("--memory-runs", 0, "--cost-runs", 0, "--speed-runs", 0, "--sweep-runs", 20)
    found = figures(tmp_path / "out.csv", "experiments", *sizes)
    value = found["value"]
    days = value["days of the sweep"]
    assert 0 < days < value["loop over markets of the sweep"]
    assert found["ratio"]["engine on the sweep"] == pytest.approx(
        days / value["engine on the sweep"]
    )
    assert 0 < value["opening of the sweep"] < value["loop over markets of the sweep"]
    assert value["the quiet sweep with two workers"] > 0
    assert found["asked"]["the quiet sweep with two workers"] == "at least 500 runs/s"
    assert found["compared_with"]["run of 20 loans by the engine"].startswith("run of 20 objects")
    assert found["ratio"]["run of 20 loans by the engine"] > 1
    assert value["command to its first run"] > 0


def test_a_day_of_the_page_is_measured(tmp_path: Path) -> None:
    pytest.importorskip("solara")
    found = figures(tmp_path / "out.csv", "page", "--participants", 20, "--days", 5)
    value = found["value"]
    assert set(found["benchmark"]) == {"page"}
    for name in ("processor time to simulate a day", "processor time to tell a day"):
        assert 0 < value[name] <= value[f"{name}, 95th percentile"]
    assert 1 < value["message of a day"] < 40


def test_a_browser_tells_until_the_day_is_shown(tmp_path: Path) -> None:
    pytest.importorskip("solara")
    from abm.page.browser import why_not

    if reason := why_not():
        pytest.skip(reason)
    sizes = ("--participants", 20, "--days", 5, "--browser")
    value = figures(tmp_path / "out.csv", "page", *sizes)["value"]
    assert value["day on the page"] > value["processor time to simulate a day"]
    assert value["bytes of a day on the page"] > value["message of a day"]
    assert value["processor time of a day on the page"] > value["processor time to tell a day"]


def test_without_the_packages_of_the_page_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("abm.page.launch.NEEDED", ("no_such_package",))
    result = bench("page")
    assert result.exit_code == 2
    assert 'no_such_package: pip install -e ".[app]"' in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["page", "--loans", 1000], "--loans: belongs to `collateral bench market`, not to page"),
        (["--memory-runs", 500], "--memory-runs: belongs to `collateral bench experiments`"),
        (["experiments", "--memory-runs", 20], "--memory-runs 20: must be 200 or more, or 0"),
        (["experiments", "--speed-runs", 1], "--speed-runs 1: must be 2 or more, or 0"),
        (["page", "--days", 5000], "--days 5000: the scenario has "),
        (["nothing"], "'nothing' is not one of 'market', 'experiments', 'page'"),
    ],
)
def test_what_cannot_be_measured_is_refused(arguments: list[object], message: str) -> None:
    if "page" in arguments[:1]:
        pytest.importorskip("solara")
    result = bench(*arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_a_refusal_leaves_an_earlier_csv_alone(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("earlier")
    assert bench("experiments", "--memory-runs", 20, "--out", out).exit_code == 2
    assert out.read_text() == "earlier"
