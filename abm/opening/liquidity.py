"""How sensitive prices are to sales: from volumes, volatilities and depths of the market."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from scenarios.assets import AssetColumns
from scenarios.errors import InputError
from scenarios.prices import PricePanel
from scenarios.prices.panel import volume_column
from scenarios.scenario import Scenario
from scenarios.stress import ExponentialImpact, SquareRootImpact

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

SESSIONS = 20
"""Over which realised volatility and average volume are taken."""
SESSIONS_A_YEAR = 252
STEEPEST = 1e30
"""Beyond this a single token sold takes any price to nothing."""


def looks_back(scenario: Scenario) -> bool:
    """Whether the price impact depends on returns before the window."""
    impact = scenario.close_out.impact
    return isinstance(impact, SquareRootImpact) and impact.volatility == "realised"


def sensitivity_of(
    scenario: Scenario,
    panel: PricePanel,
    earlier: PricePanel | None,
    days: pd.DatetimeIndex,
    tokens: tuple[str, ...],
    assets: AssetColumns,
) -> Floats:
    """What a token sold adds to the mark on its price (`abm.rules.price_impact.MarketImpact`).

    Args:
        scenario: with its price impact.
        panel: prices of all sessions that the source has, before the window too.
        earlier: closes before those of the source, if there are some (`PriceSource.past`).
        days: of the simulation.
        tokens: of the market, cash last.
        assets: its classes by token.

    Returns:
        `b / depth`, shape (1, tokens), or `Y² σ² / V` of each day, shape (days, tokens).

    Raises:
        InputError: the square-root law lacks the volume or the volatility of a token.
    """
    impact = scenario.close_out.impact
    if impact is None:
        return np.zeros((1, len(tokens)))
    if isinstance(impact, ExponentialImpact):
        return impact.b / _depths(impact, tokens)[None]
    rows = np.maximum(panel.dates.searchsorted(days, side="right") - 1, 0)
    if looks_back(scenario):
        variance = realised_variance(panel, earlier, assets)[rows]
    else:
        variance = _stated_variance(panel, assets)[rows]
    sensitivity = np.zeros((len(days), len(tokens)))
    volume = average_volume(panel, assets, rows)
    sensitivity[:, :-1] = np.minimum(impact.y**2 * variance / np.maximum(volume, 1e-9), STEEPEST)
    return sensitivity


def _depths(impact: ExponentialImpact, tokens: tuple[str, ...]) -> Floats:
    """Depth of each token, without end where none is given and for cash, shape (tokens,)."""
    depth = impact.depth
    of = depth if isinstance(depth, dict) else dict.fromkeys(tokens, depth)
    depths = np.array([of.get(token, math.inf) for token in tokens])
    depths[-1] = math.inf
    return depths


def _stated_variance(panel: PricePanel, assets: AssetColumns) -> Floats:
    """The square of the class's daily volatility, shape (sessions, tokens)."""
    variance = assets.volatility[:-1] ** 2 / SESSIONS_A_YEAR
    for column in np.flatnonzero(np.isnan(variance))[:1]:
        raise InputError(
            f"close_out.impact.volatility: {panel.tokens[column]} is in no class with a volatility;"
            ' give it one in [assets], or choose "realised"'
        )
    return np.tile(variance, (len(panel.dates), 1))


def realised_variance(
    panel: PricePanel, earlier: PricePanel | None, assets: AssetColumns
) -> Floats:
    """Mean square of the last `SESSIONS` log-returns up to each session, shape (sessions, tokens).

    Those of `earlier` closes go before. Of the token's class where there are fewer, if it has one;
    nothing before the first return.
    """
    close = panel.close if earlier is None else np.vstack([earlier.close, panel.close])
    squares = np.diff(np.log(close), axis=0, prepend=np.log(close[:1])) ** 2
    known = np.minimum(np.arange(len(squares)), SESSIONS)[:, None]
    totals = _trailing(squares, SESSIONS)
    realised = np.divide(totals, known, out=np.zeros_like(totals), where=known > 0)
    stated = assets.volatility[:-1] ** 2 / SESSIONS_A_YEAR
    variance = np.where((known < SESSIONS) & ~np.isnan(stated), stated, realised)
    return np.asarray(variance[len(close) - len(panel.close) :])


def average_volume(panel: PricePanel, assets: AssetColumns, rows: Rows) -> Floats:
    """Tokens traded a day: of the class, else on average over the last sessions up to each of some.

    Args:
        panel: prices, with the volumes of sessions if the source has them.
        assets: classes by token.
        rows: the sessions wanted, shape (days,).

    Returns:
        Tokens, shape (days, tokens).

    Raises:
        InputError: a token has no volume, or none of it was traded.
    """
    stated = assets.daily_volume[:-1]
    volume = np.tile(stated, (len(rows), 1))
    if panel.volume is not None:
        known = np.minimum(rows + 1, SESSIONS)[:, None]
        volume = np.where(np.isnan(stated), _trailing(panel.volume, SESSIONS)[rows] / known, volume)
    for row, column in np.argwhere(~(volume > 0))[:1]:
        token, day = panel.tokens[column], panel.dates[rows[row]]
        lacks = np.isnan(volume[row, column])
        what = "has no daily volume" if lacks else f"was not traded up to {day:%Y-%m-%d}"
        raise InputError(
            f"close_out.impact: {token} {what}; give daily_volume in a class of [assets], or prices"
            f' with a column "{volume_column(token)}"'
        )
    return volume


def with_own_volumes(assets: AssetColumns, panel: PricePanel, first: pd.Timestamp) -> AssetColumns:
    """The classes, with the volumes of the price file for tokens whose class gives none.

    They are averages over the last `SESSIONS` up to the first day of the simulation.
    """
    if panel.volume is None:
        return assets
    stop = max(int(panel.dates.searchsorted(first, side="right")), 1)
    own = panel.volume[max(stop - SESSIONS, 0) : stop].mean(axis=0)
    stated = assets.daily_volume
    filled = np.where(np.isnan(stated[:-1]), own, stated[:-1])
    return assets._replace(daily_volume=np.append(filled, stated[-1]))


def _trailing(values: Floats, number: int) -> Floats:
    """Sums of the last so many rows up to each."""
    before = np.zeros((number - 1, values.shape[1]))
    windows = np.lib.stride_tricks.sliding_window_view(np.vstack([before, values]), number, axis=0)
    return np.asarray(windows.sum(axis=-1))
