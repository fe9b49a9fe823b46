"""The frontier of risk against operations: designs that no other one beats on both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.results import KEYS, varied_factors
from analysis.summary import require

Floats = npt.NDArray[np.float64]


def efficient(risk: npt.ArrayLike, operations: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Whether each point is Pareto-efficient: no other is at most as large in both, less in one.

    Args:
        risk: shape (designs,); smaller is better. Designs with a missing value are not efficient.
        operations: shape (designs,); smaller is better.
    """
    x, y = np.asarray(risk, np.float64), np.asarray(operations, np.float64)
    good = np.isfinite(x) & np.isfinite(y)
    result = np.zeros(len(x), bool)
    order = np.lexsort((y, x))
    order = order[good[order]]
    lowest = np.minimum.accumulate(np.append(np.inf, y[order]))[:-1]
    result[order] = y[order] < lowest
    # Points equal to an efficient one are efficient, too.
    keys = {(x[i], y[i]) for i in np.flatnonzero(result)}
    result[good] = [(a, b) in keys for a, b in zip(x[good], y[good], strict=True)]
    return result


def frontier(
    runs: pd.DataFrame,
    risk: str = "uncollateralised_exposure_mean",
    operations: str = "margin_calls",
    by: Sequence[str] | None = None,
    *,
    resamples: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Mean risk and mean operations of each design, and whether it is on the frontier.

    `chance` tells how much that can be relied on: the share of bootstrap samples of replications,
    the same ones for every design (they share random numbers), in which the design is efficient.

    Args:
        runs: one row a run.
        risk: column that measures risk.
        operations: column that measures operations.
        by: columns that tell designs apart; `scenario_id` and the factors that vary if not given.
        resamples: number of bootstrap samples.
        seed: of their draw.

    Returns:
        a row a design: `by`, `runs`, `risk`, `operations`, `efficient`, `chance`; sorted by risk.

    Raises:
        ResultsError: no such column.
    """
    keys = [KEYS[0], *varied_factors(runs)] if by is None else list(by)
    require(runs, [risk, operations, *keys, KEYS[1]])
    grouped = runs.groupby(keys, sort=False, dropna=False)
    table = grouped.agg(
        runs=(risk, "size"), risk=(risk, "mean"), operations=(operations, "mean")
    ).reset_index()
    table["efficient"] = efficient(table["risk"], table["operations"])
    replications = np.unique(runs[KEYS[1]])
    design = grouped.ngroup().to_numpy()
    column = np.searchsorted(replications, runs[KEYS[1]])
    values = runs[[risk, operations]].to_numpy(np.float64)
    rng = np.random.default_rng(seed)
    hits = np.zeros(len(table))
    n = len(replications)
    for _ in range(resamples if n > 1 else 0):
        weight = rng.multinomial(n, np.full(n, 1 / n))[column].astype(np.float64)
        total = np.bincount(design, weight, len(table))
        with np.errstate(invalid="ignore"):
            x, y = (np.bincount(design, weight * values[:, j], len(table)) / total for j in (0, 1))
        hits += efficient(x, y)
    table["chance"] = hits / resamples if n > 1 else np.nan
    return table.sort_values(["risk", "operations"], ignore_index=True)
