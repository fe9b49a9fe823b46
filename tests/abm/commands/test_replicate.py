"""`collateral replicate` as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from abm.commands.cli import main

PRICES = Path(__file__).parents[4] / "shared" / "data" / "tse_closes_case1_case2.csv"

needs_prices = pytest.mark.skipif(
    not PRICES.is_file(), reason="the paper's closing prices are not ours to ship"
)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["replicate", *map(str, words)])


def refusal(result: Result) -> str:
    """The one line of a clean refusal."""
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


@needs_prices
def test_the_tables_agree_but_for_the_documented_cell() -> None:
    text = run("--prices", PRICES).stdout
    assert "41 of 42 published cells agree at their precision." in text
    assert "Table 3, Case 2, Model 4, average: the rules give 7.75" in text
    assert "✗" not in text and text.count("†") == 1
    assert "Case 3 skipped" in text and "Case 4 skipped" in text


@needs_prices
def test_the_unrounded_figures_as_json() -> None:
    found = json.loads(run("--prices", PRICES, "--format", "json").stdout)
    assert found["profile"] == "paper"
    assert found["cells"] == {"compared": 42, "matched": 41, "documented": 1}
    assert [skipped["case"] for skipped in found["skipped"]] == [3, 4]
    expected = {
        1: (7351, 254_032_745.5, 57_052_000.0, [60, 60, 60, 11, 11]),
        2: (7995, 1_099_030_043.5, 240_035_058.3, [60, 60, 60, 31, 29]),
    }
    percent = {
        1: [(0.000209422, 0.00050268), (0.000432306, 0.000934009), (53.7011, 72.6611),
            (52.2259, 61.8636)],
        2: [(6.63858e-05, 0.000124135), (0.000110816, 0.000206555), (13.0053, 5.9473),
            (13.4408, 7.74901)],
    }  # fmt: skip
    for case in found["cases"]:
        first_day_sum, largest, mean, calls = expected[case["case"]]
        assert case["first_day_sum"] == first_day_sum
        assert case["loan"] == first_day_sum * 950_000
        models: list[dict[str, Any]] = case["models"]
        assert models[0]["max_gap"] == pytest.approx(largest, rel=1e-5)
        assert models[0]["mean_gap"] == pytest.approx(mean, rel=1e-5)
        assert [model["margin_calls"] for model in models] == calls
        assert [model["issuances"] for model in models] == [60, 0, 0, 0, 0]
        for model, (max_pct, mean_pct) in zip(models[1:], percent[case["case"]], strict=True):
            assert model["max_gap_pct"] == pytest.approx(max_pct, rel=1e-5)
            assert model["mean_gap_pct"] == pytest.approx(mean_pct, rel=1e-5)


@needs_prices
def test_the_ranking_of_models_hangs_on_how_a_weekend_is_priced() -> None:
    """replication.md: with causal days the means of Models 3 and 4 become 105 and 98 in Case 1."""
    found = json.loads(run("--prices", PRICES, "--profile", "causal", "--format", "json").stdout)
    means = {c["case"]: [m["mean_gap_pct"] for m in c["models"][3:]] for c in found["cases"]}
    assert means[1] == [pytest.approx(105, abs=0.5), pytest.approx(98.1, abs=0.05)]
    assert means[2] == [pytest.approx(7.80, abs=0.005), pytest.approx(12.0, abs=0.05)]


@needs_prices
def test_cases_can_be_chosen() -> None:
    for words in (("--case", "1", "2"), ("--case", "1", "--case", "2")):
        found = json.loads(run("--prices", PRICES, "--format", "json", *words).stdout)
        assert [case["case"] for case in found["cases"]] == [1, 2]
        assert found["skipped"] == []
    assert run("--prices", PRICES, "1").exit_code == 2


@needs_prices
def test_cases_that_the_prices_do_not_cover_are_refused_if_nothing_is_left() -> None:
    line = refusal(run("--prices", PRICES, "--case", "3"))
    assert "covers none of the windows asked for; Case 3: window 2009-03-01" in line


@needs_prices
def test_prices_on_another_split_basis_are_refused_with_the_split(tmp_path: Path) -> None:
    prices = pd.read_csv(PRICES)
    prices["8031"] /= 2
    path = tmp_path / "today.csv"
    prices.to_csv(path, index=False)
    line = refusal(run("--prices", path))
    assert "Table 2" in line and "8031" in line


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        ("", "empty file"),
        ("day,8306\n2009-07-01,600\n", "no column date"),
        ("date,8306\n2009-07-01,600\n", "no column 8604"),
        ("date,8306\n2009-07-01,abc\n", "row 2, column 8306: 'abc' is not a number"),
        ("date,8306\n2009-07-01,-1\n", "row 2, column 8306: price -1"),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path: Path, content: str | None, words: str) -> None:
    path = tmp_path / "prices.csv"
    if content is not None:
        path.write_text(content)
    line = refusal(run("--prices", path))
    assert str(path) in line and words in line


def test_help_answers_without_importing_the_simulator() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from abm.commands.cli import main;"
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0;"
        "heavy = {'mesa', 'numpy', 'pandas', 'numba', 'pydantic', 'yfinance'} & set(sys.modules);"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
