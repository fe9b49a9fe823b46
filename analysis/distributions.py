"""Distributions of exposure and loss: quantiles and expected shortfall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from abm.formulas.risk import TAIL, tail_mean
from analysis.bootstrap import CONFIDENCE, statistic_interval
from analysis.results import KEYS, varied_factors
from analysis.summary import groups, require
from analysis.variance import NETWORK, PATH, crossed_interval, is_crossed

Floats = npt.NDArray[np.float64]

QUANTILES = (0.5, 0.9, 0.95, 0.99)


def expected_shortfall(losses: npt.ArrayLike, tail: float = TAIL) -> float:
    """Mean of the largest `tail` of the losses; nan where there are none.

    Args:
        losses: shape (n,), losses positive.
        tail: part of the losses, above 0 and at most 1.
    """
    values = np.asarray(losses, np.float64).ravel()
    if not len(values) or np.isnan(values).any():
        return float("nan")
    k = tail * len(values)
    whole = int(np.ceil(k - 1e-9))
    return tail_mean(np.sort(np.partition(values, len(values) - whole)[-whole:]), k)


def distribution(
    frame: pd.DataFrame,
    column: str,
    by: Sequence[str] | None = None,
    *,
    quantiles: Sequence[float] = QUANTILES,
    tail: float = TAIL,
    confidence: float = CONFIDENCE,
    resamples: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Quantiles and expected shortfall of a column over runs, or over the days of all runs.

    Quantiles interpolate between order statistics (Hyndman and Fan 1996, type 7). Intervals are
    percentile bootstraps that draw whole runs, because the days of one run depend on each other
    (cluster bootstrap: Davison and Hinkley 1997, section 3.8); of crossed runs, known by
    `network_id` and `path_id`, networks and price paths (`analysis.variance.crossed_interval`).

    Args:
        frame: table `runs` or `days`.
        column: what is distributed.
        by: columns that tell designs apart; `scenario_id` and the factors in `frame` that vary if
            not given.
        quantiles: probabilities.
        tail: part of the outcomes for expected shortfall.
        confidence: probability that an interval is to cover.
        resamples: number of bootstrap resamples; 0 for no intervals.
        seed: of their draw.

    Returns:
        a row a design and statistic: `by`, `statistic` (`mean`, `p95`, ..., `expected_shortfall`),
        `probability` (of the quantile, or the tail's begin), `outcomes`, `value`, `low`, `high`.

    Raises:
        ResultsError: no such column.
    """
    keys = [KEYS[0], *varied_factors(frame)] if by is None else list(by)
    require(frame, [column, *keys, KEYS[1]])
    probabilities = [*quantiles]
    names = ["mean", *(quantile_name(p) for p in probabilities), "expected_shortfall"]
    levels = [np.nan, *probabilities, 1 - tail]
    rows = []
    crossed = is_crossed(frame)
    for key, group in groups(frame, keys):
        # One row of days a run, with NaN behind the last day of a short one.
        runs = [KEYS[0], KEYS[1]] if KEYS[0] in group else [KEYS[1]]
        runs = [NETWORK, PATH] if crossed else runs
        clusters = [g[column].to_numpy(np.float64) for _, g in group.groupby(runs)]
        longest = max(len(cluster) for cluster in clusters)
        table = np.full((len(clusters), longest), np.nan)
        for row, cluster in zip(table, clusters, strict=True):
            row[: len(cluster)] = cluster

        def statistics(drawn: Floats) -> Floats:
            values = drawn[np.isfinite(drawn)]
            if not len(values):
                return np.full(len(names), np.nan)
            return np.array(
                [
                    values.mean(),
                    *np.quantile(values, probabilities),
                    expected_shortfall(values, tail),
                ]
            )

        estimate = statistics(table)
        low, high = np.full((2, len(names)), np.nan)
        options: dict[str, Any] = {"confidence": confidence, "resamples": resamples, "seed": seed}
        networks = group[NETWORK].nunique() if crossed else 0
        if resamples and networks and len(table) == networks * group[PATH].nunique():
            low, high = crossed_interval(
                table.reshape(networks, -1, longest), statistics, **options
            )
        elif resamples:
            low, high = statistic_interval(table, statistics, **options)
        head = dict(zip(keys, key, strict=True))
        outcomes = int(np.isfinite(table).sum())
        for position, name in enumerate(names):
            rows.append(
                {
                    **head,
                    "statistic": name,
                    "probability": levels[position],
                    "outcomes": outcomes,
                    "value": estimate[position],
                    "low": low[position],
                    "high": high[position],
                }
            )
    return pd.DataFrame(rows)


def quantile_name(probability: float) -> str:
    """`p95` for 0.95, `p99.5` for 0.995."""
    return f"p{100 * probability:.6g}"


def exceedance(values: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Values in rising order, and the share of all values that exceeds each.

    Returns:
        two arrays of shape (finite values,).
    """
    ordered = np.sort(np.asarray(values, np.float64).ravel())
    ordered = ordered[np.isfinite(ordered)]
    return ordered, 1 - np.searchsorted(ordered, ordered, side="right") / max(len(ordered), 1)
