"""Price panels from CSV and Parquet files, wide (a column a token) or tidy (date, token, close)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from scenarios.errors import InputError
from scenarios.kept import Kept, content_of
from scenarios.prices.panel import PricePanel, volume_column

TIDY = {"date", "token", "close"}
CURRENCY = "currency"
"""A further column of a tidy file, and a key of the record beside a file (`sidecar_of`)."""
VOLUME = "volume"
"""A further column of a tidy file."""

RECORD = ".json"
"""What the name of the record beside a file has beyond the file's."""

_PANELS = Kept(32)
"""Files that were read, by what they hold."""


def read_prices(path: str | Path) -> PricePanel:
    """Read and check a price file.

    The file has a `date` column (or a date index, in Parquet) and a column of closing prices for
    each token, and may have a column `TOKEN volume` of what was traded, for all tokens or none; or,
    tidy, the three columns `date`, `token` and `close`, and perhaps a column `volume`. What the
    prices are in may be said by a further column `currency` of a tidy file, or by the record that
    `collateral prices` writes beside a file. A process reads a file once, until it changes.

    Raises:
        InputError: naming file, row and column of the first thing that is wrong. Rows of a CSV are
            counted as an editor counts lines, the header being line 1.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    panel = _PANELS.get(content_with_record(str(path)), lambda: _read_and_check(path))
    # A copy: what is kept must stay as the file has it.
    volume = None if panel.volume is None else panel.volume.copy()
    return replace(panel, close=panel.close.copy(), volume=volume)


def _read_and_check(path: Path) -> PricePanel:
    raw, rows = _read_table(path)
    for position, name in enumerate(raw.columns):
        if name in raw.columns[:position]:
            raise InputError(f"{path}: column {name} appears twice")
    if "date" not in raw.columns:
        found = ", ".join(map(str, raw.columns)) or "nothing"
        raise InputError(f"{path}: no column date; found {found}")
    if raw.empty:
        raise InputError(f"{path}: no rows; expected one a day")
    raw["date"] = _dates(path, raw["date"], rows)
    currency, stated = _recorded_currency(path), {}
    tidy = set(raw.columns) - {CURRENCY, VOLUME} == TIDY
    if tidy and CURRENCY in raw.columns:
        stated = _stated_currencies(path, raw["token"], raw.pop(CURRENCY), rows)
    panel = (_tidy if tidy else _wide)(path, raw, rows)
    currencies = tuple(stated.get(token, currency) for token in panel.tokens)
    return replace(panel, currencies=currencies if any(currencies) else ())


def _tidy(path: Path, raw: pd.DataFrame, rows: list[int]) -> PricePanel:
    """The panel of a file with a row for each day and token."""
    values = [name for name in ("close", VOLUME) if name in raw.columns]
    for name in values:
        raw[name] = _numbers(path, name, raw[name], rows)
    twice = raw.duplicated(["date", "token"])
    if twice.any():
        row = int(np.flatnonzero(twice)[0])
        raise InputError(
            f"{path}: row {rows[row]}: {raw['token'].iloc[row]} on"
            f" {raw['date'].iloc[row]:%Y-%m-%d} appears twice"
        )
    frames = [
        raw.pivot_table(index="date", columns="token", values=name, dropna=False) for name in values
    ]
    panel = PricePanel.from_frame(frames[0], str(path))
    return panel.with_volume(frames[1]) if len(frames) > 1 else panel


def _wide(path: Path, raw: pd.DataFrame, rows: list[int]) -> PricePanel:
    """The panel of a file with a column for each token."""
    columns = [column for column in raw.columns if column != "date"]
    of = {volume_column(token): token for token in columns}
    volumes = [column for column in columns if column in of]
    tokens = [column for column in columns if column not in of]
    for column in columns:
        raw[column] = _numbers(path, column, raw[column], rows)
    panel = PricePanel.from_frame(raw.set_index("date")[tokens], str(path), rows)
    if not volumes:
        return panel
    for token in tokens:
        if volume_column(token) not in volumes:
            raise InputError(
                f"{path}: no column {volume_column(token)}, while {of[volumes[0]]} has one;"
                " give volumes of all tokens or of none"
            )
    return panel.with_volume(raw[volumes].rename(columns=of), rows)


def content_with_record(path: str) -> tuple[str | None, ...]:
    """A name for the prices in a file and what is recorded of them, which others do not have."""
    return path, content_of(path), content_of(path + RECORD)


def sidecar_of(path: Path) -> Path:
    """The record that goes with a price file: `prices.csv.json` beside `prices.csv`."""
    return path.with_name(path.name + RECORD)


def _recorded_currency(path: Path) -> str | None:
    """What the record beside a file says, if there is one and it says so."""
    try:
        currency = json.loads(sidecar_of(path).read_text(encoding="utf-8")).get(CURRENCY)
    except (OSError, ValueError, AttributeError):
        return None
    return currency if isinstance(currency, str) else None


def _stated_currencies(
    path: Path, tokens: pd.Series, cells: pd.Series, rows: list[int]
) -> dict[str, str | None]:
    """The currency of each token, None where its cells are empty."""
    cells = cells.fillna("").astype(str).str.strip()
    first = cells.groupby(tokens).transform("first")
    for row in np.flatnonzero((cells != first).to_numpy())[:1]:
        raise InputError(
            f"{path}: row {rows[row]}, column currency: {cells.iloc[row]!r} after"
            f" {first.iloc[row]!r}; all prices of {tokens.iloc[row]} must be in one currency"
        )
    return {str(token): its or None for token, its in zip(tokens, cells, strict=True)}


def _read_table(path: Path) -> tuple[pd.DataFrame, list[int]]:
    """The file's cells and what to call its rows."""
    if path.suffix == ".parquet":
        try:
            table = pd.read_parquet(path)
        except (ValueError, OSError) as error:
            raise InputError(f"{path}: not a readable Parquet file ({error})") from error
        if "date" not in table.columns and table.index.name == "date":
            table = table.reset_index()
        return table, list(range(1, len(table) + 1))
    try:
        # Blank lines are kept so that row numbers are those that an editor shows; the header is
        # a row like the others so that pandas cannot rename a column that appears twice.
        cells = pd.read_csv(
            path,
            header=None,
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
            encoding="utf-8-sig",
        )
    except pd.errors.EmptyDataError as error:
        raise InputError(f"{path}: empty file; expected a header and a row a day") from error
    except (ValueError, OSError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise InputError(f"{path}: not a readable CSV file ({reason})") from error
    table = cells.iloc[1:].set_axis([str(name).strip() for name in cells.iloc[0]], axis=1)
    filled = np.flatnonzero((table.fillna("") != "").any(axis=1))
    # A blank line at the end is a habit of editors; one in the middle is a hole.
    table = table.iloc[: filled[-1] + 1 if len(filled) else 0].reset_index(drop=True)
    return table, list(range(2, len(table) + 2))


def _dates(path: Path, cells: pd.Series, rows: list[int]) -> pd.Series:
    """The date column, each cell of which must be an ISO date; a time of day is dropped."""
    if pd.api.types.is_datetime64_any_dtype(cells):
        dates: pd.Series = cells.dt.tz_localize(None)
    else:
        text = cells.astype(str)
        days = text.where(text.str.match(r"\d{4}-\d\d-\d\d($|[ T])")).str[:10]
        dates = pd.to_datetime(days, format="%Y-%m-%d", errors="coerce")
    bad = dates.isna()
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"{path}: row {rows[row]}, column date: {str(cells.iloc[row])!r} is not a date"
            " (YYYY-MM-DD)"
        )
    return dates


def _numbers(path: Path, column: str, cells: pd.Series, rows: list[int]) -> pd.Series:
    """A price column, each cell of which must be a number."""
    numbers = pd.to_numeric(cells, errors="coerce")
    bad = numbers.isna()
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        cell = cells.iloc[row]
        problem = "empty" if pd.isna(cell) or cell == "" else f"{cell!r} is not a number"
        raise InputError(
            f"{path}: row {rows[row]}, column {column}: {problem}; expected a positive"
            f" {'number' if column.endswith(VOLUME) else 'price'}"
        )
    return numbers.astype(np.float64)
