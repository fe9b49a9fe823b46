"""How the days of a run become its summary."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.standing import CAUSES
from abm.measures.exposures import LEVEL
from abm.measures.measure import COUNT, FLOW, MONEY, PEAK, RATIO, SHARE, Measure
from abm.measures.standard import MEASURES
from scenarios.kept import shared

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[Any]

TOTAL, MEAN, LARGEST, WEIGHTED, QUANTILE = range(5)
"""How the days of a measure become one number."""


class Statistic(NamedTuple):
    """One number of a whole run."""

    name: str
    unit: str
    meaning: str
    label: str
    whole: bool
    """Whether it is a whole number."""
    measure: str = ""
    """What is summed up; empty for what follows from several measures."""
    how: int = TOTAL
    weight: str = ""
    """Of a weighted mean: the measure that days are weighted with."""


def statistics(measures: Iterable[Measure] = MEASURES) -> list[Statistic]:
    """What is told of a run, in the order of the columns of `runs`.

    Of a level and of a ratio the mean and the largest over days (`_mean`, `_max`), and of some the
    97.5 % quantile (`_q975`); of a peak the largest, of a flow the total (its own name); then what
    follows from several of them.
    """
    found = [Statistic("days", "day", "Days simulated, day 0 left out.", "days", True)]
    for measure in measures:
        found += _of_days(measure)
    return found + [statistic for statistic, _ in _OF_RUNS]


def sum_up(days: Floats, measures: Sequence[Measure] = MEASURES) -> dict[str, float]:
    """A run's summary statistics from its daily ones, day 0 left out.

    Values that are not a number are left out of sums and means.

    Args:
        days: what was measured each day, shape (measures, days).
        measures: as declared.
    """
    plan, (values, whole) = _plan_of(measures), _summed(days[None], measures)
    both = zip(plan.statistics, values[:, 0].tolist(), whole[:, 0].tolist(), strict=True)
    return {one.name: count if one.whole else value for one, value, count in both}


def sum_up_all(days: Floats, measures: Sequence[Measure] = MEASURES) -> dict[str, Numbers]:
    """The summary statistics of some runs of as many days, by name; see `sum_up`.

    Args:
        days: what was measured, shape (runs, measures, days).
        measures: as declared.

    Returns:
        Numbers of shape (runs,).
    """
    plan, (values, whole) = _plan_of(measures), _summed(days, measures)
    both = zip(plan.statistics, values, whole, strict=True)
    return {one.name: count if one.whole else value for one, value, count in both}


def _summed(days: Floats, measures: Sequence[Measure]) -> tuple[Floats, Ints]:
    """All statistics of runs, shape (statistics, runs), and the same as whole numbers."""
    plan = _plan_of(measures)
    later = np.ascontiguousarray(days[:, :, 1:])
    missing = np.isnan(later)
    there = np.where(missing, 0.0, later) if missing.any() else later
    runs, _, number = later.shape
    largest = np.fmax.reduce(later, axis=2) if number else np.full(later.shape[:2], np.nan)
    total = there.sum(axis=2)
    with np.errstate(invalid="ignore"):
        mean = total / (number - missing.sum(axis=2))
    values = np.stack([total, mean, largest])[plan.how, :, plan.row]
    for position, row, weight in plan.weighted:
        values[position] = _weighted(later[:, row], later[:, weight])
    for position, row in plan.tails:
        values[position] = _quantile(later[:, row])
    by_name = {measure.name: later[:, row] for row, measure in enumerate(measures)}
    of_runs = [of(by_name) for _, of in _OF_RUNS]
    found = np.vstack([np.full(runs, float(number)), values, *of_runs])
    # On day 0 there is no day yet, and no largest one.
    with np.errstate(invalid="ignore"):  # of money that is too much, which is no whole number
        return found, np.where(np.isnan(found), 0.0, found).astype(np.int64)


class _Plan(NamedTuple):
    """Which row of the days is summed up how, for every statistic of a measure."""

    statistics: list[Statistic]
    how: Ints
    row: Ints
    weighted: list[tuple[int, int, int]]
    """Positions of the weighted means, with the rows of measure and weight."""
    tails: list[tuple[int, int]]
    """Positions of the quantiles, with the rows of the measure."""


def _plan_of(measures: Sequence[Measure]) -> _Plan:
    return shared(measures).get("plan", lambda: _plan(measures))


def _plan(measures: Sequence[Measure]) -> _Plan:
    told = statistics(measures)
    of_measures = [one for one in told if one.measure]
    rows = {measure.name: row for row, measure in enumerate(measures)}
    return _Plan(
        told,
        np.array([one.how if one.how < WEIGHTED else MEAN for one in of_measures]),
        np.array([rows[one.measure] for one in of_measures]),
        [
            (position, rows[one.measure], rows[one.weight])
            for position, one in enumerate(of_measures)
            if one.how == WEIGHTED
        ],
        [
            (position, rows[one.measure])
            for position, one in enumerate(of_measures)
            if one.how == QUANTILE
        ],
    )


def _of_days(measure: Measure) -> list[Statistic]:
    name, words = measure.name, measure.words
    whole = measure.unit == COUNT

    def told(suffix: str, said: str, label: str, how: int, weight: str = "") -> Statistic:
        meaning = f"{said}. {measure.meaning}"
        counted = whole and suffix != "_mean"
        return Statistic(name + suffix, measure.unit, meaning, label, counted, name, how, weight)

    largest = told("_max", "Largest over the days", f"{words}, largest day", LARGEST)
    if measure.kind == FLOW:
        return [told("", "Total over the days", words, TOTAL)]
    if measure.kind == PEAK:
        return [largest]
    said, how, weight = "Mean over the days", MEAN, ""
    if measure.kind == RATIO and measure.weight:
        said, how, weight = f"{said}, weighted with {measure.weight}", WEIGHTED, measure.weight
    found = [told("_mean", said, f"{words}, mean over days", how, weight), largest]
    if measure.tail:
        said = "97.5 % quantile over the days"
        found.append(told("_q975", said, f"{words}, 97.5 % of days", QUANTILE))
    return found


def _there(values: Floats, of: Callable[..., Floats], *others: Floats) -> Floats:
    """A number of each run, of the days on which its values are numbers.

    Args:
        values: shape (runs, days).
        of: makes of values and others, shape (runs, days), numbers of shape (runs,).
        others: likewise.
    """
    found = of(values, *others)
    missing = np.isnan(values)
    for run in np.flatnonzero(missing.any(axis=1)).tolist():
        days = ~missing[run]
        found[run] = of(*(each[run : run + 1, days] for each in (values, *others)))[0]
    return found


def _quantile(values: Floats) -> Floats:
    """The quantile of the values that there are; not a number if there is none."""
    return _there(values, _quantile_of_all)


def _quantile_of_all(values: Floats) -> Floats:
    """As `numpy.quantile` finds it, to the last bit; which takes ten times as long for a few."""
    runs, number = values.shape
    if not number:
        return np.full(runs, np.nan)
    position = (number - 1) * LEVEL
    below = int(position)
    part = position - below
    low, high = np.sort(values, axis=1)[:, [below, min(below + 1, number - 1)]].T
    return low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part)


def _weighted(values: Floats, weights: Floats) -> Floats:
    """Weighted mean of the values that there are; not a number if none has a weight."""
    return _there(values, _weighted_mean, weights)


def _weighted_mean(values: Floats, weights: Floats) -> Floats:
    return _ratio((values * weights).sum(axis=1), weights.sum(axis=1))


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Not a number of nothing."""
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole != 0)


