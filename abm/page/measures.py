"""The day's statistics as the page shows them: the one place that knows their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from abm.books.standing import CAUSES

if TYPE_CHECKING:
    from abm.model import CollateralMarket

MORNING, UNCOVERED = "uncollateralised_before", "uncollateralised_after"
LOSS = "close_out_loss"
UNMET, COVERAGE = "unmet_calls", "coverage"
DEFAULTS = tuple(f"defaults_{cause}" for cause in CAUSES)


def described(market: CollateralMarket) -> list[dict[str, str]]:
    """Every statistic that a market collects, reporters of one's own among them."""
    declared = {measure.name: measure for measure in market.measures}
    told = []
    for name in market.datacollector.model_vars:
        one = declared.get(name)
        words = one.words if one else name.replace("_", " ")
        told.append(
            {
                "name": name,
                "label": words[:1].upper() + words[1:],
                "unit": one.unit if one else "",
                "meaning": one.meaning if one else "A reporter of one's own.",
            }
        )
    return told


def today(market: CollateralMarket) -> dict[str, float]:
    """The statistics of the newest day."""
    return {name: values[-1] for name, values in market.datacollector.model_vars.items()}


def total(market: CollateralMarket, *names: str) -> float:
    """Sum of some statistics over the days so far."""
    return float(sum(sum(market.datacollector.model_vars[name]) for name in names))


def _line(label: str, *of: str, **more: Any) -> dict[str, Any]:
    return {"label": label, "of": of, "sign": 1, "sum": False, "kind": "line", **more}


def _chart(
    name: str, title: str, unit: str, *series: dict[str, Any], **more: Any
) -> dict[str, Any]:
    return {"name": name, "title": title, "unit": unit, "series": series, **more}


CHARTS: tuple[dict[str, Any], ...] = (
    _chart(
        "coverage",
        "Coverage after haircut, threshold",
        "percent",
        _line("coverage", COVERAGE),
        band=True,
    ),
    _chart(
        "calls",
        "Calls",
        "count",
        _line("deliveries", "delivery_calls", kind="bar"),
        _line("returns", "return_calls", sign=-1, kind="bar"),
        _line("unmet", UNMET, kind="unmet"),
    ),
    _chart(
        "exposure",
        "Uncollateralised, and losses so far",
        "money",
        _line("before calls", MORNING),
        _line("after calls", UNCOVERED, hue=2, dash="dotted"),
        _line("losses so far", LOSS, sum=True, hue=1, dash="dashed"),
    ),
    _chart("prices", "Prices, day 0 = 100", "index"),
)
"""Charts of the page: of each the series, a series the sum of some statistics (`of`), added up over
the days with `sum`. Lines of one market have colours (`hue`), those of two the market's, and
dashes."""

FIGURES: tuple[dict[str, Any], ...] = (
    _line("Coverage", COVERAGE, unit="percent"),
    _line("Calls", "delivery_calls", "return_calls", unit="count"),
    _line("Uncollateralised after calls", UNCOVERED, unit="money"),
    _line("Losses so far", LOSS, sum=True, unit="money"),
    _line("Defaults so far", *DEFAULTS, sum=True, unit="count"),
)
"""The five figures above the charts."""

DIFFERENCES: tuple[dict[str, Any], ...] = (
    *FIGURES,
    _line("Unmet calls so far", UNMET, sum=True, unit="count"),
    _line("Calls so far", "delivery_calls", "return_calls", sum=True, unit="count"),
    _line("Called from borrowers so far", "delivery_call_value", sum=True, unit="money"),
    _line("Minted for borrowers so far", "borrower_issued_value", sum=True, unit="money"),
    _line("Collateral", "collateral_value", unit="money"),
    _line("Over-collateralisation", "over_collateralisation", unit="money"),
    _line("Inventory", "wallet_value", unit="money"),
)
"""Rows of the table that compares two markets."""
