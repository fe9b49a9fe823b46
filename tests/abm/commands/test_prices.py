"""`collateral prices`, as a user types it."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from abm.commands.cli import main
from scenarios.dividends import Dividends
from scenarios.errors import InputError
from scenarios.prices.files import read_prices
from scenarios.prices.yahoo_client import Split, TickerHistory

BUNDLED = "bundled:us_stocks_2007_2010"
DATES = ["--start", "2010-03-01", "--end", "2010-03-13"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["prices", *arguments], catch_exceptions=False)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two tickers without a network; the real yfinance is tested beside `scenarios.prices`."""
    tickers: list[str] = []
    close = pd.Series(100.0, pd.bdate_range("2010-03-01", "2010-03-12"))

    def answer(ticker: str, start: date, end: date) -> TickerHistory:
        tickers.append(ticker)
        if ticker == "NOPE":
            raise InputError("yahoo: NOPE: unknown ticker")
        splits = (Split(date(2005, 1, 4), 2.0), Split(date(2024, 3, 28), 3.0))
        paid = pd.Series(2.0, [pd.Timestamp("2010-03-09")])
        return TickerHistory(close, close - 1, splits, "Asia/Tokyo", "JPY", None, paid)

    monkeypatch.setattr("scenarios.prices.yahoo.ask_yahoo", answer)
    return tickers


