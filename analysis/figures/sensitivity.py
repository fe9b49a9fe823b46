"""Sensitivity indices of a statistic, factor by factor."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.style import LOOKS, canvas, finish, legend
from analysis.labels import factor_label, metric_label

MEANINGS = {
    "first order": "with the factor alone",
    "total": "with the factor in any combination",
    "mean effect": "mean absolute effect, low to high",
    "spread": "standard deviation of effects",
}
"""What an index of `analysis.sensitivity.indices` says, in a legend."""


def sensitivity_figure(table: pd.DataFrame, metric: str) -> Figure:
    """The indices of one statistic with their intervals, the most important factor on top.

    Args:
        table: as `analysis.sensitivity.sensitivity` gives it, of one combination of the factors
            that were not sampled.
        metric: the statistic.
    """
    rows = table[table["metric"] == metric]
    kinds = list(dict.fromkeys(rows["index"]))
    order = rows[rows["index"] == kinds[-1 if "total" in kinds else 0]].sort_values("value")
    places = {factor: place for place, factor in enumerate(order["factor"])}
    figure, grid = canvas(7.6, 1.4 + 0.5 * len(places))
    axes = grid[0, 0]
    for number, kind in enumerate(kinds):
        here = rows[rows["index"] == kind]
        look, shift = LOOKS[number], 0.16 * (0.5 - number)
        at = np.array([places[factor] for factor in here["factor"]]) + shift
        axes.hlines(at, here["low"], here["high"], color=look.color, linewidth=1.4)
        label = f"{kind}: {MEANINGS[kind]}"
        axes.plot(here["value"], at, look.marker, color=look.color, markersize=5.5, label=label)
    axes.axvline(0, color="#8a8a8a", linewidth=0.8)
    axes.set_yticks(range(len(places)), [factor_label(factor) for factor in places])
    shares = "first order" in kinds
    xlabel = "share of the variance" if shares else metric_label(metric)
    finish(axes, metric_label(metric).capitalize(), xlabel, "", grid="x")
    axes.set_ylim(-0.6, len(places) - 0.4)
    legend(figure, axes)
    return figure
