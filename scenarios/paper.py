"""What the paper simulated and published: its tokens, windows and tables.

Matsushita, Maruoka, Okada, Isiyama and Tanaka (2024), doi:10.3233/ATDE240863.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, Literal

from scenarios.agreement import MODELS

TOKENS = ("8306", "8604", "4901", "7013", "8031")
"""The collateral, in the order of priority."""

NUMBER = 1_000_000
"""Tokens of each kind posted at the start."""

HAIRCUT = 0.05


@dataclass(frozen=True)
class Case:
    """One of the four windows, and what the paper published of it.

    The table rows hold Models 0 to 4, as printed: the number of digits is the precision.
    """

    number: int
    market: str
    start: date
    end: date
    first_day_sum: int
    """Sum of the five closes of the first session, in yen."""
    loan: int
    """Table 2, in yen."""
    maximum: tuple[str, ...]
    """Table 3, maximum, in per cent of Model 0."""
    average: tuple[str, ...]
    """Table 3, average, in per cent of Model 0."""
    margin_calls: tuple[int, ...]
    """Table 4."""
    issuances: tuple[int, ...]
    """Table 4."""


CASES = (
    Case(
        1,
        "normal market",
        date(2009, 7, 1),
        date(2009, 8, 31),
        7351,
        6_983_450_000,
        ("100", "0.00021", "0.00043", "54", "52"),
        ("100", "0.00050", "0.00093", "73", "62"),
        (60, 60, 60, 11, 11),
        (60, 0, 0, 0, 0),
    ),
    Case(
        2,
        "market crash",
        date(2008, 10, 1),
        date(2008, 12, 1),
        7995,
        7_595_250_000,
        ("100", "0.000066", "0.00011", "13", "13"),
        ("100", "0.00012", "0.00021", "5.9", "7.3"),
        (60, 60, 60, 31, 29),
        (60, 0, 0, 0, 0),
    ),
    Case(
        3,
        "market rally",
        date(2009, 3, 1),
        date(2009, 5, 1),
        4323,
        4_106_850_000,
        ("100", "100", "0.00031", "100", "21"),
        ("100", "51", "0.00072", "78", "33"),
        (60, 60, 60, 24, 20),
        (60, 27, 0, 13, 0),
    ),
    Case(
        4,
        "high volatility",
        date(2008, 11, 1),
        date(2009, 1, 1),
        5999,
        5_699_050_000,
        ("100", "0.00013", "0.00017", "23", "2.2"),
        ("100", "0.00023", "0.00036", "25", "24"),
        (60, 60, 60, 21, 20),
        (60, 0, 0, 0, 0),
    ),
)

NOT_REPRODUCIBLE = MappingProxyType(
    {
        (2, 4, "average"): "the rules give 7.75; no reading of them gives 7.3",
        (4, 4, "maximum"): (
            "2.2 cannot stand beside the same model's average of 24; the rules give 21.7,"
            " so a digit was lost"
        ),
    }
)
"""Cells of Table 3 (case, model, statistic) that no reading of the rules reproduces."""

Profile = Literal["paper", "causal", "sessions"]
PROFILES: tuple[Profile, ...] = ("paper", "causal", "sessions")


def scenario_table(case: Case, model: int, profile: Profile = "paper") -> dict[str, Any]:
    """The scenario of a case under one of the five models, but for its prices.

    The `paper` profile reproduces the published tables; it looks ahead and rounds returns up. The
    other two do neither (`docs/replication.md`).
    """
    if model not in MODELS:
        raise ValueError(f"there is no Model {model}")
    return {
        "name": f"paper-case-{case.number}-model-{model}",
        "money": {"currency": "JPY", "unit": 1},
        "window": {"start": case.start, "end": case.end, "calendar": profile},
        "prices": {"source": "file", "file": "given", "tokens": TOKENS},
        "loan": {"collateral": dict.fromkeys(TOKENS, NUMBER)},
        "agreement": {
            "model": model,
            "haircut": HAIRCUT,
            "return_rounding": "up" if profile == "paper" else "down",
        },
    }
