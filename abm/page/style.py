"""Colours of the page, chosen to be told apart by colour-blind eyes, and by their grey."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.colors import Colormap

INK, FAINT, GRID = "#22272e", "#6b7280", "#e5e7eb"
BAND = "#dfe7e0"
UNMET = "#7b0f5e"

MODEL_COLOURS = ("#1b4f8a", "#d26a12")
"""Of the first and the second market."""

TOKEN_COLOURS = ("#1b4f8a", "#d26a12", "#2a8a6f", "#a0458c", "#8a7a1b", "#5b6470")

ROLE_COLOURS = {"lender": "#374151", "dealer": "#8a7a1b", "borrower": "#ffffff"}
ROLE_MARKERS = {"lender": "s", "dealer": "D", "borrower": "o"}

COVERAGE_SPAN = 0.06
"""Coverage is coloured from 1 less this to 1 plus this."""


@cache
def coverage_colours() -> Colormap:
    """Orange for less than full coverage, grey for full, blue for more."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(
        "coverage", ["#a63603", "#e6750b", "#b4b8bf", "#4a90c8", "#08417c"]
    )
