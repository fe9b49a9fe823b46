"""A fit in words: cells of tables for a terminal, and the table of a scenario file."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from scenarios.prices.calibration.estimates import Fit
from scenarios.prices.model_source import ModelSource

ESTIMATES = ("parameter", "token", "estimate", "standard error")
MOMENTS = ("token", "statistic of daily log-returns", "data", "model", "90 % of paths", "outside")
"""What stands over the columns."""


def estimates_cells(fit: Fit[ModelSource]) -> list[tuple[str, ...]]:
    """Parameters with their standard errors: rows of `ESTIMATES`."""
    return [
        (
            item.parameter,
            item.tokens,
            _plain(item.value, 5),
            "not determined" if math.isnan(item.error) else _plain(item.error, 2),
        )
        for item in fit.estimates
    ]


def moments_cells(comparison: pd.DataFrame) -> list[tuple[str, ...]]:
    """Data and model side by side: rows of `MOMENTS`; a star marks data outside the interval."""
    rows: list[tuple[str, ...]] = []
    for row in comparison.itertuples(index=False):
        # The last column is named `inside`; the others in the order of `compare`.
        token, statistic, data, model, low, high, inside = row
        mark = "" if inside else "*"
        rows.append(
            (
                token,
                statistic,
                _plain(data),
                _plain(model),
                f"{_plain(low)} to {_plain(high)}",
                mark,
            )
        )
    return rows


def prices_table(source: ModelSource) -> str:
    """The `[prices]` table that a scenario needs to use this source."""
    fields = source.model_dump(mode="json", exclude_none=True)
    lines, tables = ["[prices]", f'source = "{fields.pop("source")}"'], []
    for name, value in fields.items():
        if isinstance(value, dict):
            inner = [f"{key} = {_toml(item)}" for key, item in value.items()]
            tables += ["", f"[prices.{name}]", *inner]
        else:
            lines.append(f"{name} = {_toml(value)}")
    return "\n".join(lines + tables)


def _plain(number: float, digits: int = 4) -> str:
    """A number with so many digits, and never as a power of ten."""
    return np.format_float_positional(number, digits, unique=False, fractional=False, trim="-")


def _toml(value: Any) -> str:
    """A number, text or list as TOML writes it; fitted numbers have six digits at most."""
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        text = f"{value:.6g}"
        return text if any(mark in text for mark in ".en") else f"{text}.0"
    if isinstance(value, list | tuple):
        if value and isinstance(value[0], list | tuple):
            return "[\n" + "".join(f"  {_toml(row)},\n" for row in value) + "]"
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return str(value)
