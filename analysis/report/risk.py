"""Sections on risk: its frontier, its distribution, its course over the days, and issuance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.distributions import distribution, expected_shortfall
from analysis.figures.distributions import distribution_figure
from analysis.figures.frontier import frontier_figure
from analysis.figures.heatmap import heat_map
from analysis.figures.issuance import issuance_figure
from analysis.figures.series import gap_over_time, series_with_bands
from analysis.frontier import frontier
from analysis.issuance import issuance_probability, required_inventory
from analysis.labels import cell_label, factor_label, metric_label, metric_phrase, number_label
from analysis.report.content import FigureItem, Section, TableItem
from analysis.report.designs import and_list
from analysis.report.subject import COLLATERAL, FEW, TIED_UP, Subject
from analysis.series import daily_bands
from analysis.summary import records, summarise

DAILY_RISKS = ("uncollateralised_before", "requirement_shortfall", "absolute_gap")
TOLD = (0.5, 0.9, 0.975, 0.99)
"""Quantiles over days and runs: 97.5 % is the level of potential exposure."""

TARGET = 0.05
"""Probability of issuance that an inventory is sought for."""


def frontier_section(subject: Subject) -> Section | None:
    """Risk and losses against costs, and heat maps where two numeric factors form a grid."""
    if subject.designs < 3:
        return None
    section = Section("Risk against cost")
    maps = heat_maps(subject)
    chosen = subject.policies or subject.factors
    weighed = [*subject.risks, *subject.costs]
    grain = {name: subject.grain(name) for name in subject.risks if not subject.is_count(name)}
    grain |= {COLLATERAL: TIED_UP * subject.lent}
    table = frontier(subject.runs, subject.risks, subject.costs, by=chosen, grain=grain)
    if len(table) < 3:
        return Section(section.title, maps) if maps else None
    labels = pd.Series([subject.design(row) for row in records(table)], table.index)
    best = table[table["efficient"]].drop_duplicates(weighed)
    figure = frontier_figure(
        table,
        subject.risk,
        subject.operations,
        subject.series if subject.series in chosen else None,
        subject.scale(subject.risk),
        subject.scale(subject.operations),
        pd.Series(np.arange(1, len(best) + 1), best.index),
    )
    what = "designs" if len(chosen) == len(subject.factors) else "policies"
    phrases = [metric_phrase(name) for name in weighed]
    words = (
        f"{len(best)} of {len(table)} {what} are on the frontier: none has at most as much of"
        f" {and_list(phrases)}, and less of one."
    )
    averaged = [factor_label(name) for name in subject.factors if name not in chosen]
    if averaged:
        rest = ", ".join(averaged)
        words += (
            f" Averaged over {rest}, which nobody chooses."
            if len(table) < subject.designs
            else f" They differ in {rest}, too, which nobody chooses and which moves them as well."
        )
    if len(best) > 1:
        ends = [
            f"{phrase} from {subject.amount(name, best[name].min())} to"
            f" {subject.amount(name, best[name].max())}"
            for name, phrase in zip(weighed, phrases, strict=True)
        ]
        words += f" On it: {'; '.join(ends)}."
    if COLLATERAL in subject.costs:
        words += (
            f" Collateral is a cost to those who tie it up: {100 * TIED_UP:g} % of what is lent or"
            " more counts as a difference."
        )
    section.items.append(FigureItem("frontier", figure, words))
    shown = [
        {
            "": str(number),
            what[:-1].replace("policie", "policy").capitalize(): labels[index],
            **{subject.heading(name): subject.interval(name, row[name]) for name in weighed},
            "On the frontier in": (
                f"{100 * row['chance']:.0f} % of resamples" if np.isfinite(row["chance"]) else "–"
            ),
        }
        for number, (index, row) in enumerate(zip(best.index, records(best), strict=True), start=1)
    ]
    section.items.append(
        TableItem(
            "frontier",
            f"{what.capitalize()} on the frontier",
            pd.DataFrame(shown),
            table,
            "The last column redraws the replications 500 times: a low share is a place on the"
            " frontier by chance.",
            folded=len(shown) > 12,
        )
    )
    section.items += maps
    return section


def heat_maps(subject: Subject) -> list[FigureItem | TableItem]:
    """Risk and operations over two numeric factors whose levels form a grid."""
    numeric = [n for n in subject.numeric if subject.runs[n].nunique() >= 3]
    numeric = [n for n in numeric if factor_label(n) != "model"]
    # Haircut and threshold are what users look for.
    numeric.sort(key=lambda name: factor_label(name) not in ("haircut", "trigger"))
    if len(numeric) < 2:
        return []
    y, x = sorted(numeric[:2], key=lambda name: factor_label(name) != "haircut")
    cells = subject.runs.groupby([x, y]).ngroups
    if cells < 0.6 * subject.runs[x].nunique() * subject.runs[y].nunique():
        return []
    items: list[FigureItem | TableItem] = []
    for name in (*subject.risks, subject.operations):
        table = summarise(subject.runs, [name], by=[x, y], resamples=10)
        rows = sorted(records(table), key=lambda row: float(row["mean"]))
        least, most = rows[0], rows[-1]
        places = [
            f"{factor_label(y)} {number_label(row[y])}, {factor_label(x)} {number_label(row[x])}"
            for row in (least, most)
        ]
        words = (
            f"{metric_label(name)}, mean over runs: least at {places[0]}"
            f" ({subject.amount(name, least['mean'])}), most at {places[1]}"
            f" ({subject.amount(name, most['mean'])})."
        )
        rest = [factor_label(f) for f in subject.factors if f not in (x, y)]
        words += f" Averaged over {', '.join(rest)}." if rest else ""
        figure = heat_map(table, x, y, name, scale=subject.scale(name))
        items.append(FigureItem(f"heat-map-{name}", figure, words))
    return items


def time_section(subject: Subject) -> Section | None:
    """The gap and the risk over the days, and how the days' risk is distributed."""
    if not subject.results.has("days"):
        return None
    days, remark = subject.days(["gap", "exposure", "margin_calls", *DAILY_RISKS])
    daily = next((name for name in DAILY_RISKS if days[name].any()), None)
    section = Section("Over time, and how bad it gets", [_gap(subject, days, remark)])
    if daily is None:
        section.text.append("Every loan was covered to the last unit on every day.")
        return section
    scale = subject.scale(daily, days[daily])
    series = subject.series
    if series is None and subject.designs > 1:
        series = "scenario_id"
    bands = daily_bands(days, daily, [] if series is None else [series])
    figure = series_with_bands(bands, daily, series, scale)
    by_day = days.groupby("day")[daily].mean()
    peak = int(by_day.to_numpy().argmax())
    words = f"Mean {metric_phrase(daily, True)} over runs, day by day"
    words += ", with the range of the middle 90 % of runs" if subject.replications > 1 else ""
    if len(bands) != len(by_day) and series == "scenario_id":
        words = f"Mean {metric_phrase(daily, True)} of each design, day by day"
    words += (
        f". It is largest on day {by_day.index[peak]}"
        f" ({cell_label(by_day.iloc[peak] / scale.divisor)} {scale.unit} on average).{remark}"
    )
    section.items.append(FigureItem(f"days-{daily}", figure, words))
    section.items += _tails(subject, days, daily, series, remark)
    return section


