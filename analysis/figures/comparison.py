"""Designs side by side: points with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import FAINT, INK, LOOKS, MANY, Look, canvas, finish, legend
from analysis.labels import Scale, factor_label, level_label, metric_label


def comparison(
    summary: pd.DataFrame,
    series: str,
    across: str | None = None,
    metrics: Sequence[str] | None = None,
    scales: Mapping[str, Scale] | None = None,
) -> Figure:
    """The paper's comparison: a panel a statistic, models side by side within each case.

    Points are means over replications, bars their confidence intervals. Drawn from zero, except
    where all values lie far from it.

    Args:
        summary: as `analysis.summary.summarise` gives it: `series`, `across`, `metric`, `mean`,
            `low`, `high`; one row a combination.
        series: column whose levels are told apart by colour and marker (the models).
        across: column whose levels stand on the horizontal axis (the cases); `series` if not given.
        metrics: panels to draw; all statistics in the table if not given.
        scales: units by statistic.
    """
    names = list(dict.fromkeys(summary["metric"])) if metrics is None else list(metrics)
    columns = 2 if len(names) > 1 else 1
    rows = -(-len(names) // columns)
    figure, grid = canvas(8.4, 0.6 + 2.7 * rows, rows, columns)
    for position, axes in enumerate(grid.flat):
        if position >= len(names):
            axes.set_axis_off()
            continue
        part = summary[summary["metric"] == names[position]]
        scale = (scales or {}).get(names[position], Scale(1.0, ""))
        _panel(axes, part, series, across, scale)
        finish(
            axes,
            metric_label(names[position]),
            _across(part, across or series),
            scale.unit,
        )
    if across is not None and summary[series].nunique() <= MANY:
        legend(figure, grid[0, 0])
    return figure


def _panel(axes: Axes, part: pd.DataFrame, series: str, across: str | None, scale: Scale) -> None:
    lines = list(dict.fromkeys(part[series])) if across else [None]
    if part[across or series].nunique() > RANKED:
        part = part.sort_values("mean")
    places = list(dict.fromkeys(part[across or series]))
    at = {place: position for position, place in enumerate(places)}
    width = 0.62 if len(lines) > 1 else 0.0
    # Beyond MANY lines they are drawn alike, and their spread is what is seen.
    for number, line in enumerate(lines):
        rows = part if line is None else part[part[series] == line]
        shift = width * (number / max(len(lines) - 1, 1) - 0.5)
        x = rows[across or series].map(at).to_numpy(float) + (shift if len(lines) > 1 else 0)
        mean, low, high = (
            rows[name].to_numpy(np.float64) / scale.divisor for name in ("mean", "low", "high")
        )
        look = LOOKS[number] if len(lines) <= MANY else Look(INK, ".", "-")
        known = np.isfinite(low) & np.isfinite(high)
        ranked = len(places) > RANKED
        axes.vlines(
            x[known],
            low[known],
            high[known],
            color=FAINT if ranked else look.color,
            linewidth=0.8 if ranked else 1.6,
        )
        axes.plot(
            x,
            mean,
            look.marker,
            color=look.color,
            markersize=2.5 if ranked else 5,
            markeredgecolor="white",
            markeredgewidth=0.0 if ranked else 0.6,
            label="" if line is None else level_label(series, line),
        )
    for border in range(1, len(places) if len(places) <= RANKED else 1):
        axes.axvline(border - 0.5, color="#eeeeee", linewidth=0.8, zorder=0)
    short = [_tick(across or series, place) for place in places]
    crowded = sum(len(label) for label in short) > 46
    step = max(1, len(places) // 24)
    if len(places) > RANKED:
        short, step, crowded = [str(n) for n in range(1, len(places) + 1)], len(places) // 10, False
    axes.set_xticks(
        range(0, len(places), step),
        short[::step],
        rotation=35 if crowded else 0,
        ha="right" if crowded else "center",
        rotation_mode="anchor" if crowded else None,
    )
    axes.set_xlim(-0.6, len(places) - 0.4)
    from_zero(axes, part[["mean", "low", "high"]].to_numpy(np.float64) / scale.divisor)


RANKED = 40
"""More places than this are ranked by the statistic, instead of named."""


def _across(part: pd.DataFrame, factor: str) -> str:
    ranked = part[factor].nunique() > RANKED
    return f"rank of the {factor_label(factor)}" if ranked else factor_label(factor)


def _tick(factor: str, level: object) -> str:
    """A level on an axis that already names its factor."""
    text = level_label(factor, level)
    return text.rsplit(" ", 1)[-1] if not isinstance(level, str) else text


def from_zero(axes: Axes, values: np.ndarray) -> None:
    """Let the vertical axis begin at zero, unless the values differ little beside their level."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return
    low, high = float(finite.min()), float(finite.max())
    if low >= 0 and (low < 0.7 * high or high == 0):
        axes.set_ylim(-0.02 * high, 1.08 * high or 1.0)
    elif high > low:
        axes.set_ylim(low - 0.08 * (high - low), high + 0.08 * (high - low))
