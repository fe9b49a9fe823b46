"""Marks can be told apart: by shape, and from what they stand on."""

from __future__ import annotations

import pytest

from analysis.marks import COVERAGE, COVERAGE_DARK, ROLES, SERIES, SERIES_DARK, STATES

PAPER, DARK = "#ffffff", "#15181d"


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours (WCAG 2.1)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mark", [*ROLES.values(), *STATES.values()])
def test_marks_stand_out(mark: tuple[str, str, str, str]) -> None:
    assert contrast(mark[2], PAPER) > 2.4
    assert contrast(mark[3], DARK) > 4.5


@pytest.mark.parametrize("colour", [*COVERAGE, *SERIES])
def test_edges_and_lines_stand_out_on_light(colour: str) -> None:
    assert contrast(colour, PAPER) > 2.4


@pytest.mark.parametrize("colour", [*COVERAGE_DARK, *SERIES_DARK])
def test_edges_and_lines_stand_out_on_dark(colour: str) -> None:
    assert contrast(colour, DARK) > 4.5


def test_a_default_and_an_unmet_call_differ_in_shape_and_colour() -> None:
    default, unmet = STATES["default"], STATES["unmet"]
    assert default.symbol != unmet.symbol
    assert default.marker != unmet.marker
    assert default.light != unmet.light


def test_roles_differ_in_shape() -> None:
    assert len({mark.symbol for mark in ROLES.values()}) == len(ROLES)
    assert len({mark.marker for mark in ROLES.values()}) == len(ROLES)
