"""Two sources of variance: networks and price paths, crossed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import stdtrit

from analysis.bootstrap import CONFIDENCE, RESAMPLES, Statistic, mean_interval

Floats = npt.NDArray[np.float64]

ONE_HISTORY_WORDS = "one history"
"""What is said of prices that are the same in every run."""

NETWORK, PATH, ONE_HISTORY = "network_id", "path_id", "one_history"
"""Columns of `runs`: whose network and whose prices a run has, and whether these are history."""


class TwoWay(NamedTuple):
    """Means over a grid of networks and paths; each of shape (columns,)."""

    mean: Floats
    low: Floats
    """Ends of the interval of the mean over further networks and paths."""
    high: Floats
    network: Floats
    """Share of the variance of a single run that is due to its network; likewise its path."""
    path: Floats
    rest: Floats
    """What is left: how a network and a path go together, and what is drawn for each pair."""


def two_way(table: npt.ArrayLike, confidence: float = CONFIDENCE) -> TwoWay:
    """Two-way analysis of variance of a grid, both factors random.

    With `x = μ + a_n + b_p + e_np` the mean squares of N networks and P paths have the expectations
    `P·σ_a² + σ_e²`, `N·σ_b² + σ_e²` and `σ_e²` (Searle, Casella and McCulloch 1992, chapter 4), and
    the mean the variance `σ_a²/N + σ_b²/P + σ_e²/(NP)`, which is estimated by `(max(MS_a, MS_e) +
    max(MS_b, MS_e) - MS_e)/(NP)`: components of variance below zero count as zero. The interval is
    Student's t with Satterthwaite's (1946) degrees of freedom, corrected for skewness by Hall's
    (1992) transformation: exposures have a long tail to one side.

    Args:
        table: shape (networks, paths) or (networks, paths, columns), two at least of each.
        confidence: probability that the interval is to cover.
    """
    x = np.asarray(table, np.float64)
    x = x[..., None] if x.ndim == 2 else x
    n, p = x.shape[:2]
    mean = x.mean(axis=(0, 1))
    a, b = x.mean(axis=1) - mean, x.mean(axis=0) - mean
    e = x - mean - a[:, None] - b[None]
    df = np.array([n - 1, p - 1, (n - 1) * (p - 1)], np.float64)[:, None]
    squares = np.stack([p * (a**2).sum(0), n * (b**2).sum(0), (e**2).sum((0, 1))]) / df
    squares[squares <= (1e-12 * np.abs(mean)) ** 2 * n * p] = 0  # rounding
    ms_a, ms_b, ms_e = squares
    parts = np.stack([np.maximum(ms_a, ms_e), np.maximum(ms_b, ms_e), -ms_e])
    total = parts.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = total**2 / (parts**2 / df).sum(axis=0)
        error = np.sqrt(total / (n * p))
        skew = (_third(a) + _third(b)) / error**3
        reach = stdtrit(freedom, (1 + confidence) / 2)
        ends = np.stack([_untransformed(reach, skew), _untransformed(-reach, skew)])
        low, high = mean - np.where(total > 0, ends * error, 0.0)
        spread = np.stack([np.maximum(ms_a - ms_e, 0) / p, np.maximum(ms_b - ms_e, 0) / n, ms_e])
        shares = spread / spread.sum(axis=0)
    return TwoWay(mean, low, high, *shares)


def _third(effects: Floats) -> Floats:
    """Third cumulant of the mean of some effects, shape (effects, columns); 0 of two."""
    k = len(effects)
    if k < 3:
        return np.zeros(effects.shape[1])
    return (effects**3).sum(axis=0) / (k * (k - 1) * (k - 2))


def _untransformed(t: Floats, skew: Floats) -> Floats:
    """Hall's (1992) cubic transformation of a t statistic, inverted; the identity without skew."""
    skew = np.where(np.abs(skew) < 1e-9, 1e-9, skew)
    return 3 / skew * (np.cbrt(1 + skew * (t - skew / 6)) - 1)


def is_crossed(runs: pd.DataFrame) -> bool:
    """Whether networks and paths of some runs are drawn apart."""
    if NETWORK not in runs or PATH not in runs:
        return False
    known = runs[[NETWORK, PATH]].dropna()
    return bool((known[NETWORK] != known[PATH]).any())


