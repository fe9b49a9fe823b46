"""The report of any experiment, put together from what its results hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from analysis.errors import ResultsError
from analysis.labels import metric_label, metric_phrase, number_label
from analysis.operating_cost import Fees, GasTerms
from analysis.report.book import book_section
from analysis.report.content import FigureItem, Report, Section
from analysis.report.designs import effects_section, extremes, results_section
from analysis.report.market import defaults_section, network_section
from analysis.report.operating_cost import operating_cost_section
from analysis.report.risk import frontier_section, issuance_section, time_section
from analysis.report.sensitivity import sensitivity_section
from analysis.report.settings import settings_section
from analysis.report.subject import Subject
from analysis.report.trade_off import trade_off_section
from analysis.results import Results
from analysis.trade_off import UnitCosts
from analysis.variance import ONE_HISTORY_WORDS, sources


def build_report(
    results: Results,
    triggers: Mapping[Any, float] | None = None,
    fees: Fees | None = None,
    gas_terms: Mapping[Any, GasTerms] | None = None,
    prices: Mapping[Any, UnitCosts] | None = None,
    book: tuple[pd.DataFrame, str] | None = None,
) -> Report:
    """The report of an experiment.

    Args:
        results: from `analysis.read_results`.
        triggers: margin call threshold by `scenario_id`, for the bands in figures of the gap.
        fees: what gas costs; the operating cost is left out if not given.
        gas_terms: by `scenario_id`, for an estimate of the gas of runs that have none.
        prices: by `scenario_id`, of what runs count; what policies cost in all is left out if not
            given.
        book: what came out of the targets of a loan book, and of which ones, as `book_section`
            takes them.

    Raises:
        ResultsError: no run has finished.
    """
    if not results.has("runs") or not len(results.runs):
        raise ResultsError(f"{results.folder}: {_nothing(results)}")
    subject = Subject(results, triggers or {})
    made = [
        results_section(subject),
        effects_section(subject),
        sensitivity_section(subject),
        frontier_section(subject),
        time_section(subject),
        issuance_section(subject),
        defaults_section(subject),
        book_section(*book) if book else None,
        network_section(subject),
        trade_off_section(subject, prices or {}, gas_terms or {}),
        operating_cost_section(subject, fees, gas_terms or {}) if fees else None,
        settings_section(subject),
    ]
    sections = [section for section in made if section is not None]
    for section in sections[:-1]:
        _mark(section, subject.history(subject.runs))
    manifest = results.manifest
    title = str(manifest.get("title") or manifest.get("name") or "Results")
    return Report(title, _subtitle(subject), _findings(subject, sections), sections)


def _mark(section: Section, remark: str) -> None:
    """Say of every table and figure of a section that its prices are one history."""
    if remark:
        section.items = [
            item
            if ONE_HISTORY_WORDS in item.caption
            else replace(item, caption=f"{item.caption}{remark}".strip())
            for item in section.items
        ]


def _nothing(results: Results) -> str:
    if not results.has("runs"):
        return "no run has finished yet, so there is nothing to report"
    errors = results.failed["error"].dropna()
    first = f"; the first: {errors.iloc[0]}" if len(errors) else ""
    return f"all {len(results.failed)} runs failed{first}"


def _subtitle(subject: Subject) -> str:
    runs, results = subject.runs, subject.results
    days = int(runs["days"].max())
    if subject.designs == 1 and len(runs) == 1:
        text = f"One run over {days} days"
    else:
        designs = "one design" if subject.designs == 1 else f"{subject.designs} designs"
        most = f"up to {subject.replications} replications"
        even = len(runs) == subject.designs * subject.replications
        each = f"{subject.replications} replications" if even else most
        if subject.replications == 1:
            each = "one run each"
        elif subject.crossed:
            each = sources(runs).removesuffix(f", {ONE_HISTORY_WORDS}")
        text = f"{len(runs):,} runs: {designs}, {each}, {days} days"
    failed = len(results.failed)
    text += f". {failed:,} runs failed and are left out" if failed else ""
    planned = results.manifest.get("runs")
    if isinstance(planned, int) and planned > len(results.all_runs):
        text += f". {planned - len(results.all_runs):,} runs are still missing"
    return f"{text}."


def _findings(subject: Subject, sections: list[Section]) -> list[str]:
    """The sentences a hurried reader needs: of risk, operations, frontier, inventory, defaults."""
    runs = subject.runs
    found = []
    for name in (*subject.risks, subject.operations):
        means = runs.groupby("scenario_id")[name].mean()
        if subject.designs == 1:
            found.append(f"{metric_label(name)}: {subject.amount(name, means.iloc[0])}.")
            continue
        first = runs.drop_duplicates("scenario_id").set_index("scenario_id")
        least, most = extremes(means)
        words = metric_phrase(name)
        words = words[:1].upper() + words[1:]
        ends = [subject.amount(name, means[chosen]) for chosen in (least, most)]
        if ends[0] == ends[1]:
            found.append(f"{words}: {ends[0]} in every design.")
            continue
        for place, chosen in enumerate((least, most)):
            tied = int((means == means[chosen]).sum())
            others = f" and {tied - 1} more" if tied > 1 else ""
            ends[place] += f" ({subject.design(dict(first.loc[chosen]))}{others})"
        found.append(f"{words}: from {ends[0]} to {ends[1]}.")
    for section in sections:
        for item in section.items:
            if isinstance(item, FigureItem) and item.name in ("frontier", "issuance"):
                found.append(item.caption)
        if section.title == "Defaults":
            found += section.text
    if subject.replications == 1 and subject.designs > 1:
        found.append("Each design has one run: differences may be chance.")
    unmet = runs["unmet_calls"].sum()
    if unmet and runs["margin_calls"].sum():
        share = 100 * unmet / runs["margin_calls"].sum()
        found.append(f"{number_label(share, 2)} % of margin calls were not met in full.")
    return found
