"""Sections on the designs: what each did, what each factor does."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from analysis.differences import paired_differences
from analysis.figures.comparison import comparison
from analysis.figures.differences import differences_figure
from analysis.figures.effects import effects_figure
from analysis.labels import cell_label, factor_label, metric_label, metric_phrase, number_label
from analysis.report.content import FigureItem, Section, TableItem
from analysis.report.subject import FEW, Subject
from analysis.summary import SHARES, records, summarise
from analysis.variance import ONE_HISTORY_WORDS

ROWS = 24
"""Longer tables of designs are folded."""


def results_section(subject: Subject) -> Section:
    """What each design did on average; one design alone gets every statistic."""
    if subject.designs == 1:
        return _single(subject)
    section = Section("Results of each design")
    if subject.series is not None:
        section.items.append(_comparison(subject, subject.series))
    others = [name for name in subject.headlines if name not in subject.columns]
    table = summarise(subject.runs, [*subject.columns, *others])
    keys = ["scenario_id", *subject.factors]
    shown = []
    for key, rows in table.groupby(keys, sort=False, dropna=False):
        row = dict(zip(keys, key, strict=True))
        cells = {
            factor_label(name).capitalize(): plain_level(row[name]) for name in subject.factors
        }
        if subject.history(subject.runs):
            cells["Prices"] = (
                ONE_HISTORY_WORDS if subject.history(_runs_of(subject, row)) else "drawn"
            )
        cells["Runs"] = str(int(rows["runs"].max()))
        for one in records(rows[rows["metric"].isin(subject.columns)]):
            cells[subject.heading(one["metric"])] = subject.interval(
                one["metric"], one["mean"], one["low"], one["high"]
            )
        shown.append(cells)
    sure = " with 95 % intervals" if subject.replications > 1 else ""
    section.items.append(
        TableItem(
            "designs",
            f"The {subject.designs} designs",
            pd.DataFrame(shown),
            table,
            f"Means over {_replications(subject)} of each design{sure}. {subject.sources}".strip(),
            folded=len(shown) > ROWS,
        )
    )
    if subject.crossed:
        section.items.append(_shares(subject, table))
    return section


def _runs_of(subject: Subject, design: dict[str, Any]) -> pd.DataFrame:
    return subject.runs[subject.runs["scenario_id"] == design["scenario_id"]]


def _shares(subject: Subject, table: pd.DataFrame) -> TableItem:
    """Where the variance of a run comes from, averaged over designs."""
    told = table[table["metric"].isin(subject.columns)]
    shares = told.groupby("metric", sort=False)[list(SHARES)].mean()
    shown = pd.DataFrame(
        [
            {
                "Statistic": metric_label(str(name)),
                **{
                    heading: f"{100 * share:.0f} %" if np.isfinite(share) else "–"
                    for heading, share in zip(("Network", "Price path", "Rest"), row, strict=True)
                },
            }
            for name, row in zip(shares.index, shares.to_numpy(), strict=True)
        ]
    )
    return TableItem(
        "variance",
        "Where the variance between runs comes from",
        shown,
        shares.reset_index(),
        "Shares by a two-way analysis of variance of each design, averaged over designs. The rest"
        " is how a network and a path go together, and what is drawn for each run. Intervals of"
        " means contain all three.",
    )


def _single(subject: Subject) -> Section:
    one_run = len(subject.runs) == 1
    numbers = summarise(subject.runs)
    shown = []
    for row in records(numbers):
        if row["metric"] == "days" or not (row["smallest"] or row["largest"]) or not row["runs"]:
            continue
        name = row["metric"]
        divisor = subject.scale(name).divisor
        cells = {"Statistic": subject.heading(name)}
        if one_run:
            cells["Value"] = cell_label(row["mean"] / divisor, 4)
        else:
            cells["Mean (95 % interval)"] = subject.interval(
                name, row["mean"], row["low"], row["high"]
            )
            for bound in ("smallest", "median", "largest"):
                cells[bound.capitalize()] = cell_label(row[bound] / divisor)
        shown.append(cells)
    what = "the one run" if one_run else f"{len(subject.runs)} runs that differ in their randomness"
    caption = f"Over {what}. Statistics that are zero throughout are left out."
    caption += f" {subject.sources}" if subject.sources else ""
    if one_run:
        caption += " One path has no interval: nothing here tells how much of it is chance."
    return Section(
        "Results",
        [TableItem("results", "Statistics", pd.DataFrame(shown), numbers, caption)],
    )


def _comparison(subject: Subject, series: str) -> FigureItem:
    others = [name for name in subject.groupable if name != series]
    across = max(others, key=lambda name: subject.runs[name].nunique()) if others else None
    metrics = list(dict.fromkeys([*subject.risks, subject.operations, *subject.headlines]))[:4]
    by = [series] if across is None else [series, across]
    table = summarise(subject.runs, metrics, by=by)
    figure = comparison(
        table, series, across, metrics, {name: subject.scale(name) for name in metrics}
    )
    averaged = [factor_label(name) for name in subject.factors if name not in by]
    over = f" Averaged over {and_list(averaged)}." if averaged else ""
    sure = "; bars are 95 % intervals" if subject.replications > 1 else ""
    sentences = []
    for name in (*subject.risks, subject.operations):
        means = subject.runs.groupby(series)[name].mean()
        least, most = extremes(means)
        if subject.amount(name, means[least]) != subject.amount(name, means[most]):
            few = "Fewest" if subject.scale(name).unit == "number" else "Least"
            sentences.append(
                f"{few} {metric_phrase(name)}: {subject.level(series, least)}"
                f" ({subject.amount(name, means[least])}); most: {subject.level(series, most)}"
                f" ({subject.amount(name, means[most])})."
            )
    words = f"Means over runs{sure}.{over} {' '.join(sentences)}"
    return FigureItem("comparison", figure, words.strip())


def effects_section(subject: Subject) -> Section | None:
    """What each factor does, alone and on common random numbers."""
    if not subject.factors:
        return None
    section = Section("What each factor does")
    for name in (*subject.risks, subject.operations):
        figure = effects_figure(subject.runs, subject.factors, name, subject.scale(name))
        section.items.append(
            FigureItem(
                f"effects-{name}",
                figure,
                f"{metric_label(name)}. {_strongest(subject, name)}",
            )
        )
    if subject.groupable:
        section.items.extend(_differences(subject))
    return section


def _strongest(subject: Subject, metric: str) -> str:
    """Which factor moves a statistic most, by the spread of its levels' means."""
    spreads: dict[str, tuple[float, str, str]] = {}
    for factor in subject.factors:
        levels = subject.runs[factor]
        if pd.api.types.is_numeric_dtype(levels) and levels.nunique() > FEW:
            levels = _quarters(levels)
        means = subject.runs.groupby(levels, observed=True)[metric].mean()
        if len(means) > 1:
            low, high = (plain_level(level) for level in extremes(means))
            spreads[factor] = (float(means.max() - means.min()), str(low), str(high))
    if not spreads or max(spread for spread, _, _ in spreads.values()) == 0:
        return "No factor moves it."
    factor = max(spreads, key=lambda name: spreads[name][0])
    spread, low, high = spreads[factor]
    alone = len(spreads) == 1
    lead = f"It is least at {factor_label(factor)} {low} and most at {high}"
    if alone:
        return f"{lead}, {subject.amount(metric, spread)} apart."
    return (
        f"{factor_label(factor).capitalize()} moves it most: least at {low}, most at {high},"
        f" {subject.amount(metric, spread)} apart, the other factors averaged out."
    )


