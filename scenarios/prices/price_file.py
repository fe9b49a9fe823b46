"""A price file named in a scenario: a path of the user's, or one that comes with the package."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from scenarios.errors import InputError, nearest
from scenarios.prices.files import read_prices, sidecar_of
from scenarios.prices.panel import PricePanel
from scenarios.table import Table

BUNDLED = "bundled:"
DATA = Path(__file__).parents[1] / "data"


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
        known = sorted(file.stem for file in DATA.glob("*.csv"))
        if name not in known:
            raise InputError(
                f"prices.file: no bundled prices called {name!r}{nearest(name, known)};"
                f" there is {', '.join(known)}"
            )
        return DATA / f"{name}.csv"

    def read(self) -> PricePanel:
        """Every day and token of the file.

        Raises:
            InputError: the file cannot be read (`read_prices`).
        """
        path = self.path
        return _unchanged(path, _stamp(path), _stamp(sidecar_of(path)))


Stamp = tuple[int, int] | None


def _stamp(path: Path) -> Stamp:
    """What tells one state of a file from another; None if it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=8)
def _unchanged(path: Path, stamp: Stamp, record: Stamp) -> PricePanel:
    """Read a file once while it, and the record beside it, stay as they are."""
    panel = read_prices(path)
    panel.close.setflags(write=False)
    return panel
