"""Price files: every form that is read, and every way they can be wrong."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.errors import InputError
from scenarios.prices.files import read_prices

WIDE = "date,8306,8604\n2009-07-01,602,810\n2009-07-02,590,805\n2009-07-03,587.5,790\n"
CLOSE = np.array([[602, 810], [590, 805], [587.5, 790]])


def written(folder: Path, text: str, name: str = "prices.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def frame() -> pd.DataFrame:
    days = pd.to_datetime(["2009-07-01", "2009-07-02", "2009-07-03"])
    return pd.DataFrame(CLOSE, index=days.rename("date"), columns=["8306", "8604"])


def forms(folder: Path) -> dict[str, Path]:
    """The same prices in every form that is read."""
    tidy = frame().reset_index().melt("date", var_name="token", value_name="close")
    wide, indexed, long = (folder / f"{name}.parquet" for name in ("wide", "indexed", "long"))
    frame().reset_index().to_parquet(wide)
    frame().to_parquet(indexed)
    tidy.to_parquet(long)
    shuffled = folder / "tidy.csv"
    tidy.sample(frac=1, random_state=1).to_csv(shuffled, index=False)
    return {
        "wide csv": written(folder, WIDE),
        "byte-order mark": written(folder, "\ufeff" + WIDE, "bom.csv"),
        "windows line ends": written(folder, WIDE.replace("\n", "\r\n"), "crlf.csv"),
        "blank line at the end": written(folder, WIDE + "\n\n", "blank.csv"),
        "time of day": written(folder, WIDE.replace("-01,", "-01T15:00:00+09:00,"), "t.csv"),
        "tidy csv": shuffled,
        "wide parquet": wide,
        "parquet with a date index": indexed,
        "tidy parquet": long,
    }


@pytest.mark.parametrize(
    "form",
    [
        "wide csv",
        "byte-order mark",
        "windows line ends",
        "blank line at the end",
        "time of day",
        "tidy csv",
        "wide parquet",
        "parquet with a date index",
        "tidy parquet",
    ],
)
def test_all_forms_give_the_same_panel(tmp_path: Path, form: str) -> None:
    panel = read_prices(forms(tmp_path)[form])
    assert panel.tokens == ("8306", "8604")
    np.testing.assert_array_equal(panel.close, CLOSE)
    np.testing.assert_array_equal(panel.dates, frame().index)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty file; expected a header"),
        ("date,8306\n", "no rows; expected one a day"),
        ("day,8306\n2009-07-01,602\n", "no column date; found day, 8306"),
        ("date\n2009-07-01\n", "no prices in it; expected a row a day, a column a token"),
        ("date,8306\n2009-07-01,abc\n", "row 2, column 8306: 'abc' is not a number"),
        ("date,8306\n2009-07-01,\n", "row 2, column 8306: empty; expected a positive price"),
        ("date,8306\n2009-07-01,nan\n", "row 2, column 8306: 'nan' is not a number"),
        ("date,8306\n2009-07-01,inf\n", "row 2, column 8306: price inf must be a positive finite"),
        ("date,8306\n2009-07-01,0\n", "row 2, column 8306: price 0 must be a positive finite"),
        ("date,8306\n2009-07-01,1\n2009-07-02,-5\n", "row 3, column 8306: price -5 must be"),
        ("date,8306\n2009-07-01,1\n2009-07-01,2\n", "row 3, column date: 2009-07-01 appears twice"),
        (
            "date,8306\n2009-07-02,1\n2009-07-01,2\n",
            "row 3, column date: 2009-07-01 is earlier than the row before",
        ),
        ("date,8306\n01/07/2009,1\n", "row 2, column date: '01/07/2009' is not a date"),
        ("date,8306\n2009-07,1\n", "row 2, column date: '2009-07' is not a date"),
        ("date,8306\n2009-02-30,1\n", "row 2, column date: '2009-02-30' is not a date"),
        ("date,8306\n2009-07-01,1\n\n2009-07-02,2\n", "row 3, column date: '' is not a date"),
        ("date,8306,8306\n2009-07-01,1,2\n", "column 8306 appears twice"),
        ("date,8306\n2009-07-01,1,2\n", "not a readable CSV file"),
        (
            "date,token,close\n2009-07-01,8306,1\n2009-07-01,8306,2\n",
            "row 3: 8306 on 2009-07-01 appears twice",
        ),
        (
            # 8604 has no close on the second day.
            "date,token,close\n2009-07-01,8306,1\n2009-07-01,8604,1\n2009-07-02,8306,1\n",
            "row 2009-07-02, column 8604: price nan must be a positive finite number",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_prices(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_tidy_file_can_say_its_currency(tmp_path: Path) -> None:
    rows = "date,token,close,currency\n2020-01-01,A,1.5,EUR\n2020-01-01,B,2,{}\n"
    panel = read_prices(written(tmp_path, rows.format("EUR")))
    assert (panel.tokens, panel.currencies) == (("A", "B"), ("EUR", "EUR"))
    assert panel.select(["B"]).currencies == ("EUR",)
    assert read_prices(written(tmp_path, rows.format("JPY"))).currencies == ("EUR", "JPY")
    assert read_prices(written(tmp_path, rows.format(""))).currencies == ("EUR", None)
    again = rows.format("EUR") + "2020-01-02,A,1.5,JPY\n2020-01-02,B,2,EUR\n"
    with pytest.raises(
        InputError, match=r"row 4, column currency: 'JPY' after 'EUR'; .* of A must"
    ):
        read_prices(written(tmp_path, again))


def test_a_file_without_a_word_about_it_has_no_currency(tmp_path: Path) -> None:
    path = written(tmp_path, "date,A\n2020-01-01,1.5\n")
    assert read_prices(path).currencies == ()
    for text, currency in (('{"currency": "CHF"}', "CHF"), ("[1]", None), ("{", None)):
        (tmp_path / "prices.csv.json").write_text(text)
        assert read_prices(path).currencies == ((currency,) if currency else ())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.csv: no such file"):
        read_prices(tmp_path / "nothing.csv")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_prices(tmp_path)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes(b"date,8306\n2009-07-01,\xff\xfe\n")
    with pytest.raises(InputError, match="not a readable CSV file"):
        read_prices(path)


def test_a_parquet_file_that_is_none(tmp_path: Path) -> None:
    path = written(tmp_path, WIDE, "prices.parquet")
    with pytest.raises(InputError, match="not a readable Parquet file"):
        read_prices(path)


@pytest.mark.parametrize("missing", ["date", "8306"])
def test_a_hole_in_parquet(tmp_path: Path, missing: str) -> None:
    table = frame().reset_index()
    table.loc[1, missing] = None
    path = tmp_path / "prices.parquet"
    table.to_parquet(path)
    with pytest.raises(InputError, match=f"row 2, column {missing}: "):
        read_prices(path)


def test_a_nullable_hole_in_parquet(tmp_path: Path) -> None:
    table = frame().reset_index().astype({"8306": "Float64"})
    table.loc[1, "8306"] = pd.NA
    path = tmp_path / "prices.parquet"
    table.to_parquet(path)
    with pytest.raises(InputError, match="row 2, column 8306: empty"):
        read_prices(path)


@given(
    st.lists(
        st.lists(st.floats(0.01, 1e6).map(lambda price: round(price, 2)), min_size=2, max_size=2),
        min_size=1,
        max_size=20,
    )
)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[float]]
) -> None:
    days = pd.bdate_range("2009-07-01", periods=len(rows)).rename("date")
    table = pd.DataFrame(rows, index=days, columns=["A", "B"])
    path = tmp_path_factory.mktemp("written") / "prices.csv"
    table.to_csv(path)
    panel = read_prices(path)
    pd.testing.assert_frame_equal(panel.frame, table, check_freq=False, check_index_type=False)


@pytest.mark.parametrize("form", ["wide.csv", "tidy.csv", "wide.parquet"])
def test_volumes_come_along(tmp_path: Path, form: str) -> None:
    days = pd.bdate_range("2009-07-01", periods=3).rename("date")
    wide = pd.DataFrame(
        {"A": [1.0, 2.0, 3.0], "B volume": [0, 5, 6], "B": [4.0, 5.0, 6.0], "A volume": [7, 8, 9]},
        index=days,
    )
    path = tmp_path / form
    if form == "tidy.csv":
        parts = [
            pd.DataFrame({"token": token, "close": wide[token], "volume": wide[f"{token} volume"]})
            for token in ("A", "B")
        ]
        pd.concat(parts).sort_values(["date", "token"]).to_csv(path)
    elif form == "wide.csv":
        wide.to_csv(path)
    else:
        wide.to_parquet(path)
    panel = read_prices(path)
    assert panel.tokens == ("A", "B")
    assert panel.volume is not None
    assert panel.volume.tolist() == [[7, 0], [8, 5], [9, 6]]
    chosen = panel.select(["B"]).volume
    assert chosen is not None
    assert chosen[:, 0].tolist() == [0, 5, 6]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "date,A,B,A volume\n2024-01-01,1,2,3\n",
            "no column B volume, while A has one; give volumes of all tokens or of none",
        ),
        ("date,A,A volume\n2024-01-01,1,-3\n", "row 2, column A volume: volume -3 must be zero or"),
        ("date,A,A volume\n2024-01-01,1,\n", "row 2, column A volume: empty; expected a positive"),
        ("date,token,close,volume\n2024-01-01,A,1,inf\n", "column A volume: volume inf must be"),
    ],
)
def test_a_wrong_volume_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        read_prices(written(tmp_path, text))


def test_the_bundled_volumes_are_shares_of_the_day() -> None:
    """On 10 October 2008, at the height of the crash, 79 million shares of Apple were traded."""
    from scenarios.prices import FileSource

    panel = FileSource(file="bundled:us_stocks_2007_2010").read()
    assert panel.volume is not None
    row = panel.dates.get_loc("2008-10-10")
    assert panel.volume[row].tolist() == [79_260_700, 21_174_400, 24_637_400, 228_467_500]
    assert (panel.volume > 1e6).all()


def test_a_file_that_has_changed_is_read_again(tmp_path: Path) -> None:
    from scenarios.prices import FileSource

    source = FileSource(file=str(written(tmp_path, "date,A\n2024-01-01,1\n")))
    assert source.read().close[0, 0] == 1
    written(tmp_path, "date,A\n2024-01-01,22\n")
    assert source.read().close[0, 0] == 22


def test_the_bundled_file_is_read() -> None:
    from scenarios.prices import FileSource

    panel = FileSource(file="bundled:us_stocks_2007_2010").read()
    assert panel.tokens == ("AAPL", "GOOG", "IBM", "MSFT")
    assert len(panel.dates) > 1000