def _quarters(levels: pd.Series) -> pd.Series:
    """Many numbers as four ranges of equally many, in words."""
    lowest = float(levels.min())
    return pd.qcut(levels, 4, duplicates="drop").map(
        lambda part: f"{number_label(max(part.left, lowest), 2)} to {number_label(part.right, 2)}"
    )


def _differences(subject: Subject) -> list[FigureItem | TableItem]:
    """Paired differences, pooled over the other factors, of the first factors with few levels."""
    items: list[FigureItem | TableItem] = []
    if subject.replications < 2:
        return items
    metrics = list(dict.fromkeys([*subject.columns, *subject.headlines]))
    tables = [
        paired_differences(subject.runs, factor, metrics, pool=True)
        for factor in subject.groupable[:4]
    ]
    numbers = pd.concat([table for table in tables if len(table)], ignore_index=True)
    if not len(numbers):
        return items
    first = numbers[(numbers["factor"] == subject.series) & (numbers["metric"] == subject.risk)]
    if len(first) and subject.series is not None:
        baseline = subject.level(subject.series, first["baseline"].iloc[0])
        levels = [subject.level(subject.series, level) for level in first["level"]]
        figure = differences_figure(
            first, pd.Series(levels, first.index), baseline, subject.scale(subject.risk)
        )
        told = numbers[numbers["factor"] == subject.series]
        caption = (
            "Differences of the same replications, other factors averaged; filled where the 95 %"
            f" interval excludes zero. Against {baseline}, {_in_words(subject, told)}."
            f" {subject.sources}"
        )
        items.append(FigureItem("differences", figure, caption))
    for factor in dict.fromkeys(numbers["factor"]):
        part = numbers[numbers["factor"] == factor]
        shown = []
        for name, rows in part.groupby("metric", sort=False):
            cells = {"Difference": subject.heading(str(name))}
            for row in records(rows):
                cells[subject.level(factor, row["level"])] = subject.interval(
                    str(name), row["difference"], row["low"], row["high"]
                )
            shown.append(cells)
        baseline = subject.level(factor, part["baseline"].iloc[0])
        policy = factor in subject.policies
        same = "on the same prices and networks" if policy else "of the same replications"
        caption = (
            f"Mean difference with its 95 % interval, {same}, all other factors averaged. Of"
            f" twenty such intervals one misses on average. {subject.sources}"
        )
        title = f"{factor_label(factor).capitalize()}: paired differences from {baseline}"
        name = f"differences-{factor_label(factor).replace(' ', '-')}"
        items.append(TableItem(name, title, pd.DataFrame(shown), part, caption))
    return items