def grid_of(runs: pd.DataFrame, names: Sequence[str]) -> Floats:
    """The values of crossed runs as a grid, shape (networks, paths, columns).

    Several runs of a pair (of several designs) count as their mean. A path on which a pair is
    missing is left out, since a mean without it would weigh networks unequally; so is a network
    without any path.
    """
    means = runs.groupby([NETWORK, PATH])[list(names)].mean()
    networks = means.index.get_level_values(0).unique()
    whole = means.dropna().groupby(level=1).size()
    paths = whole.index[whole == len(networks)]
    wanted = pd.MultiIndex.from_product([networks, paths])
    return means.reindex(wanted).to_numpy(np.float64).reshape(len(networks), len(paths), len(names))


def mean_of_grid(grid: Floats, confidence: float, resamples: int, seed: int) -> TwoWay:
    """Mean and interval of a grid, of one network or one path as well; one column at least.

    With one network the interval is over paths alone, with one path over networks alone: a
    bias-corrected bootstrap, as for replications.
    """
    n, p, columns = grid.shape
    if n > 1 and p > 1:
        return two_way(grid, confidence)
    rows = grid.reshape(n * p, columns)
    nan = np.full(columns, np.nan)
    if not len(rows):
        return TwoWay(nan, nan, nan, nan, nan, nan)
    low, high = mean_interval(rows, confidence=confidence, resamples=resamples, seed=seed)
    return TwoWay(rows.mean(axis=0), low, high, nan, nan, nan)


def crossed_interval(
    grid: npt.ArrayLike,
    statistic: Statistic,
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Floats:
    """Percentile interval of any statistic of crossed runs: networks and paths are both redrawn.

    The pigeonhole bootstrap (Owen 2007): it is a little too wide rather than too narrow.

    Args:
        grid: shape (networks, paths, ...).
        statistic: gives a number or an array of numbers for rows of shape (runs, ...).
        confidence: probability that the interval is to cover.
        resamples: number of resamples.
        seed: of their draw.

    Returns:
        shape (2, ...) with the shape of the statistic; NaN for a single run.
    """
    values = np.asarray(grid, np.float64)
    n, p = values.shape[:2]
    estimate = np.asarray(statistic(values.reshape(n * p, *values.shape[2:])))
    if n * p < 2:
        return np.full((2, *estimate.shape), np.nan)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(resamples):
        chosen = values[rng.integers(0, n, n)][:, rng.integers(0, p, p)]
        drawn.append(statistic(chosen.reshape(n * p, *values.shape[2:])))
    tail = (1 - confidence) / 2
    bounds: Floats = np.quantile(np.stack(drawn), [tail, 1 - tail], axis=0)
    return bounds


def sources(runs: pd.DataFrame) -> str:
    """What an interval over some runs of a design contains, in words.

    Runs of history as it was hold no market risk, whatever their number: they are "one history".
    """
    n, p = (int(runs[key].nunique()) if key in runs else 0 for key in (NETWORK, PATH))
    history = runs[ONE_HISTORY].fillna(False).astype(bool) if ONE_HISTORY in runs else None
    one = bool(history is not None and history.all())
    some = bool(history is not None and history.any()) and not one
    if not is_crossed(runs):
        count = int(runs["replication_id"].nunique()) if "replication_id" in runs else len(runs)
        if count == 1:
            told = "one run"
        elif one:
            told = f"{count:,} networks"
        elif n:
            told = f"{count:,} networks with a price path each"
        else:
            told = f"{count:,} replications"
    else:
        networks = "one network" if n == 1 else f"{n:,} networks"
        paths = "one price path" if p == 1 else f"{p:,} price paths"
        told = networks if one else f"{networks} × {paths}"
    if one:
        return f"{told}, {ONE_HISTORY_WORDS}"
    return f"{told}, some of {ONE_HISTORY_WORDS}" if some else told


def contained(told: Iterable[str]) -> str:
    """A sentence on what intervals contain, from what `sources` says of the designs."""
    every = dict.fromkeys(told)
    if set(every) == {"one run"}:
        return ""
    some = [each for each in every if each != "one run"]
    sentence = f"Intervals are over {' or '.join(some)}."
    if any(each.endswith(ONE_HISTORY_WORDS) for each in some):
        sentence += (
            f" On {ONE_HISTORY_WORDS} they hold no market risk: what other prices would have"
            " done is not in them."
        )
    return sentence
