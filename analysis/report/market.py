"""Sections on defaults and on the lending network."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.defaults import contagion_tree
from analysis.figures.contagion import contagion_figure
from analysis.figures.network import network_figure
from analysis.labels import cell_label, factor_label, metric_label
from analysis.networks import network_statistics, pairs
from analysis.report.content import FigureItem, Section, TableItem
from analysis.report.subject import Subject

DEFAULTS = (
    "defaults",
    "defaults_exogenous",
    "defaults_liquidity",
    "defaults_contagion",
    "exposure_at_default",
    "close_out_loss",
    "loss_given_default",
)
MOST = 200
"""Participants that are drawn."""

NETWORKS = 200
"""Runs whose networks are measured."""


def defaults_section(subject: Subject) -> Section | None:
    """Defaults, losses and contagion, if anybody defaulted."""
    runs = subject.runs
    if not runs["defaults"].any():
        return None
    section = Section("Defaults")
    names = [name for name in DEFAULTS if runs[name].fillna(0).any()]
    series = subject.series
    groups = grouped(runs, series)
    shown = []
    for level, group in groups:
        cells = {"": subject.level(series, level) if series else str(level)}
        cells["Runs with a default"] = f"{100 * (group['defaults'] > 0).mean():.0f} %"
        for name in names:
            # A ratio of totals: runs without a default have none of their own.
            value = group[name].mean()
            if name == "loss_given_default":
                value = group["close_out_loss"].sum() / max(
                    group["exposure_at_default"].sum(), 1e-9
                )
            cells[subject.heading(name)] = cell_label(value / subject.scale(name).divisor)
        shown.append(cells)
    section.items.append(
        TableItem(
            "defaults",
            "Defaults and losses, mean over runs",
            pd.DataFrame(shown),
            runs[["scenario_id", "replication_id", *subject.factors, *names]],
            "Loss given default: close-out losses over exposure at default, of all runs together.",
        )
    )
    section.text.append(_defaults_in_words(subject))
    if subject.results.has("events"):
        worst = runs.sort_values(["defaults_contagion", "defaults"], ascending=False).iloc[0]
        events = subject.results.events.frame(
            scenarios=[worst["scenario_id"]], replications=[worst["replication_id"]]
        )
        tree = contagion_tree(events)
        followed = int((tree["depth"] > 0).sum())
        where = subject.design(dict(worst))
        words = (
            f"The run with most contagion (replication {worst['replication_id']}"
            f"{f' of {where}' if subject.designs > 1 else ''}): {len(tree)} defaults,"
            f" {followed} of them because of losses on others; the longest chain has"
            f" {int(tree['depth'].max()) + 1} in a row. Thicker lines are larger losses."
        )
        figure = contagion_figure(tree, int(worst["days"]))
        section.items.append(FigureItem("contagion", figure, words))
    return section


def grouped(frame: pd.DataFrame, by: str | None) -> list[tuple[Any, pd.DataFrame]]:
    """The groups of a column with their level; one group of all rows without a column."""
    return [("all runs", frame)] if by is None else list(frame.groupby(by, sort=False))


def _defaults_in_words(subject: Subject) -> str:
    runs = subject.runs
    some = int((runs["defaults"] > 0).sum())
    causes = {
        "from outside the market": runs["defaults_exogenous"].sum(),
        "on calls or recalls left unmet": runs["defaults_liquidity"].sum(),
        "by contagion": runs["defaults_contagion"].sum(),
    }
    parts = [f"{int(number):,} {cause}" for cause, number in causes.items() if number]
    worst = runs["close_out_loss"].max()
    return (
        f"Somebody defaulted in {some} of {len(runs)} runs; of all defaults {', '.join(parts)}."
        f" Close-out losses are {subject.amount('close_out_loss', runs['close_out_loss'].mean())}"
        f" a run on average and {subject.amount('close_out_loss', worst)} at most."
    )


def network_section(subject: Subject) -> Section | None:
    """Who lends to whom: the first run's network drawn, some runs' networks measured."""
    results = subject.results
    if not (results.has("loans") and results.has("participants")):
        return None
    first = subject.runs.iloc[0]
    keys = {"scenarios": [first["scenario_id"]], "replications": [first["replication_id"]]}
    columns = ["lender", "borrower", "state", "exposure", "gap", "account"]
    edges = pairs(results.loans.frame(columns, **keys))
    if not len(edges):
        return Section(
            "The lending network", text=["No loan was open at the end of the first run."]
        )
    people = results.participants.frame(**keys)
    figure = network_figure(edges, people, most=MOST)
    short = int((edges["coverage"] < 1).sum())
    where = subject.design(dict(first))
    words = (
        f"The first run{f' ({where})' if subject.designs > 1 else ''} on its last day:"
        f" {len(people)} participants, {len(edges)} pairs with open loans, {short} of them"
        " short of the requirement. Lines are wider for larger exposures, marks larger for those"
        " who lend and borrow more; a cross is a default."
    )
    section = Section("The lending network", [FigureItem("network", figure, words)])
    some = sorted(subject.runs["scenario_id"].unique())[:NETWORKS]
    loans = results.loans.frame(
        ["lender", "borrower", "state", "exposure"],
        scenarios=some,
        replications=[first["replication_id"]],
    )
    numbers = network_statistics(loans)
    factors = subject.runs.drop_duplicates("scenario_id")[["scenario_id", *subject.factors]]
    numbers = numbers.merge(factors, on="scenario_id", how="left")
    series = subject.series
    measured = [n for n in numbers.columns if n not in ("scenario_id", "replication_id")]
    measured = [name for name in measured if name not in subject.factors]
    shown = [
        {
            (factor_label(series).capitalize() if series else ""): (
                subject.level(series, level) if series else str(level)
            ),
            **{metric_label(name, True): cell_label(group[name].mean()) for name in measured},
        }
        for level, group in grouped(numbers, series)
    ]
    table = pd.DataFrame(shown)
    heads = ["Statistic", *(table.iloc[:, 0] if series else ["Value"])]
    table = table.iloc[:, 1:].T.reset_index().set_axis(heads, axis=1)
    section.items.append(
        TableItem(
            "networks",
            "Networks of open loans on the last day",
            table,
            numbers,
            "Of the first replication. Density: pairs over all possible ones; concentration (HHI):"
            " sum of squared shares of exposure, 1 is one participant.",
        )
    )
    return section
