"""Which charts there are, and what each shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from abm.books.standing import CAUSES
from abm.page.view import DayView

Floats = npt.NDArray[np.float64]
Dashes = Literal["-", "--", ":"]


@dataclass(frozen=True)
class Series:
    """One line of a chart for each market."""

    label: str
    of: Callable[[DayView], Floats]
    dashes: Dashes = "-"
    bars: bool = False
    """Bars from zero instead of a line."""


@dataclass(frozen=True)
class ChartSpec:
    """What a chart shows. A unit of `money` stands for the currency."""

    name: str
    title: str
    unit: str
    series: tuple[Series, ...]
    band: Callable[[DayView], tuple[Floats, Floats]] | None = None
    """Lower and upper bound of the trigger band."""
    level: float | None = None
    """A value marked by a line across."""
    start: Callable[[DayView], tuple[float, float]] = lambda view: (0.0, 1.0)
    """Range of the first days, so that the scale need not change on each of them."""


def _column(name: str, sign: float = 1.0) -> Callable[[DayView], Floats]:
    return lambda view: sign * view.history[name]


def price_of(token: int) -> Callable[[DayView], Floats]:
    """A token's price, 100 on day 0."""
    return lambda view: np.asarray(100 * view.prices[:, token] / view.prices[0, token])


def _defaults(view: DayView) -> Floats:
    return np.asarray(np.cumsum(sum(view.history[f"defaults_{cause}"] for cause in CAUSES)))


def _gap_band(view: DayView) -> tuple[Floats, Floats]:
    reach = view.trigger * view.history["exposure"]
    return -reach, reach


def _coverage_band(view: DayView) -> tuple[Floats, Floats]:
    reach = 100 * view.trigger * np.ones(view.day + 1)
    return 100 - reach, 100 + reach


def _about_zero(part: float) -> Callable[[DayView], tuple[float, float]]:
    """A part of the first day's exposure either side of zero."""

    def start(view: DayView) -> tuple[float, float]:
        reach = max(part, 1.5 * view.trigger) * float(view.history["exposure"][0])
        return -reach, reach

    return start


def _from_zero(column: str, part: float) -> Callable[[DayView], tuple[float, float]]:
    """From zero to a part of a column's first value."""
    return lambda view: (0.0, part * float(view.history[column][0]))


def _coverage_start(view: DayView) -> tuple[float, float]:
    reach = 100 * max(0.03, 1.5 * view.trigger)
    return 100 - reach, 100 + reach


def _calls_start(view: DayView) -> tuple[float, float]:
    return -0.5 * len(view.loans_of_account), float(len(view.loans_of_account))


def _exposure_start(view: DayView) -> tuple[float, float]:
    first = view.history["exposure"][0], view.history["collateral_value"][0]
    return 0.95 * float(min(first)), 1.03 * float(max(first))


CHARTS = (
    ChartSpec("prices", "Prices", "day 0 = 100", (), level=100, start=lambda view: (80, 110)),
    ChartSpec(
        "coverage",
        "Coverage after haircut, and trigger band",
        "% of exposure",
        (Series("coverage", lambda view: 100 * view.history["coverage"]),),
        _coverage_band,
        100,
        _coverage_start,
    ),
    ChartSpec(
        "gap",
        "Gap, and trigger band",
        "money",
        (Series("gap", _column("gap")),),
        _gap_band,
        0,
        _about_zero(0.02),
    ),
    ChartSpec(
        "calls",
        "Calls a day: deliveries up, returns down",
        "calls",
        (
            Series("delivery", _column("delivery_calls"), bars=True),
            Series("return", _column("return_calls", -1), bars=True),
            Series("unmet", _column("unmet_calls"), ":"),
        ),
        level=0,
        start=_calls_start,
    ),
    ChartSpec(
        "minting",
        "Minted on a call: borrowers up, lenders down",
        "money",
        (
            Series("borrowers", _column("borrower_issued_value"), bars=True),
            Series("lenders", _column("lender_issued_value", -1), bars=True),
        ),
        level=0,
        start=_from_zero("exposure", 0.02),
    ),
    ChartSpec(
        "exposure",
        "Exposure and collateral",
        "money",
        (
            Series("exposure", _column("exposure")),
            Series("collateral", _column("collateral_value"), "--"),
        ),
        start=_exposure_start,
    ),
    ChartSpec(
        "loss",
        "Uncollateralised, and losses so far",
        "money",
        (
            Series("uncollateralised", _column("uncollateralised_exposure")),
            Series("losses", lambda view: np.cumsum(view.history["close_out_loss"]), "--"),
        ),
        start=_from_zero("exposure", 0.03),
    ),
    ChartSpec(
        "inventory",
        "Inventory: collateral in borrowers' wallets",
        "money",
        (Series("wallets", _column("wallet_value")),),
        start=_from_zero("wallet_value", 1.1),
    ),
    ChartSpec(
        "defaults",
        "Defaults so far",
        "participants",
        (Series("defaults", _defaults),),
        start=lambda view: (0.0, 3.0),
    ),
)
"""Every chart of the page, in its order."""