class TestYahoo:
    def test_writes_prices_on_the_basis_and_a_record(
        self, asked: list[str], tmp_path: Path
    ) -> None:
        out = tmp_path / "tokyo.csv"
        result = run(
            "yahoo", "4901.T=4901", "X.T", *DATES, "--basis", "2024-03-27", "--out", str(out)
        )
        assert result.exit_code == 0
        panel = read_prices(out)
        assert panel.tokens == ("4901", "X.T")
        assert (panel.close == 300.0).all()
        record = json.loads((tmp_path / "tokyo.csv.json").read_text())
        assert record["basis"] == "2024-03-27"
        assert record["columns"] == ["4901", "X.T"]
        assert "4901.T: took out the split of 2024-03-28 (× 3)" in result.output
        assert "10 days, 2010-03-01 to 2010-03-12" in result.output

    def test_todays_basis_and_dividends(self, asked: list[str], tmp_path: Path) -> None:
        out = tmp_path / "prices.parquet"
        assert run("yahoo", "X.T", *DATES, "--dividends", "--out", str(out)).exit_code == 0
        assert (read_prices(out).close == 99.0).all()

    def test_dividends_are_what_a_scenario_reads(self, asked: list[str], tmp_path: Path) -> None:
        out, paid = tmp_path / "prices.csv", tmp_path / "dividends.csv"
        basis = ["--basis", "2024-03-27", "--dividends-out", str(paid)]
        result = run("yahoo", "X.T=X", *DATES, *basis, "--out", str(out))
        assert f"{paid}: 1 dividends\n" in result.output
        (one,) = Dividends(file=str(paid)).listed(["X"])
        # The shares of March 2010 are on the basis before the split of 2024: three times as much.
        assert (one.date, one.amount) == (date(2010, 3, 8), 6.0)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--dividends", "--dividends-out", "d.csv"], "have them in already"),
            (["--dividends-out", "d.xlsx"], "must end in .csv"),
            (["--dividends-out", "p.csv"], "the prices are written there"),
        ],
    )
    def test_dividends_that_would_mislead(
        self, asked: list[str], options: list[str], message: str
    ) -> None:
        result = run("yahoo", "X.T", *DATES, *options, "--out", "p.csv")
        assert result.exit_code == 2
        assert message in result.output
        assert asked == []

    def test_a_failure_is_one_line_and_writes_nothing(
        self, asked: list[str], tmp_path: Path
    ) -> None:
        out = tmp_path / "prices.csv"
        result = run("yahoo", "X.T", "NOPE", *DATES, "--out", str(out))
        assert result.exit_code == 2
        assert result.output == "collateral: yahoo: NOPE: unknown ticker\n"
        assert list(tmp_path.iterdir()) == []

    def test_a_wrong_ending_is_refused_before_asking(
        self, asked: list[str], tmp_path: Path
    ) -> None:
        result = run("yahoo", "X.T", *DATES, "--out", str(tmp_path / "prices.xlsx"))
        assert result.exit_code == 2
        assert "must end in .csv or .parquet" in result.output
        assert asked == []

    @pytest.mark.parametrize(
        ("tickers", "message"),
        [
            (["A=X", "B=X"], "yahoo: two tickers are named X; each needs its own column"),
            (["A", "A=X"], "A is given twice"),
            (["=X"], "=X: expected TICKER or TICKER=NAME, as in 8306.T=8306"),
        ],
    )
    def test_every_ticker_has_its_own_column(
        self, asked: list[str], tmp_path: Path, tickers: list[str], message: str
    ) -> None:
        result = run("yahoo", *tickers, *DATES, "--out", str(tmp_path / "prices.csv"))
        assert result.exit_code == 2
        assert result.output == f"collateral: {message}\n"
        assert asked == []

    def test_dates_the_wrong_way_round(self, asked: list[str], tmp_path: Path) -> None:
        out = str(tmp_path / "prices.csv")
        result = run("yahoo", "X.T", "--start", "2010-03-13", "--end", "2010-03-01", "--out", out)
        assert result.exit_code == 2
        assert "must lie after start" in result.output

    def test_a_folder_that_cannot_be_written(self, asked: list[str], tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        result = run("yahoo", "X.T", *DATES, "--out", str(tmp_path / "file" / "prices.csv"))
        assert result.exit_code == 2
        assert "cannot be written" in result.output


class TestFit:
    def test_tables(self) -> None:
        result = run("fit", BUNDLED, "--model", "gbm", "--tokens", "IBM,MSFT")
        assert result.exit_code == 0
        for part in (
            "gbm on 1007 daily log-returns, 2007-01-03 to 2010-12-31",
            "standard error",
            "IBM, MSFT",
            "AIC",
            "autocorrelation of squares, lag 5",
            "* data outside 90 % of the model's paths",
        ):
            assert part in result.output

    def test_part_of_the_days_as_a_scenarios_table(self) -> None:
        days = ["--start", "2008-01-01", "--end", "2008-12-31"]
        result = run("fit", BUNDLED, "--model", "student_t", *days, "--toml")
        table = tomllib.loads(result.output)["prices"]
        assert table["source"] == "student_t"
        assert table["tokens"] == ["AAPL", "GOOG", "IBM", "MSFT"]
        assert 2 < table["degrees_of_freedom"] < 10

    def test_picture(self, tmp_path: Path) -> None:
        pytest.importorskip("matplotlib")
        picture = tmp_path / "fit.png"
        result = run("fit", BUNDLED, "--model", "gbm", "--tokens", "IBM", "--plot", str(picture))
        assert result.exit_code == 0
        assert picture.read_bytes().startswith(b"\x89PNG")

    def test_seeds_count_from_zero(self) -> None:
        result = run("fit", BUNDLED, "--model", "gbm", "--seed", "-1")
        assert result.exit_code == 2
        assert "Invalid value for '--seed'" in result.output

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["nothing.csv", "--model", "gbm"], "nothing.csv: no such file"),
            ([BUNDLED, "--model", "heston"], "model: no model 'heston'; there is gbm"),
            ([BUNDLED, "--model", "gbm", "--tokens", "X"], "no column X; it has AAPL"),
            ([BUNDLED, "--model", "gbm", "--start", "2031-01-01"], "0 days from 2031-01-01"),
            ([BUNDLED, "--model", "gbm", "--plot", "fit.docx"], "must end in .png"),
        ],
    )
    def test_refusals_are_one_line(self, arguments: list[str], message: str) -> None:
        result = run("fit", *arguments)
        assert result.exit_code == 2
        assert result.output.startswith("collateral: ")
        assert message in result.output
        assert result.output.count("\n") == 1
