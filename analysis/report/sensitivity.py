"""The section on sensitivity: which factor decides."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.errors import ResultsError
from analysis.figures.sensitivity import sensitivity_figure
from analysis.labels import cell_label, factor_label, level_label, metric_label, metric_phrase
from analysis.report.content import FigureItem, Section, TableItem
from analysis.report.subject import Subject
from analysis.sensitivity import COLUMNS, METHODS, sampling_of, sensitivity
from analysis.summary import groups, records

WIDE = 30
"""Width of an interval, in per cent of the variance, that calls for more points."""

SOURCES = (
    "Intervals hold what the choice of points leaves open, not the draws of markets, which all"
    " designs share."
)


def sensitivity_section(subject: Subject) -> Section | None:
    """Indices of the statistics of risk and of operations; None for other samplings."""
    method, _ = sampling_of(subject.results)
    if method not in METHODS:
        return None
    section = Section("Sensitivity")
    metrics = list(dict.fromkeys([*subject.risks, subject.operations]))
    try:
        table = sensitivity(subject.results, metrics)
    except ResultsError as error:
        section.text.append(f"Not computed: {error}.")
        return section
    others = [str(name) for name in table if name not in COLUMNS]
    for number, (key, group) in enumerate(groups(table, others)):
        where = ", ".join(
            f"{factor_label(name)} {level_label(name, level)}"
            for name, level in zip(others, key, strict=True)
        )
        for metric in metrics:
            name = f"sensitivity-{number}-{metric}" if others else f"sensitivity-{metric}"
            figure = sensitivity_figure(group, metric)
            section.items.append(FigureItem(name, figure, _caption(group, metric, where)))
    shown = [_cells(row, others) for row in records(table)]
    title = "Sensitivity indices with 95 % intervals"
    section.items.append(
        TableItem("sensitivity", title, pd.DataFrame(shown), table, SOURCES, folded=True)
    )
    return section


def _caption(group: pd.DataFrame, metric: str, where: str) -> str:
    """Which factor matters most, and which do not at all."""
    decisive = "total" if "total" in set(group["index"]) else "mean effect"
    rows = group[(group["metric"] == metric) & (group["index"] == decisive)]
    first = max(records(rows), key=lambda row: float(row["value"]))
    what = metric_phrase(metric)
    head = f"With {where}: " if where else ""
    if first["value"] <= 0:
        return f"{head}{what} does not vary with any of these factors."
    text = f"{head}{what} depends most on {factor_label(first['factor'])}"
    if decisive == "total":
        low, high = (max(0, min(100, 100 * first[end])) for end in ("low", "high"))
        text += f", with which {100 * first['value']:.0f} % of its variance goes"
        text += f" [{low:.0f} %, {high:.0f} %]"
        if high - low > WIDE:
            text += ", which more samples would tell better"
    nothing = [factor_label(row["factor"]) for row in records(rows) if row["high"] <= 0.01]
    if nothing and decisive == "total":
        text += f"; {', '.join(nothing)} takes no part in it"
    return f"{text}. {SOURCES}"


def _cells(row: Any, others: list[str]) -> dict[str, str]:
    cells = {factor_label(name).capitalize(): level_label(name, row[name]) for name in others}
    cells |= {
        "Statistic": metric_label(row["metric"]),
        "Factor": factor_label(row["factor"]),
        "Index": row["index"],
    }
    value = cell_label(row["value"], 3)
    if row["low"] == row["low"]:
        value += f" [{cell_label(row['low'], 3)}, {cell_label(row['high'], 3)}]"
    return {**cells, "Value": value}