def _peak_liquidity_demand(days: Mapping[str, Floats]) -> Floats:
    called = days["delivery_call_value"]
    return called.max(axis=1) if called.shape[1] else np.full(len(called), np.nan)


def _defaults(days: Mapping[str, Floats]) -> Floats:
    return np.asarray(sum(days[f"defaults_{cause}"].sum(axis=1) for cause in CAUSES))


def _loss_given_default(days: Mapping[str, Floats]) -> Floats:
    lost, at_default = days["close_out_loss"], days["exposure_at_default"]
    return _ratio(lost.sum(axis=1), at_default.sum(axis=1))


_OF_RUNS: tuple[tuple[Statistic, Callable[[Mapping[str, Floats]], Floats]], ...] = (
    (
        Statistic(
            "peak_liquidity_demand",
            MONEY,
            "Largest value called from borrowers in a day.",
            "peak liquidity demand",
            False,
        ),
        _peak_liquidity_demand,
    ),
    (
        Statistic("defaults", COUNT, "Defaults of all causes.", "defaults", True),
        _defaults,
    ),
    (
        Statistic(
            "loss_given_default",
            SHARE,
            "Close-out losses over exposure at default; empty without a default.",
            "loss given default",
            False,
        ),
        _loss_given_default,
    ),
)
"""What follows from several measures, and how, of values by the measure's name."""
