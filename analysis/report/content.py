"""What a report is made of, whatever it is written as."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure


@dataclass(frozen=True)
class FigureItem:
    """A figure with what is seen on it in words."""

    name: str
    """Of its file."""
    figure: Figure
    caption: str


@dataclass(frozen=True)
class TableItem:
    """A table as people read it, and its numbers in full."""

    name: str
    title: str
    shown: pd.DataFrame
    """Formatted cells; column names are headings."""
    numbers: pd.DataFrame
    """Every row and digit, for CSV."""
    caption: str = ""
    folded: bool = False
    """Whether it is opened by a click: what is long, or only looked up."""


@dataclass
class Section:
    """A heading and what stands under it."""

    title: str
    items: list[FigureItem | TableItem] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    """Paragraphs before the items."""


@dataclass
class Report:
    """Everything that is known about an experiment, ready to be written."""

    title: str
    subtitle: str
    findings: list[str]
    """What was found, a sentence each."""
    sections: list[Section]

    @property
    def figures(self) -> list[FigureItem]:
        """All figures in their order."""
        items = [item for section in self.sections for item in section.items]
        return [item for item in items if isinstance(item, FigureItem)]

    @property
    def tables(self) -> list[TableItem]:
        """All tables in their order."""
        items = [item for section in self.sections for item in section.items]
        return [item for item in items if isinstance(item, TableItem)]
