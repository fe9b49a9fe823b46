"""Profiles of exposure: expected and at a quantile, for a counterparty and for the market."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.results import KEYS
from analysis.summary import require

LEVEL = 0.975
"""Of the quantile: that of Basel's potential future exposure."""

BEFORE = "uncollateralised_before"


def exposure_profile(
    frame: pd.DataFrame,
    by: Sequence[str] = (KEYS[0],),
    *,
    column: str = BEFORE,
    level: float = LEVEL,
) -> pd.DataFrame:
    """Exposure over the days, over all runs of a design: expected, and at a quantile.

    The expected exposure of a day is `EE(t) = E[(L - C)⁺]`, and the potential one a quantile of the
    same (Basel Committee 2006, annex 4), over networks and price paths together.

    Args:
        frame: table `exposures`, with `participant` in `by`; or `days`, for the market.
        by: columns that tell designs and counterparties apart.
        column: the exposure.
        level: of the quantile; interpolated (Hyndman and Fan 1996, type 7).

    Returns:
        a row a combination of `by` and day: these, `runs`, `expected`, `quantile`.

    Raises:
        ResultsError: no such column.
    """
    require(frame, [column, "day", *by])
    grouped = frame[frame["day"] > 0].groupby([*by, "day"], sort=True, dropna=False)[column]
    table = grouped.agg(runs="count", expected="mean")
    table["quantile"] = grouped.quantile(level)
    return table.reset_index()


def counterparties(
    exposures: pd.DataFrame,
    by: Sequence[str] = (KEYS[0],),
    *,
    column: str = BEFORE,
    level: float = LEVEL,
) -> pd.DataFrame:
    """Exposure to each counterparty over days and paths, the largest expected one first.

    Args:
        exposures: table `exposures`. In networks that differ, equal names are not the same
            counterparty: take one network (`network_id`) for profiles of single ones.
        by: columns that tell designs apart.
        column: the exposure.
        level: of the quantile.

    Returns:
        a row a combination of `by` and participant: these, `outcomes` (days of all runs),
        `expected`, `quantile`, `largest` and `share` of the market's expected exposure.

    Raises:
        ResultsError: no such column.
    """
    require(exposures, [column, "day", "participant", *by])
    late = exposures[exposures["day"] > 0]
    outcomes = late.groupby([*by, "participant"], sort=False, dropna=False)[column]
    found = outcomes.agg(outcomes="count", expected="mean", largest="max")
    found.insert(2, "quantile", outcomes.quantile(level))
    table: pd.DataFrame = found.reset_index()
    designs = table.groupby(list(by), dropna=False) if by else table.assign(of=0).groupby("of")
    table["share"] = table["expected"] / designs["expected"].transform("sum")
    table = table.sort_values("expected", ascending=False, kind="stable", ignore_index=True)
    return table.sort_values(list(by), kind="stable", ignore_index=True) if by else table
