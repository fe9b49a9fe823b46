"""Prices from Yahoo, on the split basis of a day of one's choice."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from scenarios.errors import InputError
from scenarios.extras import require
from scenarios.prices.basis import basis_problem
from scenarios.prices.panel import PricePanel
from scenarios.prices.store import load_panel, save_panel
from scenarios.prices.yahoo_client import Split, TickerHistory, ask_yahoo

DIVIDEND_COLUMNS = ["date", "token", "amount", "ex_date"]

PAPER_TICKERS = {f"{code}.T": code for code in ("8306", "8604", "4901", "7013", "8031")}
"""The paper's tokens: ticker at Yahoo, and name of the column."""
PAPER_BASIS = date(2024, 3, 27)
"""The day before FUJIFILM's 3:1 split: the paper was written on this basis."""
PAPER_DAYS = (date(2008, 9, 24), date(2009, 9, 10))
"""The paper's four windows, with the sessions that the backfill of Case 4 reaches for."""


@dataclass(frozen=True)
class Fetched:
    """A panel from Yahoo, and what was done to get it.

    Attributes:
        panel: closes on the basis asked for.
        undone: for each ticker the splits whose effect was taken out of Yahoo's closes.
        details: the sidecar's content.
        dividends: a row each, with the columns of `scenarios.dividends` and `ex_date`.
    """

    panel: PricePanel
    undone: Mapping[str, tuple[Split, ...]]
    details: dict[str, Any]
    dividends: pd.DataFrame


def splits_after(splits: Sequence[Split], basis: date) -> tuple[Split, ...]:
    """The splits that closes must be freed from to be on the basis of a day."""
    return tuple(split for split in splits if split.day > basis)


def on_basis(
    close: pd.Series[float], splits: Sequence[Split], basis: date, decimals: int
) -> pd.Series[float]:
    """Closes on the split basis of a day.

    Yahoo divides every past close by each later split. Multiplying by the ratios of all splits
    dated after the basis takes that back; splits up to the basis stay in, wherever the close lies.
    """
    return (close * shares_since(splits, basis)).round(decimals)


def shares_since(splits: Sequence[Split], basis: date) -> float:
    """Shares today for one on the day of the basis: Yahoo's volumes count shares of today."""
    return math.prod(split.ratio for split in splits_after(splits, basis))


def fetch(
    tickers: Mapping[str, str] | Sequence[str],
    start: date,
    end: date,
    basis: date,
    *,
    adjust_dividends: bool = False,
    decimals: int = 2,
) -> Fetched:
    """Fetch closes from Yahoo and bring them to a split basis.

    Args:
        tickers: as Yahoo writes them; a mapping gives each the name of its column.
        start, end: first day, and the day after the last.
        basis: the day whose number of shares the prices shall refer to.
        adjust_dividends: take `Adj Close`, from which dividends have been taken out, too.
        decimals: places to round to; restated closes carry rounding noise.

    Raises:
        InputError: in one line, which ticker failed and how (`ask_yahoo`), or that the tickers
            have different currencies, different trading days at the same exchange, no day in
            common, or one name; or the extra `yahoo` is not installed.
    """
    require("yfinance", "yahoo", "fetching prices from Yahoo")
    import yfinance

    names = dict(tickers) if isinstance(tickers, Mapping) else {name: name for name in tickers}
    if not names:
        raise InputError("yahoo: no ticker given")
    named = list(names.values())
    for column in named:
        if named.count(column) > 1:
            raise InputError(f"yahoo: two tickers are named {column}; each needs its own column")
    if end <= start:
        raise InputError(f"yahoo: end {end} must lie after start {start}")
    histories = {ticker: ask_yahoo(ticker, start, end) for ticker in names}
    _refuse_gaps(histories)
    currency = _one_currency(histories)
    columns = {
        names[ticker]: on_basis(
            history.adjusted if adjust_dividends else history.close,
            history.splits,
            basis,
            decimals,
        )
        for ticker, history in histories.items()
    }
    frame = pd.concat(columns, axis=1, join="inner").sort_index()
    if frame.empty:
        raise InputError(f"yahoo: {', '.join(names)} have no trading day in common")
    panel = PricePanel.from_frame(frame, "yahoo")
    if currency is not None:
        panel = replace(panel, currencies=(currency,) * len(panel.tokens))
    volumes = {
        names[ticker]: history.volume / shares_since(history.splits, basis)
        for ticker, history in histories.items()
        if history.volume is not None
    }
    if len(volumes) == len(names):
        panel = panel.with_volume(pd.concat(volumes, axis=1).loc[frame.index].round())
    undone = {ticker: splits_after(item.splits, basis) for ticker, item in histories.items()}
    details = {
        "source": "Yahoo, through yfinance",
        "yfinance": yfinance.__version__,
        "retrieved_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "tickers": list(names),
        "start": str(start),
        "end": str(end),
        "basis": str(basis),
        "dividends": "adjusted" if adjust_dividends else "not adjusted",
        "decimals": decimals,
        "currency": currency,
        "volume": "not given" if panel.volume is None else "shares on the same basis",
        "splits_undone": {
            ticker: [{"day": str(split.day), "ratio": split.ratio} for split in splits]
            for ticker, splits in undone.items()
        },
    }
    paid = {names[ticker]: dividends_before(item, basis) for ticker, item in histories.items()}
    rows = pd.concat(paid, names=["token", None]).reset_index("token")
    return Fetched(panel, undone, details, rows[DIVIDEND_COLUMNS].reset_index(drop=True))


