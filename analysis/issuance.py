"""How likely it is that tokens must be minted on the day, and what inventory prevents it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import isotonic_regression

from analysis.bootstrap import CONFIDENCE, RESAMPLES, wilson_interval
from analysis.errors import ResultsError
from analysis.results import KEYS
from analysis.summary import groups, require

Floats = npt.NDArray[np.float64]

INVENTORY = "factor.participants.prefunded_inventory"


def issuance_probability(
    runs: pd.DataFrame,
    inventory: str = INVENTORY,
    count: str = "borrower_issuances",
    by: Sequence[str] = (),
    *,
    confidence: float = CONFIDENCE,
) -> pd.DataFrame:
    """Probability that a run needs additional issuance, at each level of prefunded inventory.

    The share of runs with at least one issuance, with its score interval (Wilson 1927), and the
    decreasing curve closest to these shares (`fitted`; isotonic regression by pooling adjacent
    violators, Barlow et al. 1972): more inventory cannot need more issuance, on the same paths.

    Args:
        runs: one row a run.
        inventory: column with the prefunded inventory.
        count: column with the number of issuances in the run; any number above 0 counts.
        by: columns that tell curves apart.
        confidence: probability that an interval is to cover.

    Returns:
        a row a curve and level: `by`, `inventory`, `runs`, `probability`, `low`, `high`, `fitted`.

    Raises:
        ResultsError: no such column, or inventories that are not numbers.
    """
    require(runs, [inventory, count, *by])
    rows = []
    for key, group in groups(runs, by):
        hit = group[count].to_numpy(np.float64) > 0
        levels, row_of = np.unique(_numbers(group, inventory), return_inverse=True)
        trials = np.bincount(row_of)
        successes = np.bincount(row_of, hit)
        low, high = wilson_interval(successes, trials, confidence)
        fitted = isotonic_regression(successes / trials, weights=trials, increasing=False).x
        head = dict(zip(by, key, strict=True))
        for position, level in enumerate(levels):
            rows.append(
                {
                    **head,
                    "inventory": level,
                    "runs": trials[position],
                    "probability": successes[position] / trials[position],
                    "low": low[position],
                    "high": high[position],
                    "fitted": fitted[position],
                }
            )
    return pd.DataFrame(rows)


def required_inventory(
    runs: pd.DataFrame,
    target: float,
    inventory: str = INVENTORY,
    count: str = "borrower_issuances",
    by: Sequence[str] = (),
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """The smallest prefunded inventory with which issuance is at most as likely as `target`.

    Where the decreasing curve of `issuance_probability` crosses the target, interpolated linearly
    between levels. The interval is a percentile bootstrap over replications, the same ones at every
    level because they share random numbers.

    Args:
        runs: one row a run.
        target: wanted probability of issuance.
        inventory: column with the prefunded inventory.
        count: column with the number of issuances in the run.
        by: columns that tell curves apart.
        confidence: probability that the interval is to cover.
        resamples: number of bootstrap resamples.
        seed: of their draw.

    Returns:
        a row a curve: `by`, `target`, `required`, `low`, `high`. NaN for an inventory beyond the
        largest one that was simulated.

    Raises:
        ResultsError: no such column, a target outside 0 to 1, or inventories that are not numbers.
    """
    if not 0 <= target <= 1:
        raise ResultsError(f"target: a probability lies between 0 and 1 (it is {target})")
    require(runs, [inventory, count, *by, KEYS[1]])
    rows = []
    for key, group in groups(runs, by):
        hits = pd.DataFrame(
            {
                "r": group[KEYS[1]].to_numpy(),
                "level": _numbers(group, inventory),
                "hit": group[count].to_numpy(np.float64) > 0,
            }
        ).pivot_table(index="r", columns="level", values="hit", aggfunc="mean")
        levels = hits.columns.to_numpy(np.float64)

        def crossing(table: Floats, levels: Floats = levels) -> float:
            return crossing_point(levels, table, target)

        values = hits.to_numpy(np.float64)
        drawn_low, drawn_high = _ordered_interval(values, crossing, confidence, resamples, seed)
        rows.append(
            {
                **dict(zip(by, key, strict=True)),
                "target": target,
                "required": _finite(crossing(values)),
                "low": drawn_low,
                "high": drawn_high,
            }
        )
    return pd.DataFrame(rows)


def crossing_point(levels: Floats, hits: Floats, target: float) -> float:
    """Where the decreasing fit to the column means of `hits` falls to `target`; inf if nowhere.

    Args:
        levels: shape (levels,), rising.
        hits: shape (replications, levels), 0 or 1; NaN where there is no run.
        target: the probability.
    """
    trials = np.isfinite(hits).sum(axis=0)
    there = trials > 0
    levels, trials = levels[there], trials[there]
    if not len(levels):
        return float("nan")
    share = np.nansum(hits[:, there], axis=0) / trials
    fitted = isotonic_regression(share, weights=trials, increasing=False).x
    if fitted[0] <= target:
        return float(levels[0])
    if fitted[-1] > target:
        return float("inf")
    j = int(np.argmax(fitted <= target))
    part = (fitted[j - 1] - target) / (fitted[j - 1] - fitted[j])
    return float(levels[j - 1] + part * (levels[j] - levels[j - 1]))


def _ordered_interval(
    values: Floats, crossing: object, confidence: float, resamples: int, seed: int
) -> tuple[float, float]:
    """Percentile bounds that may be infinite: taken at order statistics, without interpolation."""
    if len(values) < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    n = len(values)
    drawn = np.sort(
        [crossing(values[rng.integers(0, n, n)]) for _ in range(resamples)]  # type: ignore[operator]
    )
    tail = (1 - confidence) / 2
    low = drawn[int(np.floor(tail * (resamples - 1)))]
    high = drawn[int(np.ceil((1 - tail) * (resamples - 1)))]
    return _finite(float(low)), _finite(float(high))


def _finite(value: float) -> float:
    return value if np.isfinite(value) else float("nan")


def _numbers(frame: pd.DataFrame, column: str) -> Floats:
    numbers = pd.to_numeric(frame[column], errors="coerce").to_numpy(np.float64)
    if np.isnan(numbers).any():
        raise ResultsError(f"{column}: inventories must be numbers to lie on one axis")
    return numbers
