"""Statistics over the days: lines with bands, and the gap against its trigger."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import (
    ACCENT,
    BAND,
    FAINT,
    INK,
    LOOKS,
    MANY,
    MUTED,
    canvas,
    finish,
    legend,
    note,
)
from analysis.labels import Scale, level_label, metric_label


def series_with_bands(
    bands: pd.DataFrame,
    column: str,
    series: str | None = None,
    scale: Scale | None = None,
    outer: tuple[str, str] = ("p5", "p95"),
    inner: tuple[str, str] | None = ("p25", "p75"),
) -> Figure:
    """A statistic day by day: mean over replications within its band.

    One series shows both bands; several show the outer one, tinted, while they can be told apart;
    more than eight show their means as thin lines, with the middle and the ends of them in ink.

    Args:
        bands: as `analysis.series.daily_bands` gives it.
        column: name of the statistic, for the label.
        series: column that tells series apart.
        scale: unit of the statistic.
        outer: columns of the outer band.
        inner: columns of the inner band.
    """
    scale = scale or Scale(1.0, "")
    figure, grid = canvas(8.4, 3.6)
    axes = grid[0, 0]
    lines: list[tuple[Any, pd.DataFrame]] = [(None, bands)]
    if series is not None:
        lines = list(bands.groupby(series, sort=False))
    few = len(lines) <= MANY
    for number, (level, rows) in enumerate(lines):
        day = rows["day"].to_numpy()
        mean = rows["mean"].to_numpy(np.float64) / scale.divisor
        if not few:
            axes.plot(day, mean, color=FAINT, linewidth=0.5, alpha=0.6, zorder=1)
            continue
        look = LOOKS[number]
        if rows["runs"].max() > 1:
            strength = 0.14 if len(lines) <= 3 else 0.07
            for low, high in [outer, inner] if len(lines) == 1 and inner else [outer]:
                axes.fill_between(
                    day,
                    rows[low] / scale.divisor,
                    rows[high] / scale.divisor,
                    color=look.color,
                    alpha=strength,
                    linewidth=0,
                )
        label = "" if level is None or series is None else level_label(series, level)
        axes.plot(day, mean, color=look.color, linestyle=look.dashes, linewidth=1.5, label=label)
    if not few:
        _many(axes, bands, scale)
    finish(axes, metric_label(column, daily=True), "day", scale.unit)
    axes.margins(x=0.01)
    if not bands["mean"].any():
        axes.set_ylim(0, 1)
    if few and len(lines) > 1:
        legend(figure, axes)
    elif not few:
        legend(figure, axes)
        note(axes, f"{len(lines)} designs, a thin line each")
    return figure


def _many(axes: Axes, bands: pd.DataFrame, scale: Scale) -> None:
    _spread(axes, bands.assign(mean=bands["mean"] / scale.divisor), "mean", "designs")


def _spread(axes: Axes, frame: pd.DataFrame, column: str, what: str) -> None:
    """Median, 5 % and 95 % of many series, day by day."""
    daily = frame.groupby("day")[column]
    middle = daily.median()
    axes.plot(middle.index, middle, color=INK, linewidth=1.7, label=f"median of the {what}")
    for level, label in ((0.05, f"5 % and 95 % of the {what}"), (0.95, "")):
        end = daily.quantile(level)
        axes.plot(end.index, end, color=INK, linewidth=1.0, linestyle=(0, (4, 2)), label=label)


def gap_over_time(
    days: pd.DataFrame, trigger: float | None = None, series: str | None = None
) -> Figure:
    """The gap as a percentage of what is lent, day by day, against the trigger band.

    One path shows the days of its calls; up to eight are told apart; more are thin lines, their
    median and their 5 % and 95 % in ink.

    Args:
        days: table `days` with `day`, `gap`, `exposure` and the keys; of one path a run.
        trigger: margin call threshold β; no band if not given or 0.
        series: column that tells paths apart; the keys if not given.
    """
    figure, grid = canvas(8.4, 3.6)
    axes = grid[0, 0]
    table = days.assign(percent=100 * days["gap"] / days["exposure"].where(days["exposure"] > 0))
    keys = [name for name in ("scenario_id", "replication_id") if name in days]
    grouping = [series] if series else keys
    paths: list[tuple[Any, pd.DataFrame]] = [((), table)]
    if grouping:
        paths = list(table.groupby(grouping, sort=False))
    if trigger:
        axes.axhspan(-100 * trigger, 100 * trigger, color=BAND, alpha=0.55, linewidth=0, zorder=0)
        for side in (-trigger, trigger):
            axes.axhline(100 * side, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        axes.annotate(
            f"calls outside ±{100 * trigger:g} %",
            (1, 100 * trigger),
            (-4, 3),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            fontsize=8,
            color=MUTED,
            bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1},
            zorder=5,
        )
    axes.axhline(0, color=MUTED, linewidth=0.7, zorder=1)
    if len(paths) > MANY or (len(paths) > 1 and series is None):
        for _, path in paths[:500]:
            axes.plot(path["day"], path["percent"], color=FAINT, linewidth=0.5, alpha=0.55)
        _spread(axes, table, "percent", "paths")
        shown = f"500 of {len(paths)} paths" if len(paths) > 500 else f"{len(paths)} paths"
        note(axes, f"{shown}, a thin line each")
    else:
        for number, (key, path) in enumerate(paths):
            look = LOOKS[number]
            label = level_label(series, key[0]) if series else ""
            axes.plot(
                path["day"],
                path["percent"],
                color=look.color,
                linestyle=look.dashes,
                linewidth=1.3,
                label=label,
            )
        calls = paths[0][1]
        calls = calls[calls["margin_calls"] > 0] if "margin_calls" in calls else calls[:0]
        # A mark on every day says nothing.
        if len(paths) == 1 and 0 < len(calls) < 0.7 * len(paths[0][1]):
            axes.plot(
                calls["day"],
                calls["percent"],
                "o",
                color=ACCENT,
                markersize=4,
                label="day of calls",
            )
    finish(axes, "Gap after the day's calls", "day", "% of what is lent\n(below 0: lenders short)")
    axes.margins(x=0.01)
    legend(figure, axes)
    return figure