def _in_words(subject: Subject, numbers: pd.DataFrame) -> str:
    """Changes of risk and operations from the baseline, level by level."""
    parts = []
    for level in dict.fromkeys(numbers["level"]):
        rows = numbers[numbers["level"] == level]
        changes = [
            _change(subject, row)
            for name in (*subject.risks, subject.operations)
            for row in records(rows[rows["metric"] == name])
        ]
        parts.append(f"{subject.level(str(subject.series), level)}: {and_list(changes)}")
    return "; ".join(parts)


def _change(subject: Subject, row: dict[str, Any]) -> str:
    name = str(row["metric"])
    if row["low"] <= 0 <= row["high"]:
        return f"no clear difference in {metric_phrase(name)}"
    way = "more" if row["difference"] > 0 else "less"
    if subject.scale(name).unit == "number" and way == "less":
        way = "fewer"
    percent = 100 * abs(row["difference"]) / row["baseline_mean"] if row["baseline_mean"] else 1e9
    if percent < 1000:
        return f"{number_label(percent, 2)} % {way} {metric_phrase(name)}"
    return f"{subject.amount(name, abs(row['difference']))} {way} {metric_phrase(name)}"


def extremes(means: pd.Series) -> tuple[Any, Any]:
    """Where a series is least and most."""
    return means.idxmin(), means.idxmax()


def _replications(subject: Subject) -> str:
    return "1 run" if subject.replications == 1 else f"{subject.replications} runs"


def plain_level(level: object) -> str:
    """A level for a cell of a column that already names its factor."""
    if isinstance(level, bool | str) or not isinstance(level, Real):
        return str(level)
    return number_label(float(level))


def and_list(words: list[str]) -> str:
    """Some words as a list: "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
