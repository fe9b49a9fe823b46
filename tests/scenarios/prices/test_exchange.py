"""Prices in several currencies, converted day by day at rates of the same file."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scenarios.errors import InputError
from scenarios.prices import BootstrapSource, FileSource, GarchSource, ReplaySource, Window
from scenarios.prices.calendars import on_calendar
from scenarios.prices.exchange import ExchangeRate, converted
from scenarios.prices.history import History, log_returns_of
from scenarios.prices.panel import PricePanel
from scenarios.prices.paths import Array

WIDE = """\
date,SONY,SAP,EURJPY
2024-01-04,15000,140.5,150
2024-01-05,15200,141,160
2024-01-08,15300,139,153
"""
YEN = {"SONY": "JPY"}
RATES = {"JPY": {"column": "EURJPY", "quote": "JPY per EUR"}}
WINDOW = Window(date(2024, 1, 4), date(2024, 1, 9), "sessions")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "prices.csv"
    path.write_text(WIDE)
    return path


def source(file: Path, **fields: Any) -> FileSource:
    return FileSource(file=str(file), **{"currencies": YEN, "rates": RATES, **fields})


def panel_of(file: Path, **fields: Any) -> PricePanel:
    return source(file, **fields).panel(WINDOW, np.random.default_rng(1))


def test_yen_are_divided_by_the_yen_that_a_euro_costs_that_day(file: Path) -> None:
    panel = panel_of(file)
    assert panel.tokens == ("SONY", "SAP")
    np.testing.assert_array_equal(panel.close, [[100, 140.5], [95, 141], [100, 139]])
    assert panel.currencies == ("EUR", None)
    panel.refuse_other_currency("EUR")


def test_the_other_way_round_they_are_multiplied(tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_text("date,SONY,fx\n2024-01-04,15000,0.00625\n2024-01-05,16000,0.0078125\n")
    rates = {"JPY": {"column": "fx", "quote": "EUR per JPY"}}
    panel = source(file, rates=rates).read()
    np.testing.assert_array_equal(panel.close, [[93.75], [125]])


def test_a_tidy_file_states_the_currencies_of_its_tokens(tmp_path: Path) -> None:
    currencies = {"SONY": "JPY", "SAP": "EUR", "EURJPY": "JPY"}
    wide = pd.DataFrame([line.split(",") for line in WIDE.splitlines()[1:]])
    wide.columns = pd.Index(WIDE.splitlines()[0].split(","))
    tidy = wide.melt("date", var_name="token", value_name="close")
    tidy["currency"] = tidy["token"].map(currencies)
    tidy.to_csv(tmp_path / "tidy.csv", index=False)
    panel = panel_of(tmp_path / "tidy.csv", currencies={}).select(["SONY", "SAP"])
    np.testing.assert_array_equal(panel.close, [[100, 140.5], [95, 141], [100, 139]])
    assert panel.currencies == ("EUR", "EUR")
    plain = panel_of(tmp_path / "tidy.csv", currencies={}, rates={}, tokens=["SAP", "SONY"])
    with pytest.raises(InputError, match=r"prices of SONY in .*tidy.csv are in JPY, not in EUR"):
        plain.refuse_other_currency("EUR")
    plain.select(["SAP"]).refuse_other_currency("EUR")


def test_converted_prices_are_rounded_to_money_as_all_are(tmp_path: Path) -> None:
    """To whole euros here, halves to the even one; nothing is rounded to zero."""
    file = tmp_path / "p.csv"
    file.write_text("date,SONY,EURJPY\n2024-01-04,15075,150\n2024-01-05,15225,150\n")
    assert source(file).read().in_units(1).tolist() == [[100], [102]]
    file.write_text("date,SONY,EURJPY\n2024-01-04,60,150\n2024-01-05,15225,150\n")
    with pytest.raises(InputError, match=r"SONY on 2024-01-04: price 0\.4 cannot be expressed"):
        source(file).read().in_units(1)


def test_a_close_takes_the_rate_of_its_own_row_in_every_calendar(file: Path) -> None:
    """On Saturday that is Friday's close at Friday's rate, or with `paper` Monday's at Monday's."""
    panel = source(file).read()
    for calendar, closes in (("causal", [100, 95, 95, 95, 100]), ("paper", [100, 95, *[100] * 3])):
        window = on_calendar(panel, WINDOW.start, WINDOW.end, calendar)  # type: ignore[arg-type]
        assert window.close[:, 0].tolist() == closes
    file.write_text(WIDE.replace(",160", ","))
    with pytest.raises(InputError, match="row 3, column EURJPY"):
        source(file).read()


def test_a_rate_is_a_token_only_where_it_is_listed(tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_text("date,SONY,yen\n2024-01-04,15000,0.00625\n2024-01-05,16000,0.0078125\n")
    rates = {"JPY": {"column": "yen", "quote": "EUR per JPY"}}
    panel = source(file, rates=rates, tokens=["yen", "SONY"]).read(["yen", "SONY"])
    np.testing.assert_array_equal(panel.close, [[0.00625, 93.75], [0.0078125, 125]])
    assert panel.currencies == ("EUR", "EUR")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"currencies": {"SONI": "JPY"}}, "currencies.SONI: no column SONI (did you mean SONY?)"),
        ({"currencies": {}}, "rates.JPY: no column has prices in JPY; say which have"),
        ({"currencies": {**YEN, "EURJPY": "EUR"}}, "column EURJPY is in EUR, not in JPY"),
        (
            {"rates": {"JPY": {"column": "EURJPI", "quote": "JPY per EUR"}}},
            "rates.JPY: no column EURJPI (did you mean EURJPY?); there is SONY, SAP, EURJPY",
        ),
    ],
)
def test_what_does_not_fit_the_file_is_refused(
    file: Path, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        panel_of(file, **fields)
    assert str(caught.value).startswith(f"{file}: ")


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ({"JPY": {"column": "EURJPY", "quote": "EUR per JPY"}}, "that is JPY per EUR"),
        ({"JPY": {"column": "fx", "quote": "JPY/EUR"}}, "pattern"),
        ({"JPY": {"column": "fx"}}, "quote"),
        ({"JPY": {"column": "fx", "quote": "JPY per JPY"}}, "one currency twice"),
        ({"JPY": {"column": "fx", "quote": "USD per EUR"}}, '"USD per EUR" is no rate of JPY'),
        (
            {**RATES, "EUR": {"column": "fx", "quote": "USD per EUR"}},
            "rates.EUR: converts to USD, rates.JPY to EUR; all must convert to money.currency",
        ),
    ],
)
def test_a_rate_whose_direction_is_wrong_or_unsaid_is_refused(
    file: Path, rates: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        source(file, rates=rates)


def test_a_price_that_is_no_number_at_its_rate_is_refused(file: Path) -> None:
    file.write_text(WIDE.replace("15200,141,160", "1e-300,141,1e300"))
    with pytest.raises(InputError, match="SONY on 2024-01-05: price 1e-300 cannot be converted"):
        panel_of(file)


def test_a_rate_that_the_file_states_in_the_other_currency_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "tidy.csv"
    rows = [f"2024-01-0{day},{token}" for day in (4, 5) for token in ("SONY,9,JPY", "fx,3,EUR")]
    file.write_text("\n".join(["date,token,close,currency", *rows]))
    rates = {"JPY": {"column": "fx", "quote": "JPY per EUR"}}
    with pytest.raises(InputError, match=r"rates\.JPY\.quote: column fx is in EUR, not in JPY"):
        source(file, currencies={}, rates=rates).read()


def many_days(folder: Path) -> Path:
    draws = np.random.default_rng(3).normal(0, 0.02, (80, 3)).cumsum(axis=0)
    close = np.exp(draws) * [15000, 140, 150]
    days = pd.bdate_range("2023-01-02", periods=80, name="date")
    path = folder / "many.csv"
    pd.DataFrame(close, days, columns=["SONY", "SAP", "EURJPY"]).to_csv(path)
    return path


def test_a_bootstrap_draws_days_of_the_converted_history(tmp_path: Path) -> None:
    """Stocks and rate of a day stay together: a return in euros is that in yen less the yen's."""
    file = many_days(tmp_path)
    plain = History(file=str(file))
    history = History(file=str(file), currencies=YEN, rates=RATES)
    names = ("SONY", "SAP")
    yen, rate = log_returns_of(plain.panel((*names, "EURJPY")))[:, [0, 2]].T
    euros = log_returns_of(history.panel(names))
    np.testing.assert_allclose(euros[:, 0], yen - rate, atol=1e-14)

    drawn = BootstrapSource(tokens=names, history=history, block=5)
    known = {row.tobytes() for row in euros}
    returns = drawn.log_returns(50, 4, np.random.default_rng(1)).reshape(-1, 2)
    assert all(row.tobytes() in known for row in returns)
    # What is kept of a file for one conversion is not taken for another.
    other = BootstrapSource(tokens=names, history=plain, block=5)
    assert (other.recorded().close[:, 0] > 1000).all()
    assert (drawn.recorded().close[:, 0] < 1000).all()
    drawn.panel(WINDOW, np.random.default_rng(1)).refuse_other_currency("EUR")


