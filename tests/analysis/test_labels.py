"""Names and numbers as people read them."""

from __future__ import annotations

import pytest

from analysis.labels import (
    cell_label,
    design_label,
    learn,
    level_label,
    metric_label,
    metric_phrase,
    number_label,
    scale_of,
)
from analysis.meanings import ColumnMeaning


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1234567.8, "1,235,000"),
        (0.012346, "0.01235"),
        (-2.50, "−2.5"),
        (0, "0"),
        (float("nan"), "–"),
        (float("inf"), "–"),
        (99999.6, "100,000"),
        (1e-9, "1.000e−09"),
        (100, "100"),
    ],
)
def test_numbers(number: float, text: str) -> None:
    assert number_label(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.36e-12, "< 0.001"),
        (-1.36e-12, "> −0.001"),
        (0.0005, "0.001"),
        (0.0123, "0.012"),
        (2778, "2,778"),
        (1234567.8, "1,234,568"),
        (-68.84, "−68.8"),
        (0, "0"),
        (float("nan"), "–"),
    ],
)
def test_cells(number: float, text: str) -> None:
    assert cell_label(number) == text


def test_statistics() -> None:
    """In the words that files bring along, and in those of the name where they bring none."""
    learn(
        {
            "over_collateralisation": ColumnMeaning("money", "", label="over-collateralisation"),
            "over_collateralisation_max": ColumnMeaning(
                "money", "", label="largest over-collateralisation of a loan"
            ),
        }
    )
    assert metric_label("margin_calls") == "Margin calls"
    assert metric_label("over_collateralisation_max") == "Over-collateralisation, largest day"
    assert (
        metric_label("over_collateralisation_max", daily=True)
        == "Largest over-collateralisation of a loan"
    )
    assert metric_phrase("uncollateralised_exposure_mean") == "mean uncollateralised exposure"
    assert metric_phrase("transfers") == "transfers"


def test_levels_and_designs() -> None:
    assert level_label("factor.model", 3) == "Model 3"
    assert level_label("factor.agreement.haircut", 0.05) == "haircut 0.05"
    assert level_label("factor.window", "crash") == "crash"
    assert level_label("factor.aggregated", True) == "aggregated"
    assert level_label("factor.aggregated", False) == "not aggregated"
    design = {"factor.model": 1, "factor.haircut": float("nan")}
    assert design_label(design, ["factor.model", "factor.haircut"]) == "Model 1"


def test_scales() -> None:
    money = ColumnMeaning("money", "")
    assert scale_of(money, 2.5e6, "JPY") == (1e6, "million JPY")
    assert scale_of(money, 20, "JPY") == (1, "JPY")
    assert scale_of(ColumnMeaning("share", ""), 0.4) == (0.01, "%")
    assert scale_of(None, 7) == (1, "")