def _gap(subject: Subject, days: pd.DataFrame, remark: str) -> FigureItem:
    """The gap of the first replication: of the levels that can be told apart, or of all."""
    first = days[days["replication_id"] == days["replication_id"].min()]
    triggers = {subject.triggers.get(design) for design in first["scenario_id"].unique()}
    trigger = triggers.pop() if len(triggers) == 1 else None
    largest = max((t for t in triggers if t is not None), default=None)
    series, paths = subject.series, first
    if subject.designs == 1:
        paths, series = (days, None) if subject.replications > 1 else (first, None)
    elif series is not None:
        rest = [name for name in subject.factors if name != series]
        if rest:
            block = first[rest].astype(str).agg("|".join, axis=1)
            paths = first[block == block.iloc[0]]
        largest = max(
            (t for d in paths["scenario_id"].unique() if (t := subject.triggers.get(d))),
            default=None,
        )
    if series is None:
        largest = None  # a band that only some of the paths obey says nothing
    figure = gap_over_time(paths, trigger or largest, series)
    share = 100 * days["gap"] / days["exposure"].where(days["exposure"] > 0)
    words = (
        "The gap of all loans together: below zero lenders hold too little, above zero too much."
    )
    if series is not None:
        rest = [name for name in subject.factors if name != series]
        row = paths.iloc[0]
        at = ", ".join(subject.level(name, row[name]) for name in rest)
        words += f" First replication{f' with {at}' if at else ''}."
    if (trigger or largest) and subject.runs["open_loans_max"].max() > 1:
        words += " The trigger holds for single loans, whose gaps partly cancel here."
    low, high = (float(share.quantile(level)) for level in (0.025, 0.975))
    if np.isfinite(low):
        words += (
            f" Over all runs, 95 % of days lie between {number_label(low, 2)} % and"
            f" {number_label(high, 2)} % of what is lent.{remark}"
        )
    return FigureItem("gap", figure, words)


