"""Paired differences: a point and its interval a comparison."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.style import BAND, INK, MUTED, canvas, finish, legend, note
from analysis.labels import Scale, metric_label

MOST = 40
"""More comparisons than this are cut down to the largest ones."""


def differences_figure(
    table: pd.DataFrame, labels: pd.Series, baseline: str, scale: Scale | None = None
) -> Figure:
    """Differences from a baseline on common random numbers, with and without pairing.

    Args:
        table: as `analysis.differences.paired_differences` gives it, of one statistic.
        labels: what each row compares with the baseline, same index.
        baseline: the baseline's name.
        scale: unit of the statistic.
    """
    scale = scale or Scale(1.0, "")
    shown = table
    if len(table) > MOST:
        largest = table["difference"].abs().sort_values(ascending=False).index[:MOST]
        shown = table.loc[table.index.isin(largest)]
    figure, grid = canvas(8.4, 1.3 + 0.26 * len(shown))
    axes = grid[0, 0]
    y = np.arange(len(shown))[::-1]
    numbers = {
        name: shown[name].to_numpy(np.float64) / scale.divisor
        for name in ("difference", "low", "high", "unpaired_low", "unpaired_high")
    }
    axes.axvline(0, color=MUTED, linewidth=0.9)
    axes.hlines(
        y,
        numbers["unpaired_low"],
        numbers["unpaired_high"],
        color=BAND,
        linewidth=7,
        label="interval without pairing",
    )
    axes.hlines(
        y, numbers["low"], numbers["high"], color=INK, linewidth=1.6, label="paired interval"
    )
    sure = (numbers["low"] > 0) | (numbers["high"] < 0)
    for chosen, face in ((sure, INK), (~sure, "white")):
        axes.plot(
            numbers["difference"][chosen],
            y[chosen],
            "o",
            markersize=5,
            markerfacecolor=face,
            markeredgecolor=INK,
        )
    axes.set_yticks(y, [str(labels[index]) for index in shown.index])
    axes.set_ylim(-0.7, len(shown) - 0.3)
    name = str(table["metric"].iloc[0])
    finish(
        axes,
        f"{metric_label(name)}: difference from {baseline}",
        scale.axis("difference"),
        grid="x",
    )
    if len(table) > len(shown):
        note(axes, f"the {len(shown)} largest of {len(table)} differences")
    legend(figure, axes)
    return figure
