"""How exposures and losses are distributed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.distributions import exceedance
from analysis.figures.style import (
    FAINT,
    INK,
    LOOKS,
    MANY,
    MUTED,
    Look,
    canvas,
    finish,
    legend,
)
from analysis.labels import Scale, level_label, metric_label

ROWS = 30
"""More series than this are ranked curves of quantiles instead of a row each."""


def distribution_figure(
    frame: pd.DataFrame,
    column: str,
    series: str | None = None,
    scale: Scale | None = None,
    daily: bool = False,
) -> Figure:
    """A distribution: how often each size is exceeded, and its quantiles.

    Up to eight series are curves of exceedance beside rows of quantiles; up to thirty are rows
    alone; more are ranked by their median, with the range of each as a band.

    Args:
        frame: one row an outcome (a run, or a day of a run).
        column: what is distributed.
        series: column that tells distributions apart.
        scale: unit.
        daily: whether an outcome is a day.
    """
    scale = scale or Scale(1.0, "")
    values = frame.assign(value=frame[column] / scale.divisor)
    values = values[np.isfinite(values["value"])]
    levels = [None] if series is None else sorted(values[series].dropna().unique())
    data = [
        (values if level is None else values[values[series] == level])["value"].to_numpy(float)
        for level in levels
    ]
    names = ["" if level is None else level_label(str(series), level) for level in levels]
    what = metric_label(column, daily)
    of = "days of all runs" if daily else "runs"
    label = scale.axis(what)
    if len(data) > ROWS:
        figure, grid = canvas(8.4, 3.8)
        _ranked(grid[0, 0], data)
        finish(
            grid[0, 0],
            f"{what}: {len(data)} designs by their median",
            "rank of the design",
            scale.unit,
        )
        legend(figure, grid[0, 0])
        return figure
    height = 1.5 + 0.3 * len(data)
    if len(data) > MANY:
        figure, grid = canvas(8.4, height)
        _rows(grid[0, 0], data, names)
        finish(grid[0, 0], f"{what}: quantiles over {of}", label, grid="x")
        legend(figure, grid[0, 0])
        return figure
    figure, grid = canvas(8.4, max(3.4, height), 1, 2, width_ratios=[1.15, 1])
    curve, rows = grid[0]
    for number, (one, name) in enumerate(zip(data, names, strict=True)):
        size, share = exceedance(one)
        look = LOOKS[number]
        curve.step(
            size, 100 * share, where="post", color=look.color, linestyle=look.dashes, label=name
        )
    # Logarithmic, because what matters is the rare; the last step, to 0, is not on the axis.
    if any((one > one.min()).any() for one in data if len(one)):
        curve.set_yscale("log")
    largest = max((len(one) for one in data), default=1)
    curve.set_ylim(max(100 / max(largest, 1) / 1.5, 0.01), 130)
    curve.yaxis.set_major_formatter(lambda tick, _: f"{tick:g}")
    finish(curve, "How often it is exceeded", label, f"% of {of}")
    _rows(rows, data, names)
    finish(rows, "Quantiles: 5 to 95 %, middle half, × 99 %", label, grid="x")
    if series is not None:
        legend(figure, curve)
    return figure


def _rows(axes: Axes, data: list[np.ndarray], names: list[str]) -> None:
    """One row a series: 5 to 95 % thin, the middle half thick, the median and the 97.5 % tail."""
    y = np.arange(len(data))[::-1]
    for number, (place, one) in enumerate(zip(y, data, strict=True)):
        if not len(one):
            continue
        look = LOOKS[number] if len(data) <= MANY else Look(INK, "o", "-")
        low, first, middle, third, high, far = np.quantile(one, [0.05, 0.25, 0.5, 0.75, 0.95, 0.99])
        first_row = number == 0
        axes.hlines(
            place, low, high, color=MUTED, linewidth=1, label="5 to 95 %" if first_row else ""
        )
        axes.hlines(
            place,
            first,
            third,
            color=look.color,
            linewidth=6,
            label="middle half" if first_row else "",
        )
        axes.plot(middle, place, "|", color="white", markersize=9, markeredgewidth=2)
        axes.plot(far, place, "x", color=INK, markersize=5, label="99 %" if first_row else "")
    axes.set_yticks(y, names)
    axes.set_ylim(-0.7, len(data) - 0.3)


def _ranked(axes: Axes, data: list[np.ndarray]) -> None:
    table = np.array([np.quantile(one, [0.05, 0.25, 0.5, 0.75, 0.95]) for one in data if len(one)])
    table = table[np.argsort(table[:, 2])]
    rank = np.arange(1, len(table) + 1)
    axes.fill_between(
        rank, table[:, 0], table[:, 4], color=FAINT, alpha=0.4, linewidth=0, label="5 to 95 %"
    )
    axes.fill_between(
        rank, table[:, 1], table[:, 3], color=MUTED, alpha=0.5, linewidth=0, label="middle half"
    )
    axes.plot(rank, table[:, 2], color=INK, linewidth=1.6, label="median")
