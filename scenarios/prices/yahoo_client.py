"""One ticker's closes and splits from Yahoo, with failures told apart and retried."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from scenarios.errors import InputError
from scenarios.prices.calendars import LONGEST_CLOSURE

PAUSES = (2.0, 8.0, 30.0)
"""Seconds to wait before each further attempt after a failure that may pass."""


@dataclass(frozen=True)
class Split:
    """`ratio` new shares for an old one, from `day` on: 3 for a 3:1 split, 0.1 for a 1:10 one."""

    day: date
    ratio: float


@dataclass(frozen=True)
class TickerHistory:
    """What Yahoo says of a ticker, on Yahoo's current split basis.

    Attributes:
        close: closes of the days asked for, indexed by date.
        adjusted: the same, adjusted for dividends as well.
        splits: the whole split history, oldest first.
        timezone: of the exchange.
        currency: of the prices, as Yahoo writes it; None if it does not say.
        volume: shares traded on the same days; None if it lacks one.
        dividends: money for a share by ex-date, within the days asked for.
    """

    close: pd.Series[float]
    adjusted: pd.Series[float]
    splits: tuple[Split, ...]
    timezone: str
    currency: str | None
    volume: pd.Series[float] | None = None
    dividends: pd.Series[float] | None = None


def new_session() -> Any:
    """The HTTP session for yfinance; None lets it make its own. Tests put a local server here."""
    return None


def ask_yahoo(
    ticker: str, start: date, end: date, pauses: tuple[float, ...] | None = None
) -> TickerHistory:
    """Closes from `start` to the day before `end`, and every split there has been.

    Args:
        ticker: as Yahoo writes it (8306.T, AAPL).
        start, end: first day, and the day after the last.
        pauses: seconds before each further attempt; `PAUSES` by default. Without a network there
            is only one more.

    Raises:
        InputError: one line that tells an unknown ticker, an empty or partial answer, a rate
            limit and a missing network apart.
    """
    waits = list(PAUSES if pauses is None else pauses)
    session = new_session()
    while True:
        try:
            with _strict_yfinance():
                return _ask_once(ticker, start, end, session)
        except InputError:
            raise
        except Exception as error:
            problem, attempts = _explain(error, ticker, start, end)
            waits = waits[:attempts]
            if not waits:
                raise InputError(problem) from error
            time.sleep(waits.pop(0))


@contextmanager
def _strict_yfinance() -> Iterator[None]:
    """Typed errors instead of empty frames and log lines; settings restored afterwards."""
    import yfinance

    logger = logging.getLogger("yfinance")
    level, hidden = logger.level, yfinance.config.debug.hide_exceptions
    logger.setLevel(logging.CRITICAL + 1)
    yfinance.config.debug.hide_exceptions = False
    try:
        with warnings.catch_warnings():
            # yfinance 1.x uses what pandas 3 announces to change; nothing a user could act on.
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
        yfinance.config.debug.hide_exceptions = hidden


def _ask_once(ticker: str, start: date, end: date, session: Any) -> TickerHistory:
    import yfinance
    from yfinance.data import YfData

    # yfinance remembers answers by address, failures too: a further attempt would get the same.
    getattr(YfData.cache_get, "cache_clear", lambda: None)()
    source = yfinance.Ticker(ticker, session=session)
    frame = source.history(start=start, end=end, auto_adjust=False, actions=True)
    if frame.empty:
        raise InputError(f"yahoo: {ticker}: no prices from {start} to {end}; choose other dates")
    timezone, currency = str(frame.index.tz), source.history_metadata.get("currency")
    frame.index = pd.DatetimeIndex(frame.index.tz_localize(None).normalize())
    _refuse_partial(ticker, frame, start, end)
    # A request for a window carries only the splits inside it.
    splits = source.get_splits(period="max")
    history = tuple(
        Split(day.date(), float(ratio)) for day, ratio in splits.sort_index().items() if ratio > 0
    )
    volume = frame.get("Volume")
    if volume is not None and volume.isna().any():
        volume = None
    paid = frame.get("Dividends", pd.Series(0.0, frame.index))
    closes = frame["Close"], frame["Adj Close"]
    return TickerHistory(*closes, history, timezone, currency, volume, paid[paid > 0])


def _refuse_partial(ticker: str, frame: pd.DataFrame, start: date, end: date) -> None:
    missing = frame.index[frame["Close"].isna()]
    if len(missing):
        raise InputError(
            f"yahoo: {ticker}: partial answer, no close on {missing[0]:%Y-%m-%d}"
            f" ({len(missing)} of {len(frame)} days); try again later"
        )
    # Yahoo cannot have what lies ahead.
    last = min(pd.Timestamp(end), pd.Timestamp.now().normalize()) - pd.Timedelta(days=1)
    first = pd.Timestamp(start)
    if frame.index[0] - first > LONGEST_CLOSURE or last - frame.index[-1] > LONGEST_CLOSURE:
        raise InputError(
            f"yahoo: {ticker}: partial answer, {frame.index[0]:%Y-%m-%d} to"
            f" {frame.index[-1]:%Y-%m-%d} of {start} to {last:%Y-%m-%d}; choose other dates"
        )


def _explain(error: Exception, ticker: str, start: date, end: date) -> tuple[str, int]:
    """What went wrong in one line, and how many further attempts make sense."""
    from yfinance import exceptions

    # curl_cffi and requests name their errors alike, and either may be underneath.
    names = {kind.__name__ for kind in type(error).__mro__}
    many, few, none = 99, 1, 0
    if isinstance(error, exceptions.YFRateLimitError):
        return f"yahoo: {ticker}: rate limit, Yahoo refuses more requests; try again later", many
    if isinstance(error, exceptions.YFTzMissingError):
        return f"yahoo: {ticker}: unknown ticker", none
    if isinstance(error, exceptions.YFPricesMissingError):
        reason = str(getattr(error, "yahoo_reason", None) or "").lower()
        if "no data found" in reason or "not found" in reason:
            return f"yahoo: {ticker}: unknown ticker", none
        return f"yahoo: {ticker}: no prices from {start} to {end}; choose other dates", none
    if "HTTPError" in names:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status == 404:
            return f"yahoo: {ticker}: unknown ticker", none
        return f"yahoo: {ticker}: Yahoo answers with HTTP status {status}; try again later", many
    if names & {"Timeout", "TimeoutError", "ReadTimeout", "ConnectTimeout"}:
        return f"yahoo: {ticker}: Yahoo does not answer in time; try again later", many
    if names & {"DNSError", "ConnectionError", "gaierror"}:
        return "yahoo: no network (cannot reach Yahoo); use a file of prices instead", few
    kind = type(error).__name__
    if "RequestException" in names:
        return f"yahoo: {ticker}: Yahoo cannot be reached ({kind}); try again later", few
    # What remains is an answer that is no chart: a page "down for maintenance", or a new format.
    return f"yahoo: {ticker}: Yahoo's answer cannot be read ({kind}); try again later", many
