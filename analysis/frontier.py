"""The frontier of risk against cost: designs that no other one beats on all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.results import KEYS, varied_factors
from analysis.summary import require

Floats = npt.NDArray[np.float64]

RISKS = ("uncollateralised_before_mean", "close_out_loss")
"""What a default would leave at market value, and what the defaults that happened did leave."""


def efficient(objectives: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Whether each design is Pareto-efficient: no other is at most as large in all, less in one.

    Args:
        objectives: shape (designs, objectives); smaller is better. Designs with a missing value
            are not efficient.
    """
    values = np.asarray(objectives, np.float64)
    result = np.array(np.isfinite(values).all(axis=1), np.bool_, ndmin=1)
    left = np.flatnonzero(result)
    # Whatever beats a design comes before it in this order.
    left = left[np.lexsort(values[left].T[::-1])]
    while len(left):
        first, left = values[left[0]], left[1:]
        beaten = (values[left] >= first).all(axis=1) & (values[left] > first).any(axis=1)
        result[left[beaten]] = False
        left = left[~beaten]
    return result


def frontier(
    runs: pd.DataFrame,
    risks: Sequence[str] = RISKS,
    costs: Sequence[str] = ("margin_calls",),
    by: Sequence[str] | None = None,
    *,
    grain: Mapping[str, float] | None = None,
    resamples: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Mean risks and costs of each design, and whether it is on the frontier.

    `chance` tells how much that can be relied on: the share of bootstrap samples of replications,
    the same ones for every design (they share random numbers), in which the design is efficient.

    Args:
        runs: one row a run.
        risks: columns that measure risk: exposure at market value and losses if not given.
        costs: columns that measure what it costs to have less risk.
        by: columns that tell designs apart; `scenario_id` and the factors that vary if not given.
        grain: by column, the difference of means that is the least to matter; any if not given.
        resamples: number of bootstrap samples.
        seed: of their draw.

    Returns:
        a row a design: `by`, `runs`, the means of `risks` and `costs` under their own names,
        `efficient`, `chance`; sorted by them.

    Raises:
        ResultsError: no such column.
    """
    keys = [KEYS[0], *varied_factors(runs)] if by is None else list(by)
    objectives = list(dict.fromkeys([*risks, *costs]))
    require(runs, [*objectives, *keys, KEYS[1]])
    grouped = runs.groupby(keys, sort=False, dropna=False)
    table = grouped.agg(
        runs=(KEYS[1], "size"), **{name: (name, "mean") for name in objectives}
    ).reset_index()
    step = np.array([(grain or {}).get(name, 0.0) for name in objectives])

    def on_frontier(means: Floats) -> npt.NDArray[np.bool_]:
        coarse = np.round(means / np.where(step > 0, step, 1.0))
        return efficient(np.where(step > 0, coarse, means))

    table["efficient"] = on_frontier(table[objectives].to_numpy(np.float64))
    replications = np.unique(runs[KEYS[1]])
    design = grouped.ngroup().to_numpy()
    column = np.searchsorted(replications, runs[KEYS[1]])
    values = runs[objectives].to_numpy(np.float64)
    rng = np.random.default_rng(seed)
    hits = np.zeros(len(table))
    n = len(replications)
    for _ in range(resamples if n > 1 else 0):
        weight = rng.multinomial(n, np.full(n, 1 / n))[column].astype(np.float64)
        total = np.bincount(design, weight, len(table))
        with np.errstate(invalid="ignore"):
            means = [np.bincount(design, weight * one, len(table)) / total for one in values.T]
        hits += on_frontier(np.stack(means, axis=1))
    table["chance"] = hits / resamples if n > 1 else np.nan
    return table.sort_values(objectives, ignore_index=True)
