"""One quiet style for all figures, without touching matplotlib's global state."""

from __future__ import annotations

from textwrap import fill
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

INK, MUTED, FAINT, GRID = "#1f1f1f", "#6e6e6e", "#b9b9b9", "#e6e6e6"
BAND = "#dcdcdc"
ACCENT = "#b3381d"
"""For the one thing in a figure that must be seen."""


class Look(NamedTuple):
    """How a series is told from others: by colour, and without it by marker and dashes."""

    color: str
    marker: str
    dashes: Any


LOOKS = (
    Look("#17203d", "o", "-"),
    Look("#97390f", "s", (0, (5, 1.5))),
    Look("#2a82b5", "^", (0, (1.5, 1.2))),
    Look("#e0902e", "D", (0, (6, 1.5, 1.5, 1.5))),
    Look("#9ccb96", "v", (0, (3, 1, 1, 1, 1, 1))),
    Look("#7a5195", "P", (0, (9, 2))),
    Look("#5f5f5f", "X", (0, (2, 2))),
    Look("#c9a8c5", "*", (0, (4, 3))),
)
"""From dark to light as far as the first five go, so that they differ in grey, too."""

MANY = len(LOOKS)
"""More series than this are not told apart one by one."""


def canvas(
    width: float = 7.6, height: float = 4.0, rows: int = 1, columns: int = 1, **options: Any
) -> tuple[Figure, Any]:
    """A figure with its axes, shape (rows, columns); sizes in inches.

    Args:
        width: of the figure.
        height: of the figure.
        rows: of axes.
        columns: of axes.
        options: for `Figure.subplots`, as `sharex`.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, axes


def finish(
    axes: Axes, title: str = "", xlabel: str = "", ylabel: str = "", grid: str = "y"
) -> None:
    """Give axes the common look; call it when everything is drawn."""
    shown = fill(title, _title_length(axes))
    axes.set_title(shown, loc="left", fontsize=10, color=INK, fontweight="bold", pad=8)
    axes.set_xlabel(xlabel, fontsize=9, color=MUTED)
    axes.set_ylabel(ylabel, fontsize=9, color=MUTED)
    axes.tick_params(labelsize=8.5, colors=INK, length=3, color=FAINT)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(FAINT)
    if grid:
        axes.grid(axis=grid, color=GRID, linewidth=0.7)  # type: ignore[arg-type]
    axes.set_axisbelow(True)
    for axis in (axes.xaxis, axes.yaxis):
        axis.get_offset_text().set_fontsize(8)


def _title_length(axes: Axes) -> int:
    """Characters of a title that fit over axes, so that it stays clear of its neighbour's."""
    width, place = axes.figure.get_figwidth(), axes.get_subplotspec()  # type: ignore[union-attr]
    if place is not None:
        width *= len(place.colspan) / place.get_gridspec().ncols
    return max(int(width * 10.5), 1)


def legend(figure: Figure, axes: Axes, title: str = "") -> None:
    """A legend above the axes of a figure, outside of what is drawn."""
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        return
    longest = max(len(label) for label in labels)
    width = figure.get_figwidth() * 11
    columns = int(np.clip(width // (longest + 8), 1, len(labels)))
    figure.legend(
        handles,
        labels,
        loc="outside upper left",
        ncols=columns,
        frameon=False,
        fontsize=8.5,
        title=title or None,
        title_fontsize=8.5,
        alignment="left",
    )


def note(axes: Axes, text: str) -> None:
    """A remark on the right of the axes' title."""
    axes.set_title(text, loc="right", fontsize=8, color=MUTED, pad=8)