@pytest.mark.parametrize("kind", [BootstrapSource, ReplaySource, GarchSource])
def test_a_history_in_another_currency_is_refused_unless_it_stands_for_other_tokens(
    tmp_path: Path, kind: Any
) -> None:
    if kind is GarchSource:
        pytest.importorskip("arch")
    table = {"file": str(many_days(tmp_path)), "currencies": {"SONY": "JPY"}}
    block = {"block": 5} if kind is BootstrapSource else {}
    yen = kind(tokens=("SONY",), initial=100, history=History(**table), **block)
    with pytest.raises(InputError, match=r"prices of SONY in .* are in JPY, not in EUR"):
        yen.panel(WINDOW, np.random.default_rng(1)).refuse_other_currency("EUR")
    history = History(**table, columns=("SONY",))
    stand_in = kind(tokens=("NEW",), initial=100, history=history, **block)
    stand_in.panel(WINDOW, np.random.default_rng(1)).refuse_other_currency("EUR")


PRICES = st.floats(1e-3, 1e6)


def panel(close: Array) -> PricePanel:
    days = pd.bdate_range("2024-01-01", periods=len(close))
    return PricePanel.from_frame(pd.DataFrame(close, days, columns=["A", "B", "fx"]), "drawn")


@given(st.lists(st.tuples(PRICES, PRICES), min_size=1, max_size=5), st.booleans())
def test_a_rate_of_one_changes_not_a_byte(rows: list[tuple[float, float]], divided: bool) -> None:
    given_prices = panel(np.array([[*row, 1.0] for row in rows]))
    rate = ExchangeRate(column="fx", quote="JPY per EUR" if divided else "EUR per JPY")
    result = converted(given_prices, {"A": "JPY"}, {"JPY": rate})
    assert result.close.tobytes() == given_prices.close.tobytes()


@given(
    st.lists(st.tuples(PRICES, PRICES, PRICES), min_size=1, max_size=5),
    st.floats(0.01, 100),
)
def test_conversion_scales_and_its_two_directions_agree(
    rows: list[tuple[float, float, float]], scale: float
) -> None:
    close = np.array(rows)
    of = {"A": "JPY"}
    per_euro = {"JPY": ExchangeRate(column="fx", quote="JPY per EUR")}
    per_yen = {"JPY": ExchangeRate(column="fx", quote="EUR per JPY")}
    euros = converted(panel(close), of, per_euro).close
    np.testing.assert_allclose(euros[:, 0], close[:, 0] / close[:, 2], rtol=1e-15)
    np.testing.assert_array_equal(euros[:, 1], close[:, 1])
    inverse = np.column_stack([close[:, :2], 1 / close[:, 2]])
    np.testing.assert_allclose(converted(panel(inverse), of, per_yen).close[:, 0], euros[:, 0])
    weaker = converted(panel(close * [1, 1, scale]), of, per_euro).close
    np.testing.assert_allclose(weaker[:, 0] * scale, euros[:, 0])
