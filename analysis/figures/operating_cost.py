"""What the paper's models cost on Ethereum: bars by model and way of operation."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.style import INK, LOOKS, canvas, finish, legend
from analysis.labels import level_label, number_label


def operating_cost_figure(yearly: pd.DataFrame, labels: dict[str, str], unit: str) -> Figure:
    """Money for a loan and year, a group of bars a model.

    Args:
        yearly: as `analysis.operating_cost.yearly_costs` gives it.
        labels: by column of `yearly`, the ways of operation, in the order of the bars.
        unit: of the money.
    """
    figure, grid = canvas(7.6, 3.6)
    axes = grid[0, 0]
    width = 0.8 / len(labels)
    places = np.arange(len(yearly))
    for number, (name, label) in enumerate(labels.items()):
        x = places + width * (number - (len(labels) - 1) / 2)
        # Every other look, so that neighbours differ in grey, too.
        axes.bar(x, yearly[name], 0.92 * width, color=LOOKS[2 * number].color, label=label)
        for left, value in zip(x, yearly[name], strict=True):
            text = number_label(value, 3)
            axes.annotate(
                text, (left, value), (0, 2), textcoords="offset points", ha="center",
                fontsize=7.5, color=INK,
            )  # fmt: skip
    axes.set_xticks(places, [level_label("model", model) for model in yearly.index])
    finish(axes, "Cost of a loan in a year", "", unit)
    axes.tick_params(axis="x", length=0)
    legend(figure, axes)
    return figure
