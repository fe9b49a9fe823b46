"""The section on a loan book: its targets, and what came out."""

from __future__ import annotations

import pandas as pd

from analysis.labels import number_label
from analysis.report.content import Section, TableItem


def book_section(outcome: pd.DataFrame, of: str) -> Section:
    """Targets of the book that the runs drew their loans from, beside what was drawn.

    Args:
        outcome: a row a target: `name`, `kind` (share or another word), `target`, `drawn`, `worst`
            and `source`.
        of: which books these are, in words.
    """
    shown = pd.DataFrame({"Target of": outcome["name"]})
    for column, head in (("target", "Target"), ("drawn", "Drawn, mean"), ("worst", "Furthest off")):
        shown[head] = [
            f"{100 * value:.1f} %" if kind == "share" else number_label(value)
            for kind, value in zip(outcome["kind"], outcome[column], strict=True)
        ]
    shown["Source"] = outcome["source"]
    shares = outcome[outcome["kind"] == "share"]
    off = 100 * (shares["worst"] - shares["target"]).abs()
    words = f"Of {len(shares)} shares the furthest is {off.max():.1f} points off its target ({of})."
    caption = f"By value on day 0, of {of}; furthest off: of these books, what is."
    table = TableItem("book-targets", "Targets, and what came out", shown, outcome, caption)
    return Section("The loan book", [table], [words])
