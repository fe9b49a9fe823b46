"""One line of what `collateral bench` measures, and the CSV of all of them."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from scenarios.errors import InputError


@dataclass(frozen=True)
class Measurement:
    """One row of the benchmarks' CSV (`docs/performance.md`)."""

    name: str
    size: int
    """Loans of the market or runs of the sweep that was measured."""
    value: float
    unit: str
    compared_with: str = ""
    """Name of another measurement."""
    ratio: float = float("nan")
    """How many times as fast as the other; of memory, how many times as large."""
    asked: str = ""
    """What it is to come to; empty where nothing is asked."""

    def line(self, counted: str, room: int) -> str:
        """The measurement for people to read; two lines where there is no room for one.

        Args:
            counted: what `size` counts.
            room: characters in a line.
        """
        told = f"{self.name:34} {self.size:>11,} {counted} {self.value:>10,.2f} {self.unit}"
        notes = [] if math.isnan(self.ratio) else [f"{self.ratio:.2f} x {self.compared_with}"]
        notes += [f"asked: {self.asked}"] if self.asked else []
        more = "".join(["  ", "; ".join(notes)]) if notes else ""
        return told + more if len(told + more) <= room else f"{told}\n{more}"


COLUMNS = ("benchmark", *(field.name for field in fields(Measurement)))


@contextmanager
def csv_writer(path: Path | None, benchmark: str) -> Iterator[Callable[[Measurement], None]]:
    """Gives what writes a measurement to a CSV, at once; to none if there is no path.

    Raises:
        InputError: the file cannot be written.
    """
    if path is None:
        yield lambda row: None
        return
    if not path.resolve().parent.is_dir():
        raise InputError(f"--out {path}: no folder {path.resolve().parent}")
    try:
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise InputError(f"--out {path}: cannot be written ({error.strerror})") from None
    with file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)

        def write(row: Measurement) -> None:
            cells = ("" if cell != cell else cell for cell in (benchmark, *astuple(row)))
            writer.writerow(cells)
            file.flush()

        yield write
