"""Figures: one function each, a DataFrame in and a matplotlib Figure out."""

from analysis.figures.comparison import comparison
from analysis.figures.contagion import contagion_figure
from analysis.figures.differences import differences_figure
from analysis.figures.distributions import distribution_figure
from analysis.figures.effects import effects_figure
from analysis.figures.frontier import frontier_figure
from analysis.figures.heatmap import heat_map
from analysis.figures.issuance import issuance_figure
from analysis.figures.network import layout, network_figure
from analysis.figures.operating_cost import operating_cost_figure
from analysis.figures.sensitivity import sensitivity_figure
from analysis.figures.series import gap_over_time, series_with_bands

__all__ = [
    "comparison",
    "contagion_figure",
    "differences_figure",
    "distribution_figure",
    "effects_figure",
    "frontier_figure",
    "gap_over_time",
    "heat_map",
    "issuance_figure",
    "layout",
    "network_figure",
    "operating_cost_figure",
    "sensitivity_figure",
    "series_with_bands",
]
