"""How the days of a run become its summary."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from abm.books.standing import CAUSES
from abm.measures.exposures import LEVEL
from abm.measures.measure import COUNT, FLOW, MONEY, PEAK, RATIO, SHARE, Measure
from abm.measures.standard import MEASURES


class Statistic(NamedTuple):
    """One number of a whole run."""

    name: str
    unit: str
    meaning: str
    label: str
    whole: bool
    """Whether it is a whole number."""
    of: Callable[[pd.DataFrame], float]
    """What it is of the days of a run, day 0 left out."""


def statistics(measures: Iterable[Measure] = MEASURES) -> list[Statistic]:
    """What is told of a run, in the order of the columns of `runs`.

    Of a level and of a ratio the mean and the largest over days (`_mean`, `_max`), and of some the
    97.5 % quantile (`_q975`); of a peak the largest, of a flow the total (its own name); then what
    follows from several of them.
    """
    found = [Statistic("days", "day", "Days simulated, day 0 left out.", "days", True, len)]
    for measure in measures:
        found += _of_days(measure)
    return found + list(_OF_RUNS)


def sum_up(days: pd.DataFrame, measures: Iterable[Measure] = MEASURES) -> dict[str, float]:
    """A run's summary statistics from its daily ones, day 0 left out.

    Args:
        days: with a column for each measure.
        measures: as declared.
    """
    days = days[days["day"] > 0]
    summary: dict[str, float] = {}
    for one in statistics(measures):
        value = one.of(days)
        # On day 0 there is no day yet, and no largest one.
        summary[one.name] = float(value) if not one.whole else int(value) if value == value else 0
    return summary


def _of_days(measure: Measure) -> list[Statistic]:
    name, words = measure.name, measure.words
    whole = measure.unit == COUNT

    def told(suffix: str, how: str, label: str, of: Callable[[pd.DataFrame], float]) -> Statistic:
        meaning = f"{how}. {measure.meaning}"
        counted = whole and suffix != "_mean"
        return Statistic(name + suffix, measure.unit, meaning, label, counted, of)

    largest = told(
        "_max", "Largest over the days", f"{words}, largest day", lambda days: days[name].max()
    )
    if measure.kind == FLOW:
        return [told("", "Total over the days", words, lambda days: days[name].sum())]
    if measure.kind == PEAK:
        return [largest]
    how, mean = "Mean over the days", lambda days: days[name].mean()
    if measure.kind == RATIO and measure.weight:
        how = f"Mean over the days, weighted with {measure.weight}"

        def mean(days: pd.DataFrame) -> float:
            return _weighted(days[name], days[measure.weight])

    found = [told("_mean", how, f"{words}, mean over days", mean), largest]
    if measure.tail:
        found.append(
            told(
                "_q975",
                "97.5 % quantile over the days",
                f"{words}, 97.5 % of days",
                lambda days: float(days[name].quantile(LEVEL)),
            )
        )
    return found


def _weighted(values: pd.Series[float], weights: pd.Series[float]) -> float:
    """Weighted mean of the values that there are; not a number if none has a weight."""
    there = values.notna()
    total = weights[there].sum()
    return float((values[there] * weights[there]).sum() / total) if total else float("nan")


def _loss_given_default(days: pd.DataFrame) -> float:
    at_default = days["exposure_at_default"].sum()
    return float(days["close_out_loss"].sum() / at_default) if at_default else float("nan")


_OF_RUNS = (
    Statistic(
        "peak_liquidity_demand",
        MONEY,
        "Largest value called from borrowers in a day.",
        "peak liquidity demand",
        False,
        lambda days: days["delivery_call_value"].max(),
    ),
    Statistic(
        "defaults",
        COUNT,
        "Defaults of all causes.",
        "defaults",
        True,
        lambda days: np.sum([days[f"defaults_{cause}"].sum() for cause in CAUSES]),
    ),
    Statistic(
        "loss_given_default",
        SHARE,
        "Close-out losses over exposure at default; empty without a default.",
        "loss given default",
        False,
        _loss_given_default,
    ),
)
