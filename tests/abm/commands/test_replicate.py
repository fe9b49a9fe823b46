"""`collateral replicate` as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from paper_figures import WINDOWS, Figures, agree

from abm.commands.cli import main

PRICES = Path(__file__).parents[4] / "shared" / "data" / "tse_closes_case1_case2.csv"

ALL_CASES = PRICES.with_name("tse_closes_all_cases.csv")

needs_prices = pytest.mark.skipif(
    not (PRICES.is_file() and ALL_CASES.is_file()),
    reason="the paper's closing prices are not ours to ship",
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
    text = " ".join(run("--prices", PRICES).stdout.split())
    assert "41 of 42 published cells agree at their precision." in text
    assert "Table 3, Case 2, Model 4, average: the rules give 7.75" in text
    assert "✗" not in text and text.count("†") == 1
    assert "Case 3 skipped" in text and "Case 4 skipped" in text


@needs_prices
def test_the_unrounded_figures_of_all_cases_as_json() -> None:
    found = json.loads(run("--prices", ALL_CASES, "--format", "json").stdout)
    assert found["profile"] == "paper"
    assert found["skipped"] == []
    assert found["cells"] == {"compared": 84, "matched": 82, "documented": 2}
    assert [case["case"] for case in found["cases"]] == [1, 2, 3, 4]
    for case in found["cases"]:
        number, (_, _, first_day_sum) = case["case"], WINDOWS[case["case"]]
        assert case["first_day_sum"] == first_day_sum
        assert case["loan"] == first_day_sum * 950_000
        results = [
            Figures(
                model["max_gap"],
                model["mean_gap"],
                model["margin_calls"],
                model["issuances"],
                model["borrower_issuances"],
                tuple(model["holdings"]),
            )
            for model in case["models"]
        ]
        for model, figures in zip(case["models"], results, strict=True):
            agree(figures, number, model["model"], results[0])
            shares = (figures.largest / results[0].largest, figures.mean / results[0].mean)
            told = (model["max_gap_pct"] / 100, model["mean_gap_pct"] / 100)
            assert told == pytest.approx(shares, rel=1e-12)


@needs_prices
def test_all_cases_agree_but_for_the_documented_cells() -> None:
    text = " ".join(run("--prices", ALL_CASES).stdout.split())
    assert "82 of 84 published cells agree at their precision." in text
    assert "Table 3, Case 4, Model 4, maximum: 2.2 cannot stand" in text
    assert "✗" not in text and text.count("†") == 2
    assert "skipped" not in text


@needs_prices
def test_cases_that_the_prices_do_not_cover_are_skipped() -> None:
    found = json.loads(run("--prices", PRICES, "--format", "json").stdout)
    assert found["cells"] == {"compared": 42, "matched": 41, "documented": 1}
    assert [skipped["case"] for skipped in found["skipped"]] == [3, 4]


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
