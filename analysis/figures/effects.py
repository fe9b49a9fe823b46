"""What each factor does to a statistic, the others averaged out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.bootstrap import mean_interval
from analysis.figures.comparison import from_zero
from analysis.figures.style import FAINT, INK, canvas, finish
from analysis.labels import Scale, factor_label, metric_label, number_label

LEVELS = 12
"""A factor with more levels is drawn over bins of equal numbers of runs."""

BINS = 8


def effects_figure(
    runs: pd.DataFrame, factors: Sequence[str], metric: str, scale: Scale | None = None
) -> Figure:
    """Main effects: the mean of a statistic at each level of each factor, with its interval.

    Factors with many levels (sampled designs) are cut into eight bins of equally many runs, and
    every run is a faint dot.

    Args:
        runs: one row a run.
        factors: columns, one panel each.
        metric: the statistic.
        scale: unit of the statistic.
    """
    scale = scale or Scale(1.0, "")
    columns = min(len(factors), 3)
    rows = -(-len(factors) // columns)
    figure, grid = canvas(8.4, 0.5 + 2.5 * rows, rows, columns, sharey=True)
    values = runs[metric].to_numpy(np.float64) / scale.divisor
    drawn: list[float] = []
    for position, axes in enumerate(grid.flat):
        if position >= len(factors):
            axes.set_axis_off()
            continue
        levels = runs[factors[position]]
        if levels.nunique() > LEVELS and pd.api.types.is_numeric_dtype(levels):
            drawn += _binned(axes, levels.to_numpy(np.float64), values)
        else:
            drawn += _by_level(axes, levels, values)
        unit = scale.axis(metric_label(metric)) if position % columns == 0 else ""
        finish(
            axes,
            factor_label(factors[position]).capitalize(),
            factor_label(factors[position]),
            unit,
        )
        axes.yaxis.label.set_wrap(True)
    from_zero(grid[0, 0], np.array(drawn))
    return figure


def _binned(axes: Axes, x: np.ndarray, y: np.ndarray) -> list[float]:
    axes.plot(x, y, ".", color=FAINT, markersize=2, alpha=0.6, zorder=1, rasterized=len(x) > 2000)
    order = np.argsort(x, kind="stable")
    centres, means, lows, highs = [], [], [], []
    for part in np.array_split(order, BINS):
        part = part[np.isfinite(y[part])]
        if not len(part):
            continue
        low, high = mean_interval(y[part][:, None])[:, 0]
        centres.append(x[part].mean())
        means.append(y[part].mean())
        lows.append(low)
        highs.append(high)
    axes.vlines(centres, lows, highs, color=INK, linewidth=1.5, zorder=3)
    axes.plot(centres, means, "o-", color=INK, markersize=4.5, linewidth=1.1, zorder=3)
    # The means are what is to be seen: outliers may leave the picture.
    finite = y[np.isfinite(y)]
    rare = [float(np.quantile(finite, 0.98))] if len(finite) else []
    return [*means, *lows, *highs, *rare, *([0.0] if len(finite) and finite.min() >= 0 else [])]


def _by_level(axes: Axes, levels: pd.Series, y: np.ndarray) -> list[float]:
    found = sorted(levels.dropna().unique(), key=lambda level: (isinstance(level, str), level))
    drawn: list[float] = []
    for place, level in enumerate(found):
        here = y[(levels == level).to_numpy() & np.isfinite(y)]
        if len(here):
            low, high = mean_interval(here[:, None])[:, 0]
            axes.vlines(place, low, high, color=INK, linewidth=1.5)
            axes.plot(place, here.mean(), "o", color=INK, markersize=5)
            drawn += [here.mean(), low, high]
    names = [number_label(float(v)) if not isinstance(v, str | bool) else str(v) for v in found]
    crowded = sum(len(name) for name in names) > 26
    step = max(1, len(names) // 16)
    axes.set_xticks(
        range(0, len(names), step),
        names[::step],
        rotation=40 if crowded else 0,
        ha="right" if crowded else "center",
    )
    axes.set_xlim(-0.5, len(found) - 0.5)
    return drawn
