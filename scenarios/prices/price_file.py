"""A price file named in a scenario: a path of the user's, or one that comes with the package."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from scenarios.errors import InputError, nearest
from scenarios.prices.exchange import ExchangeRate, check_rates, converted
from scenarios.prices.files import content_with_record, read_prices
from scenarios.prices.panel import PricePanel
from scenarios.table import Table

BUNDLED = "bundled:"
DATA = Path(__file__).parents[1] / "data"
_DATA = f"{DATA}{os.sep}"


class PriceFile(Table):
    """A CSV or Parquet file of closing prices, wide or tidy (`read_prices`)."""

    file: str = Field(min_length=1)
    """A path, or `bundled:NAME` for a file of `scenarios/data`.

    A relative path in a scenario file counts from that file's folder: the loader passes it as
    `context={"folder": ...}`. Elsewhere it counts from the current directory.
    """

    currencies: dict[str, str] = Field(default_factory=dict)
    """Currency of the prices of tokens; by default what the file states, or else the scenario's
    `money.currency`."""
    rates: dict[str, ExchangeRate] = Field(default_factory=dict)
    """Exchange rates by the currency that they convert, as
    `{ JPY = { column = "EURJPY", quote = "JPY per EUR" } }`; their columns are no tokens unless
    `tokens` or `columns` name them."""

    @model_validator(mode="after")
    def _rates_fit_together(self) -> Self:
        check_rates(self.rates)
        return self

    @field_validator("file")
    @classmethod
    def _from_the_scenarios_folder(cls, file: str, info: ValidationInfo) -> str:
        folder = (info.context or {}).get("folder")
        if file.startswith(BUNDLED) or folder is None:
            return file
        return str((Path(folder) / Path(file).expanduser()).absolute())

    @property
    def path(self) -> Path:
        """Where the prices are read from.

        Raises:
            InputError: no bundled file has this name.
        """
        if not self.file.startswith(BUNDLED):
            return Path(self.file).expanduser()
        name = self.file.removeprefix(BUNDLED)
        path = DATA / f"{name}.csv"
        if not path.is_file():
            known = sorted(file.stem for file in DATA.glob("*.csv"))
            raise InputError(
                f"prices.file: no bundled prices called {name!r}{nearest(name, known)};"
                f" there is {', '.join(known)}"
            )
        return path

    @property
    def content(self) -> tuple[str | None, ...]:
        """A name for the prices in the file, which others do not have."""
        bundled = self.file.startswith(BUNDLED)
        name = f"{_DATA}{self.file.removeprefix(BUNDLED)}.csv" if bundled else self.file
        return content_with_record(os.path.expanduser(name))  # noqa: PTH111  as fast as can be

    @property
    def conversion(self) -> tuple[object, ...]:
        """A name for how the prices are converted, which other conversions do not have."""
        return tuple(self.currencies.items()), tuple(self.rates.items())

    def read(self, tokens: Iterable[str] = ()) -> PricePanel:
        """Every day of the file, its prices converted where there are rates.

        Args:
            tokens: the columns to use, in this order; all but those of rates by default.

        Raises:
            InputError: the file cannot be read (`read_prices`) or converted (`converted`), or
                lacks a column.
        """
        panel = converted(read_prices(self.path), self.currencies, self.rates)
        wanted = tuple(tokens)
        if not wanted and self.rates:
            columns = {rate.column for rate in self.rates.values()}
            wanted = tuple(token for token in panel.tokens if token not in columns)
        return panel.select(wanted) if wanted else panel
