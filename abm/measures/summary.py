"""How the days of a run become its summary."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.standing import CAUSES
from abm.measures.exposures import LEVEL
from abm.measures.measure import COUNT, FLOW, MONEY, PEAK, RATIO, SHARE, Measure
from abm.measures.standard import MEASURES
from scenarios.kept import shared

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

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
    plan = shared(measures).get("plan", lambda: _plan(measures))
    later = np.ascontiguousarray(days[:, 1:])
    missing = np.isnan(later)
    there = np.where(missing, 0.0, later) if missing.any() else later
    number = later.shape[1]
    largest = np.fmax.reduce(later, axis=1) if number else np.full(len(later), np.nan)
    total = there.sum(axis=1)
    with np.errstate(invalid="ignore"):
        mean = total / (number - missing.sum(axis=1))
    values = np.stack([total, mean, largest])[plan.how, plan.row].tolist()
    for position, row, weight in plan.weighted:
        values[position] = _weighted(later[row], later[weight])
    for position, row in plan.tails:
        values[position] = _quantile(later[row])
    by_name = dict(zip((measure.name for measure in measures), later, strict=True))
    values = [number, *values, *(of(by_name) for _, of in _OF_RUNS)]
    return {
        # On day 0 there is no day yet, and no largest one.
        one.name: float(value) if not one.whole else int(value) if value == value else 0
        for one, value in zip(plan.statistics, values, strict=True)
    }


class _Plan(NamedTuple):
    """Which row of the days is summed up how, for every statistic of a measure."""

    statistics: list[Statistic]
    how: Ints
    row: Ints
    weighted: list[tuple[int, int, int]]
    """Positions of the weighted means, with the rows of measure and weight."""
    tails: list[tuple[int, int]]
    """Positions of the quantiles, with the rows of the measure."""


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


def _quantile(values: Floats) -> float:
    """The quantile of the values that there are; not a number if there is none.

    As `numpy.quantile` finds it, to the last bit; which takes ten times as long for a few.
    """
    there = np.sort(values[~np.isnan(values)])
    if not len(there):
        return float("nan")
    position = (len(there) - 1) * LEVEL
    below = int(position)
    part = position - below
    low, high = there[[below, min(below + 1, len(there) - 1)]].tolist()
    return float(low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part))


def _weighted(values: Floats, weights: Floats) -> float:
    """Weighted mean of the values that there are; not a number if none has a weight."""
    there = ~np.isnan(values)
    total = weights[there].sum()
    return float((values[there] * weights[there]).sum() / total) if total else float("nan")


def _peak_liquidity_demand(days: Mapping[str, Floats]) -> float:
    called = days["delivery_call_value"]
    return float(called.max()) if len(called) else float("nan")


def _defaults(days: Mapping[str, Floats]) -> float:
    return float(np.sum([days[f"defaults_{cause}"].sum() for cause in CAUSES]))


def _loss_given_default(days: Mapping[str, Floats]) -> float:
    at_default = days["exposure_at_default"].sum()
    return float(days["close_out_loss"].sum() / at_default) if at_default else float("nan")


_OF_RUNS: tuple[tuple[Statistic, Callable[[Mapping[str, Floats]], float]], ...] = (
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
