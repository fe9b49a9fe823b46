"""What each design did on average, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.bootstrap import CONFIDENCE, RESAMPLES, mean_interval
from analysis.errors import ResultsError
from analysis.meanings import FACTOR
from analysis.results import KEYS, varied_factors
from analysis.variance import NETWORK, PATH, grid_of, is_crossed, mean_of_grid, sources

SHARES = ("network_share", "path_share", "rest_share")
"""Columns of the shares of variance."""

HEADLINES = (
    "uncollateralised_before_bp_mean",
    "uncollateralised_before_bp_q975",
    "uncollateralised_after_bp_mean",
    "uncollateralised_after_bp_q975",
    "defaults",
    "close_out_loss",
    "margin_calls",
    "transfers",
    "borrower_issuances",
    "lender_issuances",
    "unmet_calls",
    "requirement_shortfall_mean",
    "over_collateralisation_mean",
    "return_fails",
    "peak_liquidity_demand",
    "absolute_gap_mean",
    "collateral_velocity_max",
)
"""What is shown of each design, in this order: risk, what came of it, and operations."""


def headlines(runs: pd.DataFrame) -> list[str]:
    """The statistics of `HEADLINES` that any run has some of."""
    return [name for name in HEADLINES if name in runs and runs[name].fillna(0).any()]


def metric_columns(runs: pd.DataFrame) -> list[str]:
    """The numeric columns of `runs` that are statistics: neither keys nor factors."""
    return [
        name
        for name in runs.select_dtypes("number").columns
        if name not in (*KEYS, NETWORK, PATH, "seconds", "seed") and not name.startswith(FACTOR)
    ]


def summarise(
    runs: pd.DataFrame,
    metrics: Sequence[str] | None = None,
    by: Sequence[str] | None = None,
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Mean of each statistic over the runs of each design, with its interval.

    Of replications the interval is the bias-corrected and accelerated bootstrap (Efron 1987); see
    `analysis.bootstrap.mean_interval`. Where networks and price paths are crossed it covers both
    sources of variance, of which the shares are told; see `analysis.variance.two_way`. Missing
    values are left out, and counted in `runs`.

    Args:
        runs: one row a run.
        metrics: columns to summarise; all statistics if not given.
        by: columns that tell designs apart; `scenario_id` and the factors that vary if not given.
        confidence: probability that an interval is to cover.
        resamples: number of bootstrap resamples.
        seed: of their draw.

    Returns:
        a row a design and statistic: the columns of `by`, `metric`, `runs`, `mean`, `low`, `high`,
        `standard_deviation`, `median`, `smallest`, `largest`; `sources`, what the interval
        contains in words; `network_share`, `path_share` and `rest_share` of the variance of a run,
        where the two are crossed.

    Raises:
        ResultsError: no such column.
    """
    names = list(metric_columns(runs) if metrics is None else metrics)
    keys = [KEYS[0], *varied_factors(runs)] if by is None else list(by)
    require(runs, [*names, *keys])
    tables = []
    for key, group in groups(runs, keys):
        values = group[names].to_numpy(np.float64)
        rows = summary_rows(values, names, confidence, resamples, seed)
        rows["sources"] = sources(group)
        rows[list(SHARES)] = np.nan
        if is_crossed(runs):
            options = {"confidence": confidence, "resamples": resamples, "seed": seed}
            crossed = crossed_rows(group, names, **options)  # type: ignore[arg-type]
            rows[["low", "high", *SHARES]] = crossed.to_numpy()
        for position, (name, value) in enumerate(zip(keys, key, strict=True)):
            rows.insert(position, name, [value] * len(rows))
        tables.append(rows)
    if not tables:
        return pd.DataFrame(columns=[*keys, *STATISTICS])
    return pd.concat(tables, ignore_index=True)


STATISTICS = (
    "metric",
    "runs",
    "mean",
    "low",
    "high",
    "standard_deviation",
    "median",
    "smallest",
    "largest",
    "sources",
    *SHARES,
)


def crossed_rows(
    runs: pd.DataFrame,
    names: Sequence[str],
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Interval of the mean and shares of variance of each statistic of crossed runs, a row each."""
    missing = [name for name in names if runs[name].isna().any()]
    whole = [name for name in names if name not in missing]
    rows: dict[str, tuple[float, ...]] = {}
    for some in (whole, *([name] for name in missing)):
        if some:
            found = mean_of_grid(grid_of(runs, some), confidence, resamples, seed)
            rows |= dict(zip(some, zip(*found[1:], strict=True), strict=True))
    return pd.DataFrame.from_dict(
        {name: rows[name] for name in names}, orient="index", columns=["low", "high", *SHARES]
    )


def summary_rows(
    values: np.ndarray, names: Sequence[str], confidence: float, resamples: int, seed: int
) -> pd.DataFrame:
    """One row of `STATISTICS` for each column of `values`, shape (runs, columns)."""
    here = np.isfinite(values)
    low, high = np.full((2, len(names)), np.nan)
    complete = here.all(axis=0)
    options = {"confidence": confidence, "resamples": resamples, "seed": seed}
    if complete.any():
        low[complete], high[complete] = mean_interval(values[:, complete], **options)  # type: ignore[arg-type]
    for column in np.flatnonzero(~complete):
        left = values[here[:, column], column]
        low[column], high[column] = mean_interval(left[:, None], **options)[:, 0]  # type: ignore[arg-type]
    columns = [values[here[:, j], j] for j in range(len(names))]
    nan = np.nan
    return pd.DataFrame(
        {
            "metric": list(names),
            "runs": here.sum(axis=0),
            "mean": [c.mean() if len(c) else nan for c in columns],
            "low": low,
            "high": high,
            "standard_deviation": [c.std(ddof=1) if len(c) > 1 else nan for c in columns],
            "median": [np.median(c) if len(c) else nan for c in columns],
            "smallest": [c.min() if len(c) else nan for c in columns],
            "largest": [c.max() if len(c) else nan for c in columns],
        }
    )


def groups(
    frame: pd.DataFrame, keys: Sequence[str]
) -> list[tuple[tuple[object, ...], pd.DataFrame]]:
    """The groups of equal keys in order of appearance; one group for no keys. Empty keys count."""
    if not keys:
        return [((), frame)] if len(frame) else []
    grouped = frame.groupby(list(keys), sort=False, dropna=False)
    return [(key, group) for key, group in grouped]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, a dictionary each."""
    rows: list[dict[str, Any]] = [
        {str(name): value for name, value in row.items()} for row in frame.to_dict("records")
    ]
    return rows


def require(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    """Refuse a table without these columns."""
    for column in columns:
        if column not in frame:
            raise ResultsError(f"no column {column} (there are: {', '.join(map(str, frame))})")
