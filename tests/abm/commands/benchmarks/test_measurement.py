"""The CSV of the benchmarks is as its page says, and complete up to where it was stopped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from abm.commands.benchmarks.measurement import COLUMNS, Measurement, csv_writer
from scenarios.errors import InputError

PAGE = (Path(__file__).parents[4] / "docs" / "performance.md").read_text(encoding="utf-8")

ALONE = Measurement("sweep", 300, 12.5, "s")
COMPARED = Measurement("sweep, again", 300, 6.25, "s", "sweep", 2.0)
ASKED = Measurement("sweep, again", 300, 6.25, "s", "sweep", 2.0, "at least 3 x")


def test_the_page_describes_every_column() -> None:
    table = PAGE.split("## Columns of the CSV")[1].split("\n## ")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == COLUMNS


def test_a_line_shows_the_figure_and_what_it_is_compared_with() -> None:
    assert ALONE.line("runs", 100).split() == ["sweep", "300", "runs", "12.50", "s"]
    assert COMPARED.line("runs", 100).endswith("300 runs       6.25 s  2.00 x sweep")
    assert COMPARED.line("runs", 70).splitlines()[1] == "  2.00 x sweep"
    assert ASKED.line("runs", 70).splitlines()[1] == "  2.00 x sweep; asked: at least 3 x"


def test_rows_are_there_although_the_rest_failed(tmp_path: Path) -> None:
    path = tmp_path / "figures.csv"
    with pytest.raises(RuntimeError), csv_writer(path, "experiments") as write:
        write(ALONE)
        write(COMPARED)
        raise RuntimeError
    assert path.read_text().splitlines() == [
        "benchmark,name,size,value,unit,compared_with,ratio,asked",
        "experiments,sweep,300,12.5,s,,,",
        'experiments,"sweep, again",300,6.25,s,sweep,2.0,',
    ]


@pytest.mark.parametrize("name", ["nowhere/figures.csv", "."])
def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="--out"), csv_writer(tmp_path / name, "market"):
        raise AssertionError("measured all the same")
