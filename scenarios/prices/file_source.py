"""Prices from a file of the user's, or from one that comes with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from scenarios.errors import InputError
from scenarios.prices.calendars import on_calendar
from scenarios.prices.files import read_prices
from scenarios.prices.panel import PricePanel
from scenarios.prices.source import PriceSource, Window

BUNDLED = "bundled:"
DATA = Path(__file__).parents[1] / "data"


class FileSource(PriceSource):
    """Closing prices read from a CSV or Parquet file, wide or tidy (`read_prices`)."""

    source: Literal["file"] = "file"
    file: str = Field(min_length=1)
    """A path, or `bundled:NAME` for a file of `scenarios/data`.

    A relative path in a scenario file counts from that file's folder: the loader passes it as
    `context={"folder": ...}`. Elsewhere it counts from the current directory.
    """
    tokens: tuple[str, ...] = ()
    """The columns to use, in this order; every column of the file by default."""

    @field_validator("file")
    @classmethod
    def _from_the_scenarios_folder(cls, file: str, info: ValidationInfo) -> str:
        folder = (info.context or {}).get("folder")
        if file.startswith(BUNDLED) or folder is None:
            return file
        return str(Path(folder) / Path(file).expanduser())

    @property
    def path(self) -> Path:
        """Where the prices are read from.

        Raises:
            InputError: no bundled file has this name.
        """
        if not self.file.startswith(BUNDLED):
            return Path(self.file).expanduser()
        name = self.file.removeprefix(BUNDLED)
        known = sorted(file.stem for file in DATA.glob("*.csv"))
        if name not in known:
            raise InputError(
                f"prices.file: no bundled prices called {name!r}; there is {', '.join(known)}"
            )
        return DATA / f"{name}.csv"

    def panel(self, window: Window, rng: np.random.Generator) -> PricePanel:
        """All days of the file, for the tokens asked for.

        Raises:
            InputError: the file cannot be read, lacks a token, or does not cover the window.
        """
        prices = read_prices(self.path)
        if self.tokens:
            prices = prices.select(self.tokens)
        on_calendar(prices, window.start, window.end, window.calendar)
        return prices
