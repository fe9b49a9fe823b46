"""`collateral report`: the operating cost of what `collateral run` wrote."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from sweeps import SCENARIO, table_of, toml

from abm.chain import installed
from abm.commands.cli import main
from abm.commands.report import gas_terms_of, scenarios_of
from analysis import read_results
from analysis.operating_cost import Fees, GasTerms
from analysis.report import Section, TableItem
from analysis.report.operating_cost import operating_cost_section
from analysis.report.subject import Subject
from scenarios.scenario import Scenario


def collateral(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)], catch_exceptions=False)


def run(
    folder: Path, scenario: dict[str, Any], factors: dict[str, Any] | None = None, **settings: Any
) -> Path:
    """The results of a small experiment, over two models if nothing else is said."""
    file = folder / "sweep.toml"
    varied = {"factors": factors} if factors else {}
    file.write_text(toml(table_of(scenario, {"replications": 1, **settings}, **varied)))
    assert collateral("run", file, "--out", folder / "out").exit_code == 0
    return folder / "out"


def cells_of(page: Path, title: str) -> list[list[str]]:
    """The rows of the table under a heading of a page."""
    text = page.read_text(encoding="utf-8")
    table = text[text.index(f"<h3>{title}</h3>") :]
    rows = re.findall(r"<tr>(.*?)</tr>", table[: table.index("</table>")], re.DOTALL)
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in rows]


@pytest.mark.skipif(not installed(), reason='needs the extra: pip install -e ".[evm]"')
def test_runs_on_the_contracts_cost_what_they_needed(tmp_path: Path) -> None:
    """From the file to the page: its numbers are those of the tables `runs` and `days`."""
    out = run(tmp_path, {"ledger": "evm"}, replications=3)
    prices = ["--gas-price", "20", "--ether-price", "2500"]  # 5e-5 a unit of gas
    result = collateral("report", out, "--format", "html,csv,svg,latex", *prices)
    assert result.exit_code == 0, result.output
    runs, days = pd.read_parquet(out / "runs"), pd.read_parquet(out / "days")
    loan_days = days[days["day"] > 0].groupby(["scenario_id", "replication_id"])["open_loans"].sum()
    runs = runs.set_index(["scenario_id", "replication_id"])
    runs["each"] = runs["gas"] / loan_days
    runs["call"] = runs["gas"] / runs["margin_calls"]
    means = runs.groupby("scenario_id")[["each", "call", "gas"]].mean()

    head, *rows = cells_of(out / "report.html", "What the runs cost, measured")
    assert [row[head.index("Model")] for row in rows] == ["1", "4"]
    for row, (_, mean) in zip(rows, means.iterrows(), strict=True):
        for label, name in (("Loan and day", "each"), ("Margin call", "call"), ("Run", "gas")):
            gas = row[head.index(f"{label}, thousand gas")].split(" (")[0].replace(",", "")
            assert float(gas) == pytest.approx(mean[name] / 1000, rel=0.006)
            money = row[head.index(f"{label}, USD")].replace(",", "")
            assert float(money) == pytest.approx(mean[name] * 5e-5, rel=0.006)

    written = pd.read_csv(out / "report" / "operating-cost-measured.csv")
    written = written.set_index(["scenario_id", "replication_id"])
    for column, name in (("gas_loan_day", "each"), ("gas_call", "call"), ("gas", "gas")):
        pd.testing.assert_series_equal(written[column], runs[name], check_names=False)
    names = {path.name for path in (out / "report").iterdir()}
    assert {"operating-cost.svg", "operating-cost-models.tex"} <= names
    assert "operating-cost-estimated.csv" not in names


def section_of(out: Path) -> Section | None:
    """The section as the command has it made."""
    results = read_results(out)
    terms = gas_terms_of(scenarios_of(results.manifest))
    return operating_cost_section(Subject(results), Fees(10, 3000), terms)


@pytest.mark.parametrize("left", [0, 3, 5000])
@pytest.mark.parametrize("number", [0, 1])
def test_a_damaged_part_is_named(tmp_path: Path, number: int, left: int) -> None:
    """Also the first one, which tells the columns: it is not that no run has finished."""
    out = run(tmp_path, {})
    part = out / "runs" / f"part-0000000{number}.parquet"
    part.write_bytes(part.read_bytes()[:left])
    result = collateral("report", out)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("collateral: table runs cannot be read: ")
    assert str(part) in line
    assert not (out / "report.html").exists()


def test_runs_off_the_contracts_are_estimated(tmp_path: Path) -> None:
    section = section_of(run(tmp_path, {}))
    assert section is not None
    estimated, figure, models, recorded = section.items
    assert isinstance(estimated, TableItem) and estimated.name == "operating-cost-estimated"
    assert list(estimated.shown["Model"]) == ["1", "4"]
    alone = estimated.shown["A transaction a loan, USD"].astype(float)
    shared = estimated.shown["Up to 16 loans in one, USD"].astype(float)
    assert (shared > 0).all() and (shared < alone).all()
    money = estimated.numbers["money_alone"] / estimated.numbers["gas_alone"]
    assert money.to_numpy() == pytest.approx(3e-5)
    names = ["operating-cost", "operating-cost-models", "operating-cost-recorded"]
    assert [item.name for item in (figure, models, recorded)] == names


def test_designs_without_an_estimate_are_counted(tmp_path: Path) -> None:
    out = run(
        tmp_path, {}, factors={"agreement.model": [1, 4], "participants.minting_days": [0, 1]}
    )
    section = section_of(out)
    assert section is not None
    assert isinstance(section.items[0], TableItem)
    assert list(section.items[0].numbers["factor.participants.minting_days"]) == [0, 0]
    assert "2 of 4 designs are left out" in section.items[0].caption


def test_says_if_nothing_can_be_told(tmp_path: Path) -> None:
    """The contracts do not know title transfer."""
    section = section_of(run(tmp_path, {"agreement": {"transfer": "title"}}))
    assert section is not None
    assert "cannot be told" in section.text[-1]
    assert section.items[0].name == "operating-cost"


def test_no_section_without_contracts_and_models(tmp_path: Path) -> None:
    assert section_of(run(tmp_path, {}, factors={"agreement.haircut": [0.0, 0.1]})) is None


@pytest.mark.parametrize("option", ["--gas-price", "--ether-price"])
@pytest.mark.parametrize("number", ["0", "-3", "nan", "inf"])
@pytest.mark.parametrize("name", ["report", "gas"])
def test_prices_must_be_positive(name: str, option: str, number: str) -> None:
    arguments = ["nowhere"] if name == "report" else []
    result = collateral(name, *arguments, option, number)
    assert result.exit_code == 2
    assert result.output == f"collateral: {option}: expected a positive number, not {number}\n"


@pytest.mark.parametrize(
    ("changes", "terms"),
    [
        ({"agreement.model": 4}, GasTerms(4, 2)),
        ({"agreement.model": 0}, GasTerms(0, 2)),
        # A trigger changes how often there is a call, not what it costs.
        ({"agreement.model": 3, "agreement.trigger": 0.1}, GasTerms(3, 2)),
        ({"agreement.model": 2, "agreement.priority": ["B", "A"]}, GasTerms(2, 2)),
        ({"agreement.model": 2, "agreement.priority": ["A"]}, None),
        ({"agreement.model": 1, "agreement.adjustment": "multi"}, None),
        ({"agreement.model": 4, "agreement.settlement_lag": 1}, None),
        ({"agreement.model": 4, "agreement.aggregated": True}, None),
        ({"agreement.model": 4, "participants.minting_days": 1}, None),
        ({}, None),
    ],
)
def test_terms_whose_gas_is_known(changes: dict[str, Any], terms: GasTerms | None) -> None:
    scenario = Scenario.parse(SCENARIO, "tiny").with_changes(changes)
    assert gas_terms_of({7: scenario}) == ({} if terms is None else {7: terms})


def test_a_book_is_reported_beside_its_targets(tmp_path: Path) -> None:
    """Of the very books that the runs drew: another seed has others."""
    options = ["--set", "book.loans=300", "--set", "window.end=2024-01-08", "--workers", "0"]
    folder = tmp_path / "out"
    ran = collateral(
        "run", "securities-lending-book", "--out", folder, "--replications", "2", *options
    )
    assert ran.exit_code == 0, ran.output
    assert collateral("report", folder, "--format", "html,csv").exit_code == 0
    told = pd.read_csv(folder / "report" / "book-targets.csv").set_index("name")
    assert told.loc["loans", "target"] == 300
    days = pd.read_parquet(folder / "days")
    assert told.loc["loans", "drawn"] == days.loc[days["day"] == 0, "open_loans"].mean()
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Targets, and what came out" in page and "ISLA" in page
