"""Prices in two currencies, as a user types it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from abm.commands.cli import main
from abm.model import CollateralMarket

PRICES = """\
date,SONY,SAP,EURJPY
2024-01-04,15000,140.5,150
2024-01-05,15200,141,160
2024-01-08,15300,139,153
"""
SCENARIO = """
[money]
currency = "EUR"
[window]
start = 2024-01-04
end = 2024-01-09
calendar = "sessions"
[prices]
source = "file"
file = "prices.csv"
currencies = { SONY = "JPY" }
[loan]
collateral = { SONY = 100, SAP = 100 }
"""
RATE = 'rates = { JPY = { column = "EURJPY", quote = "JPY per EUR" } }'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("prices.csv").write_text(PRICES)
    Path("mine.toml").write_text(SCENARIO.replace("[loan]", f"{RATE}\n[loan]"))
    Path("yen.toml").write_text(SCENARIO)


def collateral(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def refused(*arguments: str) -> str:
    result = collateral(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = [text for text in result.stderr.splitlines() if not text.startswith("compil")]
    return line


def test_a_market_in_euros_on_prices_in_yen() -> None:
    assert collateral("run", "mine.toml", "--out", "out").exit_code == 0
    market = CollateralMarket("mine.toml")
    assert market.tokens == ("SONY", "SAP", "EUR")
    assert market.path.tolist() == [[10000, 14050, 1], [9500, 14100, 1], [10000, 13900, 1]]


def test_prices_that_are_not_converted_are_refused_with_what_to_write() -> None:
    line = refused("run", "yen.toml", "--out", "out")
    assert "money.currency: the prices of SONY in " in line
    assert "prices.csv are in JPY, not in EUR; name a column of exchange rates" in line
    assert line.endswith(f"where the file is named: {RATE}")


def test_a_rate_the_wrong_way_round_is_refused() -> None:
    line = refused(
        "run", "mine.toml", "--out", "out", "--set", 'prices.rates.JPY.quote="EUR per JPY"'
    )
    assert 'prices.rates.JPY.quote: "EUR per JPY" is the wrong way round' in line
    line = refused("run", "mine.toml", "--out", "out", "--set", "prices.rates.JPY.quote=150")
    assert "prices.rates.JPY.quote: expected" in line


def test_a_market_in_another_currency_than_the_rate_leads_to_is_refused() -> None:
    line = refused("run", "mine.toml", "--out", "out", "--set", "money.currency=USD")
    assert "prices of SONY in " in line
    assert " are in EUR, not in USD" in line


def test_a_fit_of_prices_in_two_currencies_is_refused() -> None:
    rows = [f"2024-01-0{day},{name}" for day in (4, 5, 8) for name in ("A,9,JPY", "B,3,EUR")]
    Path("tidy.csv").write_text("\n".join(["date,token,close,currency", *rows]))
    line = refused("prices", "fit", "tidy.csv", "--model", "gbm")
    assert "has prices in EUR and JPY; a fit takes those of one currency" in line
