"""A statistic over two factors."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from analysis.figures.style import FAINT, canvas, finish
from analysis.labels import Scale, factor_label, metric_label, number_label

ANNOTATED = 120
"""Cells up to this number carry their value."""


def heat_map(
    table: pd.DataFrame,
    x: str,
    y: str,
    column: str,
    value: str = "mean",
    scale: Scale | None = None,
) -> Figure:
    """A statistic over a grid of two factors, as haircut and threshold; light is little.

    Args:
        table: a row a combination of levels; several are averaged, missing ones are left empty.
        x: factor on the horizontal axis.
        y: factor on the vertical axis.
        column: name of the statistic, for the label.
        value: column of `table` that holds it.
        scale: unit of the statistic.
    """
    scale = scale or Scale(1.0, "")
    cells = table.pivot_table(index=y, columns=x, values=value, aggfunc="mean") / scale.divisor
    rows, columns = cells.shape
    figure, grid = canvas(
        float(np.clip(2.6 + 0.75 * columns, 5.2, 9.0)), float(np.clip(1.6 + 0.42 * rows, 2.8, 8.0))
    )
    axes = grid[0, 0]
    numbers = cells.to_numpy(np.float64)
    tint = colormaps["cividis"].reversed()
    norm = Normalize(np.nanmin(numbers), np.nanmax(numbers) or 1.0)
    mesh = axes.pcolormesh(numbers, cmap=tint, norm=norm, edgecolors="white", linewidth=0.8)
    if numbers.size <= ANNOTATED:
        for row in range(rows):
            for position in range(columns):
                number = numbers[row, position]
                if np.isfinite(number):
                    red, green, blue, _ = tint(norm(number))
                    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
                    axes.text(
                        position + 0.5,
                        row + 0.5,
                        number_label(number, 3),
                        ha="center",
                        va="center",
                        fontsize=8,
                        color="white" if dark else "black",
                    )
    for axis, levels in ((axes.xaxis, cells.columns), (axes.yaxis, cells.index)):
        step = max(1, len(levels) // 16)
        shown = list(levels)[::step]
        axis.set_ticks(np.arange(0, len(levels), step) + 0.5, [_tick(level) for level in shown])
    bar = figure.colorbar(mesh, ax=axes, pad=0.02, aspect=25)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, color=FAINT)
    if scale.unit:
        bar.set_label(scale.unit, fontsize=8.5)
    finish(axes, metric_label(column), factor_label(x), factor_label(y), grid="")
    return figure


def _tick(level: object) -> str:
    return number_label(float(level)) if isinstance(level, int | float) else str(level)
