"""`collateral optimise`, as a user types it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from abm.commands.cli import main
from scenarios.assets import AssetClass, asset_columns
from scenarios.schedules import Schedule, schedule_columns

PROBLEM = """
title = "Two calls"
participant = "Bank"

[assets.bonds]
tokens = ["GOV", "BANK"]
haircut = 0.1
lending_fee = 0.002
issuer = { BANK = "Bank" }

[assets.shares]
tokens = ["TECH"]
haircut = 0.2
daily_volume = 100

[inventory]
GOV = { quantity = 20, price = 100.0 }
BANK = { quantity = 90, price = 100.0 }
TECH = { quantity = 90, price = 50.0, opportunity_cost = 0.001 }

[schedules.general]
criteria = [{ asset_class = "bonds" }, { asset_class = "shares" }]
concentration_limits = [
  { asset_class = "shares", percentage_limit = 0.5 },
  { asset_class = "shares", average_trading_volume = 0.25 },
]

[schedules.bonds]
criteria = [{ asset_class = "bonds" }]

[[calls]]
name = "Fund"
amount = 1600
schedule = "general"

[[calls]]
name = "House"
amount = 720
schedule = "bonds"
"""


def optimise(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["optimise", *arguments], catch_exceptions=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "calls.toml"
    path.write_text(PROBLEM)
    return path


def test_by_hand(file: Path) -> None:
    """Shares cost 0.05 for 40 each, bonds 0.2 for 90: as many shares as half of 1,600 and a
    quarter of 100 a day allow, which are 20; the rest in the bonds that the bank has not issued.
    The other 800 of the fund take 9 bonds, the 720 of the house 8. By priority the fund takes 18
    of the 20 that there are, and 540 of the house stay unmet."""
    result = optimise(str(file), "--format", "json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    delivered = {(each["call"], each["asset"]): each["tokens"] for each in answer["deliveries"]}
    assert delivered == {("Fund", "GOV"): 9, ("Fund", "TECH"): 20, ("House", "GOV"): 8}
    assert answer["optimal"] and answer["unmet"] == 0
    assert answer["cost"] == pytest.approx(17 * 0.2 + 20 * 0.05)
    assert answer["priority_rule"] == {"cost": pytest.approx(20 * 0.2), "unmet": 540.0}
    assert answer["relaxed"]["cost"] == pytest.approx((800 + 720) / 90 * 0.2 + 1.0)
    (limit,) = answer["limits"]
    assert (limit["limit"], limit["used"], limit["room"]) == ("shares", 800.0, 5.0)


def test_what_stays_short_is_told_with_its_binding_limit(file: Path) -> None:
    file.write_text(PROBLEM.replace("amount = 1600", "amount = 2600"))
    result = optimise(str(file))
    assert result.exit_code == 0
    told = result.stdout.split("stays short of ")[1].splitlines()
    assert told[1] == "  All delivered or none there: GOV"
    assert told[2] == "  At the limit of their daily volume: TECH (65 left)"
    assert told[3] == "  Not eligible: BANK (90 left)"
    assert "GOV, a token" in result.stdout and "-90.000000" in result.stdout


def test_the_bundled_problem() -> None:
    """It is cheaper than the priority rule, and one of its calls is short for two reasons."""
    answer = json.loads(optimise("securities-financing-desk", "--format", "json").stdout)
    assert answer["optimal"] and answer["cost"] < answer["priority_rule"]["cost"] / 5
    assert answer["unmet"] == answer["priority_rule"]["unmet"] == 1_128_226.65
    (short,) = answer["short"]
    assert short["call"] == "Index fund"
    assert {why["because"] for why in short["because"]} == {"AAPL", "no stock", "not eligible"}
    by_name = {each["asset"]: each for each in answer["assets"]}
    assert by_name["MSFT"]["unmet_saved_by_one_more"] == pytest.approx(341.78)
    assert by_name["BUND 10Y"]["cost_saved_by_one_more"] == 0
    text = optimise("securities-financing-desk").stdout
    assert "The limit on AAPL is full: AAPL (5,292 left)" in text
    assert "cheapest" in text and "44,603.83" in text


def test_the_documentation_shows_what_is_printed() -> None:
    page = (Path(__file__).parents[3] / "docs" / "schedules.md").read_text()
    (shown,) = re.findall(r"Of what it prints:\n\n```\n(.*?)```", page, re.DOTALL)
    printed = optimise("securities-financing-desk").stdout.splitlines()
    assert [line for line in shown.splitlines() if line not in printed] == []
    (example,) = re.findall(r"```toml\n(\[assets.*?)```", page, re.DOTALL)
    table = tomllib.loads(example)
    assets = {name: AssetClass.model_validate(each) for name, each in table["assets"].items()}
    tokens = ("AAPL", "IBM", "ORCHID", "USD")
    schedule = Schedule.model_validate(table["schedules"]["general"])
    columns = schedule_columns(schedule, asset_columns(assets, tokens), tokens)
    assert columns.eligible.tolist() == [True, False, True, False]
    assert columns.haircut[:3].tolist() == [0.15, 0.15, 0.25]
    assert columns.most.tolist() == [40_000, 6_000, 800, float("inf")]
    assert [limit.name for limit in columns.concentrations] == [
        "equities",
        *tokens[:2],
        "Orchid",
        "USD",
    ]


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        (
            '{ asset_class = "bonds" }, ',
            '{ asset_class = "bond" }, ',
            "no bond (known: bonds, shares)",
        ),
        ("haircut = 0.2\n", "", "TECH is eligible and has no haircut"),
        ("daily_volume = 100\n", "", "average_trading_volume: TECH has no daily_volume"),
        ('schedule = "bonds"', 'schedule = "gold"', "House: no schedule gold"),
        ("amount = 720", "amount = -1", "calls.2.amount: expected a number greater than 0"),
        ("quantity = 20", "quantity = 2.5", "inventory.GOV.quantity: expected a whole number"),
        ("price = 50.0", "price = 0.001", "inventory.TECH.price: expected at least money.unit"),
        ('name = "House"', 'name = "Fund"', "calls: two are named Fund"),
        ("percentage_limit = 0.5", "percentage_limit = 50", "less than or equal to 1"),
        (", percentage_limit = 0.5", "", "give either percentage_limit or average_trading_volume"),
        ('{ asset_class = "shares", p', "{ p", "give either an asset, issuer or asset_class, or"),
        (
            "quantity = 90, price = 50.0",
            "quantity = 900_000_000_000_000, price = 50.0",
            "give a larger money.unit",
        ),
    ],
)
def test_what_cannot_be_is_one_line(file: Path, wrong: str, right: str, message: str) -> None:
    assert wrong in PROBLEM
    file.write_text(PROBLEM.replace(wrong, right))
    result = optimise(str(file))
    assert result.exit_code == 2 and result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"collateral: {file}: ") or line.startswith("collateral: calls: ")
    assert message in line


def test_there_is_no_such_problem() -> None:
    result = optimise("nowhere")
    assert result.exit_code == 2
    assert "no such file, and no problem bundled under that name" in result.stderr
    assert optimise("securities-financing-desk", "--seconds", "0").exit_code == 2
