"""A price file named in a scenario: a path of the user's, or one that comes with the package."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from scenarios.errors import InputError, nearest
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

    def read(self) -> PricePanel:
        """Every day and token of the file.

        Raises:
            InputError: the file cannot be read (`read_prices`).
        """
        return read_prices(self.path)
