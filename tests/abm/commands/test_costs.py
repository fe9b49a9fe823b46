"""`collateral costs`: prices of what was run, as a user gives them."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from sweeps import table_of, toml

from abm.commands.cli import main


def collateral(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)], catch_exceptions=False)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of the paper's models, three replications each, with a price of transfers."""
    folder = tmp_path_factory.mktemp("costs")
    assets = ["abm.measures.capital:leverage_assets"]
    table = table_of({"costs": {"transfer": 2.0}, "measures": assets})
    (folder / "sweep.toml").write_text(toml(table))
    ran = collateral("run", folder / "sweep.toml", "--out", folder / "out", "--workers", "0")
    assert ran.exit_code == 0, ran.output
    return folder / "out"


def costs_of(out: Path, *options: str) -> pd.DataFrame:
    told = collateral("costs", out, "--json", *options)
    assert told.exit_code == 0, told.output
    return pd.DataFrame(json.loads(told.stdout)["costs"])


def test_prices_are_those_of_the_scenario_or_set_afterwards(out: Path) -> None:
    runs = pd.read_parquet(out / "runs").sort_values(["scenario_id", "replication_id"])
    per = 1e4 / (runs["lent_mean"] * 8 / 365)
    assert costs_of(out)["cost"].tolist() == pytest.approx((2 * runs["transfers"] * per).tolist())
    once = costs_of(out, "--set", "costs.transfer=0", "--set", "costs.margin_call=3")
    assert once["cost"].tolist() == pytest.approx((3 * runs["margin_calls"] * per).tolist())


def test_capital_is_that_of_cash_lent(out: Path) -> None:
    """A ratio of 3 % that has to earn 10 % costs 30 bp of cash lent without a shortfall."""
    ratio = ["--set", "costs.leverage_ratio=0.03", "--set", "costs.cost_of_capital=0.1"]
    table = costs_of(out, *ratio)
    runs = pd.read_parquet(out / "runs").sort_values(["scenario_id", "replication_id"])
    short = runs["uncollateralised_after_mean"] / runs["lent_mean"]
    assert table["cost.capital"].tolist() == pytest.approx((30 * (1 + short)).tolist())


def test_a_user_reads_who_bears_what_and_where_it_turns(out: Path) -> None:
    told = collateral("costs", out, "--level", "4")
    assert told.exit_code == 0, told.output
    for words in ("Of it lenders", "4 against the others", "Turns at a transfer", "Cheapest"):
        assert words in told.stdout
    report = collateral("report", out)
    assert report.exit_code == 0, report.output
    assert "What it costs, and who bears it" in (out / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "agreement.haircut=0.1"], "only prices can be set after the runs"),
        (["--set", "costs.transfer=-1"], "costs.transfer: expected a number greater than"),
        (["--set", "costs.gas_price=1"], "gas_price and ether_price: give both"),
        (["--level", "7"], "factor.model has no level '7' (there are: 1, 4)"),
        (["--factor", "haircut"], "haircut: no factor of these results (they vary model)"),
    ],
)
def test_what_is_wrong_is_named(out: Path, options: list[str], message: str) -> None:
    result = collateral("costs", out, *options)
    assert result.exit_code == 2
    assert message in result.stderr and result.stderr.count("\n") == 1


def test_results_without_prices_say_how_to_give_some(tmp_path: Path) -> None:
    (tmp_path / "sweep.toml").write_text(toml(table_of()))
    run = collateral("run", tmp_path / "sweep.toml", "--out", tmp_path / "out", "--workers", "0")
    assert run.exit_code == 0, run.output
    result = collateral("costs", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "give prices, as --set costs.transfer=2.5" in result.stderr