def _tails(
    subject: Subject, days: pd.DataFrame, daily: str, series: str | None, remark: str
) -> list[FigureItem | TableItem]:
    late = days[days["day"] > 0]
    scale = subject.scale(daily, late[daily])
    figure = distribution_figure(late, daily, series, scale, daily=True)
    worst = cell_label(expected_shortfall(late[daily]) / scale.divisor)
    rare = cell_label(float(late[daily].quantile(0.99)) / scale.divisor)
    words = (
        f"{metric_label(daily, True)} on all days of all runs: above"
        f" {rare} {scale.unit} on one day in a hundred; {worst} {scale.unit} is the mean of the"
        f" worst 2.5 % of days (expected shortfall).{remark}"
    )
    items: list[FigureItem | TableItem] = [FigureItem(f"distribution-{daily}", figure, words)]
    by = [series] if series is not None and late[series].nunique() <= FEW else []
    draws = int(np.clip(1e8 / len(late), 50, 200)) if subject.replications > 1 else 0
    numbers = distribution(late, daily, by=by, quantiles=TOLD, resamples=draws)
    shown: list[dict[str, Any]] = []
    for row in records(numbers):
        if not shown or any(shown[-1].get("of") != (row[b] if by else "") for b in by or [""]):
            shown.append({"of": row[by[0]] if by else ""})
        text = cell_label(row["value"] / scale.divisor)
        if np.isfinite(row["low"]):
            low, high = (cell_label(row[name] / scale.divisor) for name in ("low", "high"))
            text += f" ({low} to {high})"
        heading = row["statistic"].replace("_", " ").capitalize()
        if heading.startswith("P") and heading[1:].replace(".", "").isdigit():
            heading = f"{heading[1:]} %"
        shown[-1][heading] = text
    table = pd.DataFrame(shown)
    if by:
        table["of"] = [subject.level(by[0], level) for level in table["of"]]
        table = table.rename(columns={"of": factor_label(by[0]).capitalize()})
    else:
        table = table.drop(columns="of")
    items.append(
        TableItem(
            f"quantiles-{daily}",
            f"{metric_label(daily, True)} over days: quantiles, {scale.unit}",
            table,
            numbers,
            "Expected shortfall is the mean of the worst 2.5 %. Intervals draw whole runs, whose"
            f" days depend on one another. {subject.sources}"
            if subject.replications > 1
            else "",
        )
    )
    return items


def issuance_section(subject: Subject) -> Section | None:
    """Issuance against inventory, if inventory varies."""
    inventory = next(
        (name for name in subject.numeric if name.endswith("prefunded_inventory")), None
    )
    if inventory is None or not 3 <= subject.runs[inventory].nunique() <= 60:
        return None
    if not subject.runs["borrower_issuances"].any():
        return None
    by = [s for s in [subject.series] if s is not None and s != inventory]
    table = issuance_probability(subject.runs, inventory, by=by)
    needed = required_inventory(subject.runs, TARGET, inventory, by=by, resamples=500)
    figure = issuance_figure(table, needed, by[0] if by else None)
    sentences = []
    for row in records(needed):
        who = f"{subject.level(by[0], row[by[0]])}: " if by else ""
        if np.isnan(row["required"]):
            largest = number_label(table["inventory"].max())
            sentences.append(f"{who}not even an inventory of {largest} is enough.")
        else:
            ends = [number_label(row[end], 2) for end in ("low", "high")]
            sentences.append(
                f"{who}{number_label(row['required'], 2)} (95 % interval {ends[0]} to"
                f" {'beyond' if ends[1] == '–' else ends[1]})."
            )
    words = (
        "Share of runs in which a borrower had tokens minted at least once, with 95 % intervals."
        f" Inventory that brings it down to {100 * TARGET:g} %: {' '.join(sentences)}"
    )
    return Section("Issuance against prefunded inventory", [FigureItem("issuance", figure, words)])
