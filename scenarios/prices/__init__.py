"""Price panels and where they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias, Union

from pydantic import Field

from scenarios.prices.bootstrap import BootstrapSource
from scenarios.prices.classes import ClassesSource
from scenarios.prices.file_source import FileSource
from scenarios.prices.garch import GarchSource
from scenarios.prices.gbm import GbmSource
from scenarios.prices.merton import MertonSource
from scenarios.prices.overlay import BridgeSource, ShocksSource
from scenarios.prices.own import OwnSource
from scenarios.prices.panel import PricePanel
from scenarios.prices.regimes import RegimeSource
from scenarios.prices.replay import ReplaySource
from scenarios.prices.source import PriceSource, Window
from scenarios.prices.student_t import StudentTSource

SOURCES: tuple[type[PriceSource], ...] = (
    FileSource,
    BootstrapSource,
    GbmSource,
    ClassesSource,
    StudentTSource,
    GarchSource,
    MertonSource,
    RegimeSource,
    ReplaySource,
    ShocksSource,
    BridgeSource,
    OwnSource,
)
"""Every source that a scenario can name; a new one is a subclass and a line here."""

if TYPE_CHECKING:
    AnyPriceSource: TypeAlias = PriceSource
else:
    AnyPriceSource = Annotated[Union[SOURCES], Field(discriminator="source")]  # noqa: UP007
"""The type of a pydantic field that holds any of them, told apart by `source`."""

# A source that holds another one can only be completed once all are known.
for _source in SOURCES:
    _source.model_rebuild(_types_namespace={"AnyPriceSource": AnyPriceSource})

__all__ = [
    "SOURCES",
    "AnyPriceSource",
    "BootstrapSource",
    "BridgeSource",
    "ClassesSource",
    "FileSource",
    "GarchSource",
    "GbmSource",
    "MertonSource",
    "OwnSource",
    "PricePanel",
    "PriceSource",
    "RegimeSource",
    "ReplaySource",
    "ShocksSource",
    "StudentTSource",
    "Window",
]
