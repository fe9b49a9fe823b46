"""The notebooks run from top to bottom, and are kept without what they print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "examples").glob("*.ipynb"))
NEEDS = {"results_in_three_libraries": ("duckdb", "polars")}


def cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in NEEDS.get(path.stem, ()):
        pytest.importorskip(package, reason="a library that the notebook shows")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__notebook__"}
    for number, cell in enumerate(cells(path), 1):
        lines = "".join(cell["source"]).splitlines()
        code = "\n".join(line for line in lines if not line.startswith("%"))  # magics
        exec(compile(code, f"{path.name}, code cell {number}", "exec"), names)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_a_notebook_is_kept_without_output(path: Path) -> None:
    assert cells(path)
    for cell in cells(path):
        assert not cell["outputs"]
        assert cell["execution_count"] is None


def test_the_site_shows_every_notebook() -> None:
    index = (NOTEBOOKS[0].parents[1] / "docs" / "index.md").read_text()
    for path in NOTEBOOKS:
        assert f"_notebooks/{path.stem}\n" in index
