"""The picture language: what a role, a state and a coverage look like, wherever they are drawn.

The figures of a report and the server page take shapes, colours and words from here.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple


class Mark(NamedTuple):
    """A shape (matplotlib's and ECharts' name of it), and its colour on light and on dark."""

    marker: str
    symbol: str
    light: str
    dark: str


ROLES = MappingProxyType(
    {
        "lender": Mark("o", "circle", "#17203d", "#aebbe8"),
        "dealer": Mark("D", "diamond", "#e0902e", "#f0a94e"),
        "borrower": Mark("s", "rect", "#2a82b5", "#52aadd"),
    }
)
"""Participants by role."""

STATES = MappingProxyType(
    {
        "default": Mark("x", "cross", "#b3381d", "#ff7a5c"),
        "unmet": Mark("^", "triangle", "#8c1d6b", "#ee86cf"),
        "close-out": Mark("", "dotted", "#6e6e6e", "#a3a3a3"),
        "delivery": Mark("o", "circle", "#1f1f1f", "#f2f2f2"),
        "return": Mark("o", "emptyCircle", "#1f1f1f", "#f2f2f2"),
    }
)
"""What happens to participants and to pairs."""

COVERAGE = ("#b35806", "#d9790e", "#8d9096", "#8073ac", "#542788")
COVERAGE_DARK = ("#ff9d3c", "#e08a2c", "#85888e", "#a79bd1", "#cdbdf7")
"""From too little collateral over full coverage to too much, in equal steps."""

SERIES = ("#17203d", "#97390f", "#2a82b5", "#e0902e", "#3f8f5f", "#7a5195")
SERIES_DARK = ("#aebbe8", "#ff9a6b", "#52aadd", "#f0b35e", "#8fd0a6", "#c9a0dc")
"""Series of a chart, in order."""
