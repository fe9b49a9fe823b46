"""Price panels and where they come from."""

from __future__ import annotations

from scenarios.prices.file_source import FileSource
from scenarios.prices.panel import PricePanel
from scenarios.prices.source import PriceSource, Window

SOURCES: tuple[type[PriceSource], ...] = (FileSource,)
"""Every source that a scenario can name; a new one is a subclass and a line here."""

AnyPriceSource = FileSource

__all__ = ["SOURCES", "AnyPriceSource", "FileSource", "PricePanel", "PriceSource", "Window"]
