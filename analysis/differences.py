"""Differences between policies on common random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from analysis.bootstrap import CONFIDENCE, LARGE, RESAMPLES, bca_bounds, mean_interval
from analysis.errors import ResultsError
from analysis.results import KEYS, varied_factors
from analysis.summary import SHARES, crossed_rows, groups, metric_columns, require
from analysis.variance import NETWORK, PATH, is_crossed, sources

Floats = npt.NDArray[np.float64]


def paired_differences(
    runs: pd.DataFrame,
    factor: str,
    metrics: Sequence[str] | None = None,
    *,
    baseline: Any = None,
    pool: bool = False,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """What changing one factor does, all other factors and the random numbers held equal.

    Replication `r` of two designs sees the same prices and network, so that its difference
    `x_level(r) - x_baseline(r)` is free of what both have in common; the mean over replications
    has variance `(σ²_a + σ²_b - 2ρσ_aσ_b)/n` (common random numbers: Law, Simulation Modeling and
    Analysis, 5th ed., section 11.2). Intervals are bootstraps over replications (Efron 1987);
    each is for one comparison, not for all of them at once. Where networks and price paths are
    crossed they cover both (`analysis.variance.two_way`).

    Args:
        runs: one row a run.
        factor: the column that is changed.
        metrics: statistics to compare; all if not given.
        baseline: the level of the factor that others are compared with; the smallest (of names the
            first) if not given.
        pool: average each replication over the other factors first, for one effect overall.
        confidence: probability that an interval is to cover.
        resamples: number of bootstrap resamples.
        seed: of their draw.

    Returns:
        a row a combination of the other factors, level and statistic: these, `factor`, `level`,
        `baseline`, `metric`, `pairs`, `baseline_mean`, `difference`, `low`, `high`, `unpaired_low`,
        `unpaired_high` (what the interval would be had the runs been independent),
        `correlation` of the two levels over replications, `sources`, what the intervals contain,
        and the shares of variance of a run's difference, where networks and paths are crossed.

    Raises:
        ResultsError: no such column or level.
    """
    names = list(metric_columns(runs) if metrics is None else metrics)
    require(runs, [*names, factor])
    # Numbers in their order, names in the order in which they come.
    levels = runs[factor].dropna().unique().tolist()
    if pd.api.types.is_numeric_dtype(runs[factor]):
        levels.sort()
    baseline = levels[0] if baseline is None and levels else baseline
    if baseline not in levels:
        known = ", ".join(map(str, levels))
        raise ResultsError(f"{factor} has no level {baseline!r} (there are: {known})")
    others = [name for name in varied_factors(runs) if name != factor]
    options: dict[str, Any] = {"confidence": confidence, "resamples": resamples, "seed": seed}
    rows: list[dict[str, Any]] = []
    blocks: list[dict[str, Any]] = []
    for key, block in groups(runs, others):
        wide = {
            level: group.drop_duplicates(KEYS[1]).set_index(KEYS[1])[names]
            for level, group in block.groupby(factor)
        }
        if baseline in wide:
            blocks.append({"key": dict(zip(others, key, strict=True)), "levels": wide})
    if pool:
        blocks = [_pooled(blocks, baseline, levels)]
    ids = runs.drop_duplicates(KEYS[1]).set_index(KEYS[1]) if is_crossed(runs) else None
    told = {key: sources(block) for key, block in groups(runs, others)}
    told_of_all = sources(runs)
    for one in blocks:
        for level in levels:
            if level == baseline or level not in one["levels"]:
                continue
            base = one["baseline"][level] if pool else one["levels"][baseline]
            both = one["levels"][level].index.intersection(base.index)
            a, b = (frame.loc[both].to_numpy(np.float64) for frame in (one["levels"][level], base))
            head = {**one["key"], "factor": factor, "level": level, "baseline": baseline}
            compared = _compare(a, b, names, options if ids is None else None)
            if ids is not None:
                compared = _compare_crossed(compared, (a, b), names, ids.loc[both], options)
            contained = told_of_all if pool else told[tuple(one["key"].values())]
            rows += [head | row | {"sources": contained} for row in compared]
    return pd.DataFrame(rows)


def _pooled(blocks: list[dict[str, Any]], baseline: Any, levels: Sequence[Any]) -> dict[str, Any]:
    """Means over blocks of each replication, over the blocks that have both levels."""
    means: dict[Any, pd.DataFrame] = {}
    bases: dict[Any, pd.DataFrame] = {}
    for level in levels:
        shared = [block["levels"] for block in blocks if level in block["levels"]]
        if level == baseline or not shared:
            continue
        # A replication counts where every block finished it on both sides: otherwise the blocks
        # would have unequal weights in the two means.
        both = set.intersection(*(set(b[level].index) & set(b[baseline].index) for b in shared))
        index = sorted(both)
        means[level] = sum(block[level].loc[index] for block in shared) / len(shared)
        bases[level] = sum(block[baseline].loc[index] for block in shared) / len(shared)
    return {"key": {}, "levels": means, "baseline": bases}


def _compare(
    a: Floats, b: Floats, names: Sequence[str], options: dict[str, Any] | None
) -> list[dict[str, Any]]:
    """One row a statistic; a and b have shape (runs, statistics). Without options no intervals."""
    rows = []
    for column, name in enumerate(names):
        x, y = a[:, column], b[:, column]
        here = np.isfinite(x) & np.isfinite(y)
        x, y = x[here], y[here]
        low = high = loose_low = loose_high = np.nan
        if options is not None:
            low, high = mean_interval((x - y)[:, None], **options)[:, 0]
            loose_low, loose_high = _unpaired(x, y, **options)
        varied = len(x) > 1 and x.std() > 0 and y.std() > 0
        rows.append(
            {
                "metric": name,
                "pairs": len(x),
                "baseline_mean": y.mean() if len(y) else np.nan,
                "difference": (x - y).mean() if len(x) else np.nan,
                "low": low,
                "high": high,
                "unpaired_low": loose_low,
                "unpaired_high": loose_high,
                "correlation": np.corrcoef(x, y)[0, 1] if varied else np.nan,
            }
        )
    return rows


def _compare_crossed(
    rows: list[dict[str, Any]],
    sides: tuple[Floats, Floats],
    names: Sequence[str],
    ids: pd.DataFrame,
    options: dict[str, Any],
) -> list[dict[str, Any]]:
    """The rows of `_compare` with intervals over networks and paths, and shares of variance."""

    def over(values: Floats) -> pd.DataFrame:
        frame = pd.DataFrame(values, columns=list(names))
        frame[[NETWORK, PATH]] = ids[[NETWORK, PATH]].to_numpy()
        return crossed_rows(frame, names, **options)

    difference, one, other = (over(values) for values in (sides[0] - sides[1], *sides))
    ends, shares = difference[["low", "high"]].to_numpy(), difference[list(SHARES)].to_numpy()
    widths = [(side["high"] - side["low"]).to_numpy() / 2 for side in (one, other)]
    loose = np.hypot(*widths)
    for column, row in enumerate(rows):
        low, high = ends[column]
        middle, half = row["difference"], loose[column]
        row |= {"low": low, "high": high}
        row |= {"unpaired_low": middle - half, "unpaired_high": middle + half}
        row |= dict(zip(SHARES, shares[column], strict=True))
    return rows


def _unpaired(
    x: Floats, y: Floats, confidence: float, resamples: int, seed: int
) -> tuple[float, float]:
    """Interval of the difference of means, both sides drawn by themselves."""
    n = len(x)
    if n < 2:
        return np.nan, np.nan
    if n > LARGE:
        half = ndtri((1 + confidence) / 2) * np.sqrt((x.var(ddof=1) + y.var(ddof=1)) / n)
        middle = x.mean() - y.mean()
        return float(middle - half), float(middle + half)
    weights = _weights(n, resamples, seed)
    x_off, y_off = x - x.mean(), y - y.mean()
    drawn = weights[0] @ x_off - weights[1] @ y_off
    left_out = np.concatenate([-x_off, y_off]) / (n - 1)
    bounds = bca_bounds(drawn[:, None], np.zeros(1), left_out[:, None], confidence)[:, 0]
    low, high = bounds + x.mean() - y.mean()
    return float(low), float(high)


@lru_cache(maxsize=2)
def _weights(n: int, resamples: int, seed: int) -> Floats:
    """Shares of n rows in resamples of two sides, shape (2, resamples, n); kept for all columns."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n, np.full(n, 1 / n), size=(2, resamples)) / n
