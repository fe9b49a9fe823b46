"""Time series over the days of many runs."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.results import KEYS
from analysis.summary import require

BAND = (0.05, 0.25, 0.5, 0.75, 0.95)


def daily_bands(
    days: pd.DataFrame,
    column: str,
    by: Sequence[str] = (KEYS[0],),
    *,
    quantiles: Sequence[float] = BAND,
) -> pd.DataFrame:
    """Mean and quantiles over replications, day by day: a pointwise band, not one for whole paths.

    Quantiles interpolate between order statistics (Hyndman and Fan 1996, type 7).

    Args:
        days: table `days`.
        column: what is followed over time.
        by: columns that tell designs apart.
        quantiles: probabilities.

    Returns:
        a row a design and day: `by`, `day`, `runs`, `mean`, and `p5`, `p50`, ... a quantile each.

    Raises:
        ResultsError: no such column.
    """
    from analysis.distributions import quantile_name

    require(days, [column, "day", *by])
    grouped = days.groupby([*by, "day"], sort=True, dropna=False)[column]
    table = grouped.agg(runs="count", mean="mean")
    for probability in quantiles:
        table[quantile_name(probability)] = grouped.quantile(probability)
    return table.reset_index()


def days_between_calls(days: pd.DataFrame, loans: int = 1) -> pd.Series:
    """Mean number of days from one margin call on a loan to the next, for each run.

    Args:
        days: table `days`.
        loans: number of loans (margin accounts) that the calls of a day are spread over.

    Returns:
        days over calls, indexed by `scenario_id` and `replication_id`; infinite without a call.
    """
    require(days, ["margin_calls", *KEYS])
    late = days[days["day"] > 0].groupby(list(KEYS))["margin_calls"]
    number, calls = late.size(), late.sum()
    return (number * loans / calls.where(calls > 0)).fillna(float("inf")).rename("days")