def dividends_before(history: TickerHistory, basis: date) -> pd.DataFrame:
    """A ticker's dividends, each on the last session before its ex-date: who holds a share at its
    end gets it.

    Yahoo divides them by later splits as it does closes. One whose ex-date is the first day is left
    out: it is paid to who held the share before.
    """
    paid = history.dividends if history.dividends is not None else history.close[:0]
    sessions = pd.DatetimeIndex(history.close.index)
    place = sessions.searchsorted(paid.index) - 1
    paid, place = paid[place >= 0], place[place >= 0]
    amount = (paid * shares_since(history.splits, basis)).round(8)
    ex_date = pd.DatetimeIndex(paid.index).date
    columns = {"date": sessions[place].date, "amount": amount.to_numpy(), "ex_date": ex_date}
    return pd.DataFrame(columns, dtype=object)


def _one_currency(histories: Mapping[str, TickerHistory]) -> str | None:
    """What all tickers are quoted in, or None if Yahoo does not say."""
    quoted = {ticker: item.currency for ticker, item in histories.items() if item.currency}
    first = next(iter(quoted), None)
    for ticker, currency in quoted.items():
        if first is not None and currency != quoted[first]:
            raise InputError(
                f"yahoo: {first} is quoted in {quoted[first]}, {ticker} in {currency}; a file has"
                " one currency, as nothing is converted: fetch them apart"
            )
    return quoted[first] if first is not None else None


def _refuse_gaps(histories: Mapping[str, TickerHistory]) -> None:
    """Refuse a ticker that lacks a day which another one of its exchange has."""
    for timezone in {history.timezone for history in histories.values()}:
        same = {name: item for name, item in histories.items() if item.timezone == timezone}
        sessions = sorted(set().union(*(item.close.index for item in same.values())))
        for ticker, history in same.items():
            missing = [day for day in sessions if day not in history.close.index]
            if missing:
                other = next(n for n, item in same.items() if missing[0] in item.close.index)
                raise InputError(
                    f"yahoo: {ticker}: partial answer, no close on {missing[0]:%Y-%m-%d}, which"
                    f" {other} has ({len(missing)} of {len(sessions)} days); try again later"
                )


def paper_file() -> Path:
    """Where the paper's prices are kept for the next time: the user's cache directory."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("collateral-abm")) / "paper_prices.csv"


def paper_prices() -> PricePanel:
    """The paper's five tokens in whole yen, on the split basis of early 2024.

    Fetched from Yahoo once and then kept in the user's cache directory. Prices that do not
    reproduce the paper's Table 2 are refused and not kept.

    Raises:
        InputError: Yahoo cannot be asked, or its prices contradict Table 2.
    """
    path = paper_file()
    kept = load_panel(path)
    if kept is not None:
        return kept
    fetched = fetch(PAPER_TICKERS, *PAPER_DAYS, PAPER_BASIS, decimals=0)
    problem = basis_problem(fetched.panel)
    if problem is not None:
        raise InputError(problem)
    # A cache that cannot be written costs the next run a download, not this one its prices.
    with suppress(InputError):
        save_panel(fetched.panel, path, fetched.details)
    return fetched.panel
