"""What the README shows runs: its Python, and its extras are there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.mark.parametrize("code", BLOCKS, ids=[f"block {i + 1}" for i in range(len(BLOCKS))])
def test_block_runs_and_prints_what_it_says(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert ("calls; D1 holds" in printed) or re.search(r"^[1-9]\d* calls unmet$", printed, re.M)


def test_extras_are_those_that_there_are() -> None:
    project = tomllib.loads((README.parent / "pyproject.toml").read_text())["project"]
    extras = set(project["optional-dependencies"])
    assert set(re.findall(r"^\| `(\w+)` \| ", TEXT, flags=re.MULTILINE)) == extras
    for named in re.findall(r'pip install -e "\.\[([\w,]+)\]"', TEXT):
        assert set(named.split(",")) <= extras


def test_links_in_the_documentation_lead_somewhere() -> None:
    root = README.parent
    for page in [*root.glob("*.md"), *(root / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
