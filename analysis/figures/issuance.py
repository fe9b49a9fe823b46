"""Issuance against prefunded inventory."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.style import ACCENT, INK, LOOKS, MANY, MUTED, Look, canvas, finish, legend
from analysis.labels import level_label


def issuance_figure(
    table: pd.DataFrame,
    required: pd.DataFrame | None = None,
    series: str | None = None,
    inventory_label: str = "prefunded inventory, fraction of the collateral posted at the start",
) -> Figure:
    """How likely additional issuance is with each inventory, and what reaches the target.

    Args:
        table: as `analysis.issuance.issuance_probability` gives it.
        required: as `analysis.issuance.required_inventory` gives it; drawn as the target's line
            and an arrow to each curve's inventory.
        series: column that tells curves apart.
        inventory_label: what the horizontal axis measures.
    """
    figure, grid = canvas(8.4, 3.8)
    axes = grid[0, 0]
    lines: list[tuple[object, pd.DataFrame]] = [(None, table)]
    if series is not None:
        lines = list(table.groupby(series, sort=True))
    few = len(lines) <= MANY
    span = float(table["inventory"].max() - table["inventory"].min()) or 1.0
    for number, (level, rows) in enumerate(lines):
        look = LOOKS[number] if few else Look(MUTED, ".", "-")
        # Moved apart a little, so that intervals do not cover one another.
        x = rows["inventory"] + (0.008 * span * (number - (len(lines) - 1) / 2) if few else 0)
        axes.plot(
            x,
            100 * rows["fitted"],
            color=look.color,
            linestyle=look.dashes,
            linewidth=1.3 if few else 0.6,
            alpha=1.0 if few else 0.5,
        )
        if few:
            axes.vlines(x, 100 * rows["low"], 100 * rows["high"], color=look.color, linewidth=1.2)
            axes.plot(
                x,
                100 * rows["probability"],
                look.marker,
                color=look.color,
                markersize=5.5,
                markeredgecolor="white",
                label="" if level is None or series is None else level_label(series, level),
            )
    if required is not None and len(required):
        target = 100 * float(required["target"].iloc[0])
        axes.axhline(target, color=ACCENT, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.annotate(
            f"target {target:g} %",
            (0, target),
            (4, 3),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            fontsize=8,
            color=ACCENT,
        )
        for inventory in required["required"].dropna():
            if few:
                axes.plot(
                    inventory,
                    target,
                    "o",
                    markersize=9,
                    markerfacecolor="none",
                    markeredgecolor=ACCENT,
                )
    axes.set_ylim(-3, 104)
    if not few:
        axes.plot([], [], color=INK, linewidth=0.6, label=f"{len(lines)} curves")
    finish(axes, "Additional issuance by borrowers", inventory_label, "% of runs with issuance")
    legend(figure, axes)
    return figure
