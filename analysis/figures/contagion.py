"""Defaults of one run: when, why, and which led to which."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.defaults import CAUSES
from analysis.figures.style import INK, LOOKS, MUTED, canvas, finish, legend, note

_LOOKS = dict(zip(CAUSES, (LOOKS[2], LOOKS[0], LOOKS[3], LOOKS[1]), strict=True))
NAMED = 45
"""Defaults in the tree up to this number carry their names."""


def contagion_figure(tree: pd.DataFrame, last_day: int | None = None) -> Figure:
    """Defaults by day and cause, and below the tree of those that led to others.

    Args:
        tree: as `analysis.defaults.contagion_tree` gives it, of one run.
        last_day: end of the horizontal axis.
    """
    parents = set(tree["parent"]) - {""}
    inside = tree[(tree["parent"] != "") | tree["participant"].isin(parents)]
    rows = len(inside)
    last = int(tree["day"].max()) if last_day is None else last_day
    if rows == 0:
        figure, grid = canvas(8.4, 2.8)
        _by_day(grid[0, 0], tree, last)
        finish(grid[0, 0], "Defaults by day", "day", "defaults")
        note(grid[0, 0], "none led to another")
        legend(figure, grid[0, 0])
        return figure
    height = float(np.clip(0.24 * rows, 1.4, 7.5))
    figure, grid = canvas(8.4, 2.6 + height, 2, 1, height_ratios=[1.7, height], sharex=True)
    above, below = grid[:, 0]
    _by_day(above, tree, last)
    finish(above, "Defaults by day", "", "defaults")
    _tree(below, inside)
    finish(below, "Which default led to which", "day", "", grid="x")
    below.set_yticks([])
    below.spines["left"].set_visible(False)
    if rows < len(tree):
        note(below, f"{len(tree) - rows} more stand alone")
    legend(figure, above)
    return figure


def _by_day(axes: Axes, tree: pd.DataFrame, last: int) -> None:
    bottom = np.zeros(last + 2)
    days = np.arange(last + 2)
    for cause in CAUSES:
        number = np.bincount(tree.loc[tree["cause"] == cause, "day"], minlength=last + 2)
        if number.sum():
            axes.bar(
                days, number, bottom=bottom, color=_LOOKS[cause].color, width=0.85, label=cause
            )
            bottom += number
    axes.set_xlim(-0.5, last + 1)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))


def _tree(axes: Axes, tree: pd.DataFrame) -> None:
    """Days from left to right, a line of its own for every default, children under parents."""
    children: dict[str, list[str]] = {}
    for name, parent in zip(tree["participant"], tree["parent"], strict=True):
        children.setdefault(parent, []).append(name)
    order: list[str] = []
    waiting = children.get("", [])[::-1]
    while waiting:
        name = waiting.pop()
        order.append(name)
        waiting.extend(children.get(name, [])[::-1])
    height = {name: -place for place, name in enumerate(order)}
    day = dict(zip(tree["participant"], tree["day"], strict=True))
    linked = tree[tree["parent"] != ""]
    lines = [
        [(day[p], height[p]), (day[p], height[c]), (day[c], height[c])]
        for c, p in zip(linked["participant"], linked["parent"], strict=True)
    ]
    # Losses on one day: the line would be hidden behind the marks.
    largest = float(linked["loss"].max()) or 1.0
    widths = 0.6 + 2.6 * np.sqrt(linked["loss"].to_numpy(np.float64) / largest)
    axes.add_collection(LineCollection(lines, colors=MUTED, linewidths=widths, zorder=1))
    for cause, rows in tree.groupby("cause"):
        look = _LOOKS.get(str(cause), LOOKS[6])
        axes.plot(
            rows["day"],
            rows["participant"].map(height),
            look.marker,
            color=look.color,
            markersize=7 if len(order) <= NAMED else 4,
            markeredgecolor="white",
            zorder=2,
        )
    if len(order) <= NAMED:
        for name in order:
            axes.annotate(
                name,
                (day[name], height[name]),
                (7, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
                color=INK,
            )
    axes.set_ylim(-len(order) + 0.4, 0.8)
