"""The section that says what was run, and what failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from analysis.labels import metric_label
from analysis.report.content import Section, TableItem
from analysis.report.subject import Subject


def settings_section(subject: Subject) -> Section:
    """Scenario, factors, versions, failures, and the meaning of the statistics."""
    manifest = subject.results.manifest
    section = Section("Settings and versions")
    failed = subject.results.failed
    if len(failed):
        numbers = failed.groupby("error", dropna=False).agg(
            runs=("scenario_id", "size"), designs=("scenario_id", "nunique")
        )
        table = numbers.reset_index().sort_values("runs", ascending=False)
        shown = table.rename(columns={"error": "Error", "runs": "Runs", "designs": "Designs"})
        section.items.append(
            TableItem(
                "failed",
                f"{len(failed)} runs failed",
                shown.astype(str),
                failed[["scenario_id", "replication_id", "error"]],
                "They are left out everywhere else.",
            )
        )
    factors = manifest.get("factors") or {}
    if isinstance(factors, Mapping) and factors:
        rows = [(name, _some(values)) for name, values in factors.items()]
        section.items.append(_pairs("factors", "What varies", rows, ("Factor", "Values")))
    about = [
        (label, manifest[key])
        for key, label in (
            ("name", "Name"),
            ("replications", "Replications"),
            ("seed", "Seed"),
            ("started", "Started (UTC)"),
            ("ended", "Ended (UTC)"),
            ("status", "Status"),
            ("fingerprint", "Fingerprint of the experiment"),
        )
        if manifest.get(key) not in (None, "")
    ]
    machine = manifest.get("machine")
    about += (
        [(f"Machine: {name}", value) for name, value in flat(machine)]
        if isinstance(machine, Mapping)
        else []
    )
    section.items.append(_pairs("experiment", "Experiment", about, ("", "")))
    versions = manifest.get("versions") or {}
    if versions:
        rows = [(name, str(version)) for name, version in versions.items()]
        section.items.append(_pairs("versions", "Versions", rows, ("Package", "Version")))
    scenario = manifest.get("scenario") or {}
    section.items.append(
        _pairs(
            "scenario",
            "Scenario that is varied",
            list(flat(scenario)),
            ("Field", "Value"),
            folded=True,
        )
    )
    meanings = [
        {
            "Column": name,
            "Name here": metric_label(name),
            "Unit": known.unit,
            "Meaning": known.meaning,
        }
        for name, known in subject.results.table("runs").columns.items()
        if known.meaning and name in subject.runs and not name.startswith("factor.")
    ]
    table = pd.DataFrame(meanings)
    section.items.append(
        TableItem("columns", "What the statistics mean", table, table, folded=True)
    )
    return section


def flat(table: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """A nested table as rows of dotted names and values, empty ones left out."""
    if isinstance(table, Mapping):
        for key, value in table.items():
            yield from flat(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(table, list) and any(isinstance(value, Mapping | list) for value in table):
        for number, value in enumerate(table[:20]):
            yield from flat(value, f"{prefix}[{number}]")
        if len(table) > 20:
            yield prefix, f"and {len(table) - 20} more"
    elif table not in (None, "", [], ()):
        text = ", ".join(map(str, table)) if isinstance(table, list) else str(table)
        yield prefix, text


def _some(values: Any, most: int = 12) -> str:
    if isinstance(values, Mapping):
        return ", ".join(f"{key} {value}" for key, value in values.items())
    if not isinstance(values, list):
        return str(values)
    text = ", ".join(str(value) for value in values[:most])
    return text if len(values) <= most else f"{text}, … ({len(values)} values)"


def _pairs(
    name: str,
    title: str,
    rows: list[tuple[str, Any]],
    heads: tuple[str, str],
    folded: bool = False,
) -> TableItem:
    left, right = heads[0], heads[1] or " "
    table = pd.DataFrame({left: [str(a) for a, _ in rows], right: [str(b) for _, b in rows]})
    numbers = pd.DataFrame({"name": table[left], "value": table[right]})
    return TableItem(name, title, table, numbers, folded=folded)
