"""Which days a simulation has, and which close each of them takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from scenarios.errors import InputError
from scenarios.kept import Kept, shared
from scenarios.prices.panel import PricePanel

Calendar = Literal["paper", "causal", "sessions"]
"""How days without trading are treated.

`paper`: every calendar day; one without trading takes the *next* close (looks ahead).
`causal`: every calendar day; one without trading keeps the *previous* close.
`sessions`: trading days only.
"""

LONGEST_CLOSURE = pd.Timedelta(days=14)
"""Exchanges close for 11 days at most (Tokyo, April 2019); a longer gap means missing data."""


def on_calendar(panel: PricePanel, start: date, end: date, calendar: Calendar) -> PricePanel:
    """The panel on the days of a window from `start` to the day before `end`.

    The `causal` and `sessions` windows begin on the first session on or after `start`, so that a
    loan is sized at the same close in every calendar (paper, section 2.3.1; `docs/replication.md`).

    Raises:
        InputError: the panel does not cover the window.
    """
    window = (start, end, calendar)

    def found() -> tuple[pd.DatetimeIndex, npt.NDArray[np.intp]]:
        key = (panel.dates.to_numpy().tobytes(), *window)
        return _ROWS.get(key, lambda: _days_and_rows(panel, *window))

    # Sources that are asked again mostly give the same object.
    days, rows = shared(panel.dates).get(window, found)
    volume = None if panel.volume is None else panel.volume[rows]
    return replace(panel, dates=days, close=panel.close[rows], volume=volume)


_ROWS = Kept(64)
"""Days of windows, with the row of prices that each takes, by the dates that have prices."""


def _days_and_rows(
    panel: PricePanel, start: date, end: date, calendar: Calendar
) -> tuple[pd.DatetimeIndex, npt.NDArray[np.intp]]:
    first, last = pd.Timestamp(start), pd.Timestamp(end) - pd.Timedelta(days=1)
    if last < first:
        raise InputError(f"window.end: {end} must lie after window.start ({start})")
    _check_covered(panel, first, last, looks_ahead=calendar == "paper")
    if calendar == "paper":
        days = pd.date_range(first, last)
        rows = panel.dates.searchsorted(days, side="left")
    else:
        sessions = panel.dates[(panel.dates >= first) & (panel.dates <= last)]
        if sessions.empty:
            raise InputError(
                f"{panel.origin}: no trading day from {start} to {last:%Y-%m-%d}{_span(panel)}"
            )
        days = sessions if calendar == "sessions" else pd.date_range(sessions[0], last)
        rows = panel.dates.searchsorted(days, side="right") - 1
    return pd.DatetimeIndex(days), np.asarray(rows)


def _span(panel: PricePanel) -> str:
    return f" (it has {panel.dates[0]:%Y-%m-%d} to {panel.dates[-1]:%Y-%m-%d})"


def _check_covered(
    panel: PricePanel, first: pd.Timestamp, last: pd.Timestamp, looks_ahead: bool
) -> None:
    """Refuse a window with more than an exchange closure between two prices."""
    begin = panel.dates.searchsorted(first, side="left")
    finish = panel.dates.searchsorted(last, side="left")
    window = f"window {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    if looks_ahead and finish == len(panel.dates):
        raise InputError(
            f"{panel.origin}: {window} needs a close on or after {last:%Y-%m-%d};"
            f" the last one is of {panel.dates[-1]:%Y-%m-%d}"
        )
    known = [first, *panel.dates[begin : finish + 1]]
    if known[-1] < last:
        known.append(last)
    for before, after in pairwise(known):
        if after - before > LONGEST_CLOSURE:
            raise InputError(
                f"{panel.origin}: {window} is not covered:"
                f" no close between {before:%Y-%m-%d} and {min(after, last):%Y-%m-%d}"
                f"{_span(panel)}"
            )
