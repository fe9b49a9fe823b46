"""The days on which generated prices exist."""

from __future__ import annotations

import warnings
from functools import lru_cache

import pandas as pd

from scenarios.errors import InputError
from scenarios.prices.source import Window

WEEKDAYS = "weekdays"
"""Monday to Friday without holidays: the calendar that needs no extra package."""


@lru_cache(maxsize=64)
def trading_days(window: Window, exchange: str = WEEKDAYS) -> pd.DatetimeIndex:
    """The sessions that cover a window.

    They run from the first session on or after `window.start` to the first one on or after the
    window's last day, which the `paper` calendar needs when that day has no trading.

    Args:
        window: the days of the simulation.
        exchange: `weekdays`, or the code of an exchange such as XTKS (Tokyo) or XNYS (New York),
            whose sessions then come from the package exchange_calendars.

    Raises:
        InputError: the window is empty, the exchange unknown, or its calendar does not reach.
    """
    first, last = pd.Timestamp(window.start), pd.Timestamp(window.end) - pd.Timedelta(days=1)
    if last < first:
        raise InputError(f"window.end: {window.end} must lie after window.start ({window.start})")
    reach = last + pd.Timedelta(days=14)
    if exchange == WEEKDAYS:
        sessions = pd.bdate_range(first, reach)
    else:
        sessions = _exchange_sessions(exchange, first, reach)
    return pd.DatetimeIndex(sessions[: sessions.searchsorted(last, side="left") + 1])


def _exchange_sessions(exchange: str, first: pd.Timestamp, last: pd.Timestamp) -> pd.DatetimeIndex:
    """Sessions from the package, asked for with explicit bounds: its default window moves."""
    import exchange_calendars

    try:
        with warnings.catch_warnings():
            # The package uses what pandas 3 announces to change; nothing a user could act on.
            warnings.simplefilter("ignore", DeprecationWarning)
            calendar = exchange_calendars.get_calendar(exchange, start=first, end=last)
    except exchange_calendars.errors.InvalidCalendarName as error:
        raise InputError(
            f"prices.exchange: no exchange called {exchange!r};"
            " give weekdays or a market identifier code such as XTKS or XNYS"
        ) from error
    except ValueError as error:
        raise InputError(
            f"prices.exchange: {exchange} has no calendar from {first:%Y-%m-%d}"
            f" to {last:%Y-%m-%d} ({error})"
        ) from error
    return pd.DatetimeIndex(calendar.sessions)
