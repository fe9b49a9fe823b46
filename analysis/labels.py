"""Names of columns and numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from analysis.meanings import FACTOR, ColumnMeaning

_SUFFIXES = {"mean": "mean over days", "max": "largest day", "q975": "97.5 % of days"}
_PHRASES = {"mean": "mean", "max": "largest", "q975": "97.5 % quantile of"}
_WORDS = {"hhi_borrowers": "concentration over borrowers"}
"""Names of columns in words: what is measured here, and what files have said of theirs."""


def learn(columns: Mapping[str, ColumnMeaning]) -> None:
    """Take over what the files say that their columns are called."""
    for name, column in columns.items():
        level, _, suffix = name.rpartition("_")
        how = f", {_SUFFIXES.get(suffix, '')}"
        if suffix in _SUFFIXES and column.label.endswith(how):
            _WORDS[level] = column.label.removesuffix(how)
        elif column.label:
            _WORDS[name] = column.label


def metric_label(name: str, daily: bool = False) -> str:
    """A statistic's name in words: `margin_calls` is "Margin calls".

    Args:
        name: column of `runs` or `days`.
        daily: whether it is a column of `days`, whose `_max` is not a largest day.
    """
    level, _, suffix = name.rpartition("_")
    if not daily and suffix in _SUFFIXES and level:
        return f"{_words(level)}, {_SUFFIXES[suffix]}"
    return _words(name)


def metric_phrase(name: str, daily: bool = False) -> str:
    """A statistic's name inside a sentence: "mean uncollateralised exposure", "margin calls"."""
    level, _, suffix = name.rpartition("_")
    words = _words(level if not daily and suffix in _PHRASES and level else name)
    words = words[:1].lower() + words[1:]
    return words if daily or suffix not in _PHRASES else f"{_PHRASES[suffix]} {words}"


def _words(name: str) -> str:
    words = _WORDS.get(name, name.replace("_", " ").strip())
    return words[:1].upper() + words[1:]


def factor_label(name: str) -> str:
    """A factor's short name: `factor.agreement.haircut` is "haircut"."""
    return name.removeprefix(FACTOR).rsplit(".", 1)[-1].replace("_", " ")


def level_label(factor: str, level: Any) -> str:
    """One level of a factor: "Model 3", or "haircut 0.05"; a name by itself."""
    short = factor_label(factor)
    if isinstance(level, bool) or str(level) in ("True", "False"):
        return short if str(level) == "True" else f"not {short}"
    if isinstance(level, str) and not _is_number(level):
        return level
    number = number_label(float(level))
    return f"{short[:1].upper()}{short[1:]} {number}" if short == "model" else f"{short} {number}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def design_label(design: Mapping[str, Any], factors: Iterable[str]) -> str:
    """All levels of a design in a row."""
    parts = [level_label(name, design[name]) for name in factors if not _missing(design[name])]
    return ", ".join(parts) or "the only design"


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def number_label(value: float, digits: int = 4) -> str:
    """A number with so many significant digits, thousands set apart; a dash for none.

    >>> number_label(1234567.8), number_label(0.012346), number_label(float("nan"))
    ('1,235,000', '0.01235', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, places)
    if abs(rounded) >= 1e15 or abs(rounded) < 1e-6:
        return f"{value:.{digits - 1}e}".replace("-", "−")
    text = f"{rounded:,.{max(places, 0)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−")


def cell_label(value: float, digits: int = 3) -> str:
    """A number for a cell of a table: whole units in full, and no more than three decimals.

    >>> [cell_label(value) for value in (4656.35, 68.84, 0.0123, 1.4e-12, -1e-9, 0)]
    ['4,656', '68.8', '0.012', '< 0.001', '> −0.001', '0']
    """
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    if abs(value) < 0.0005:
        return "< 0.001" if value > 0 else "> −0.001"
    places = min(max(digits - 1 - math.floor(math.log10(abs(value))), 0), 3)
    text = f"{value:,.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−")


class Scale(NamedTuple):
    """What to divide by, and the unit that numbers then have."""

    divisor: float
    unit: str

    def axis(self, label: str) -> str:
        """A label with its unit."""
        return f"{label}, {self.unit}" if self.unit else label


_PREFIXES = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"), (1e3, "thousand"))


def scale_of(meaning: ColumnMeaning | None, largest: float, currency: str = "") -> Scale:
    """How to show numbers of a column: money in millions, shares in per cent.

    Args:
        meaning: the column's unit; unknown if None.
        largest: the largest absolute number to be shown.
        currency: of money.
    """
    unit = meaning.unit if meaning else ""
    if unit == "money":
        for divisor, prefix in _PREFIXES:
            if largest >= divisor:
                return Scale(divisor, f"{prefix} {currency}".strip())
        return Scale(1.0, currency or "money")
    if unit == "share":
        return Scale(0.01, "%")
    if unit == "count":
        return Scale(1.0, "number")
    return Scale(1.0, "days" if unit == "day" else unit)
