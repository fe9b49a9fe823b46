"""What a market knows of prices before its first day, and which of its days are sessions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from scenarios.prices.panel import PricePanel


class Past(NamedTuple):
    """Closes before the window, and the sessions in it."""

    closes: npt.NDArray[np.float64]
    """In money, shape (sessions before the window, tokens)."""
    dates: npt.NDArray[np.datetime64]
    """Of the closes, ascending."""
    days: npt.NDArray[np.datetime64]
    """Of the window."""
    sessions: npt.NDArray[np.bool_]
    """Whether each of these has a close of its own, shape (days,)."""


def past_of(source: PricePanel, days: pd.DatetimeIndex, earlier: PricePanel | None) -> Past:
    """The past of a market.

    Args:
        source: all closes that its source of prices gave.
        days: of the window.
        earlier: closes before those of the source, if there are some.
    """
    before = source.dates < days[0]
    closes, dates = source.close[before], _dates(source.dates[before])
    if earlier is not None:
        closes = np.vstack([earlier.close, closes])
        dates = np.concatenate([_dates(earlier.dates), dates])
    return Past(closes, dates, _dates(days), days.isin(source.dates))


def _dates(days: pd.DatetimeIndex) -> npt.NDArray[np.datetime64]:
    return days.to_numpy().astype("datetime64[D]")
