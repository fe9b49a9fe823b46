"""Risk against cost: the designs, and those that no other beats on all that is weighed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.style import ACCENT, INK, LOOKS, MANY, Look, canvas, finish, legend
from analysis.labels import Scale, level_label, metric_label


def frontier_figure(
    table: pd.DataFrame,
    risk: str,
    operations: str,
    series: str | None = None,
    risk_scale: Scale | None = None,
    operations_scale: Scale | None = None,
    labels: pd.Series | None = None,
) -> Figure:
    """The frontier of risk against operations; nearer to the lower left corner is better.

    The frontier is a line if these two alone decide it. Where more is weighed, designs on it can
    lie anywhere and are ringed.

    Args:
        table: as `analysis.frontier.frontier` gives it.
        risk: name of the statistic of risk.
        operations: name of the statistic of operations.
        series: column told apart by colour and marker, if it has no more than eight levels.
        risk_scale: unit of risk.
        operations_scale: unit of operations.
        labels: what to write beside efficient designs, by index of `table`; they are numbered from
            the left if not given.
    """
    across, up = risk_scale or Scale(1.0, ""), operations_scale or Scale(1.0, "")
    figure, grid = canvas(8.4, 4.6)
    axes = grid[0, 0]
    x, y = table[risk] / across.divisor, table[operations] / up.divisor
    told_apart = series is not None and table[series].nunique() <= MANY
    levels = sorted(table[series].dropna().unique()) if series and told_apart else [None]
    size = 26 if len(table) <= 60 else 14
    for number, level in enumerate(levels):
        look = LOOKS[number] if told_apart else Look("#8a8a8a", "o", "-")
        here = table[series] == level if series and told_apart else x.notna()
        label = level_label(series, level) if series and told_apart else "a design"
        axes.scatter(
            x[here],
            y[here],
            s=size,
            marker=look.marker,
            color=look.color,
            alpha=0.9,
            linewidths=0.4,
            edgecolors="white",
            label=label,
            zorder=3,
        )
    best = table[table["efficient"]].sort_values([risk, operations])
    bx, by = x[best.index], y[best.index]
    line = bool((by.diff().dropna() <= 0).all())
    if line:
        axes.step(bx, by, where="post", color=ACCENT, linewidth=1.1, zorder=2, label="frontier")
    rings = axes.scatter(
        bx, by, s=3.2 * size, facecolors="none", edgecolors=ACCENT, linewidths=1.1, zorder=4
    )
    if not line:
        rings.set_label("on the frontier")
    if labels is None:
        spots = best.drop_duplicates([risk, operations])
        labels = pd.Series(np.arange(1, len(spots) + 1), spots.index)
    for (right, above), names in labels.groupby([x[labels.index], y[labels.index]]):
        axes.annotate(
            ", ".join(map(str, names)),
            (right, above),
            (6, 5),
            textcoords="offset points",
            fontsize=8,
            color=INK,
            bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.5},
            zorder=5,
        )
    finish(
        axes,
        "Risk against operations",
        across.axis(metric_label(risk)),
        up.axis(metric_label(operations)),
        grid="both",
    )
    axes.margins(x=0.06, y=0.08)
    if x.min() >= 0:
        axes.set_xlim(left=min(0, -0.02 * x.max()))
    if y.min() >= 0:
        axes.set_ylim(bottom=min(0, -0.03 * y.max()))
    legend(figure, axes)
    return figure
