"""What columns are, as the files themselves say it."""

from __future__ import annotations

from typing import NamedTuple

FACTOR = "factor."
"""What the names of the factors' columns in `runs` begin with."""


class ColumnMeaning(NamedTuple):
    """What a column is, as the files themselves say it."""

    unit: str
    meaning: str
    label: str = ""
    """In words."""
    kind: str = ""
    """Of a measure: level, flow, peak or ratio."""
