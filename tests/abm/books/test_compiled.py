"""The cache of compiled code notices a change in every folder that such code can be in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from abm.books.compiled import COMPILED_ROOMS

ROOT = Path(__file__).parents[3]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the packages, to change rules in."""
    ignored = shutil.ignore_patterns("__pycache__")
    for wing in ("abm", "analysis", "scenarios"):
        shutil.copytree(ROOT / wing, tmp_path / wing, ignore=ignored)
    return tmp_path


@pytest.mark.parametrize("room", COMPILED_ROOMS)
def test_a_change_in_a_room_is_a_change_of_the_folder(
    copy: Path, monkeypatch: pytest.MonkeyPatch, room: str
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "as given: this process keeps its own")

    def folder() -> str:
        spec = spec_from_file_location("copied", copy / "abm" / "books" / "compiled.py")
        assert spec is not None and spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return module._cache_folder()

    before = folder()
    assert folder() == before
    source = sorted((copy / "abm" / room).glob("*.py"))[-1]
    source.write_text(source.read_text() + "\n# changed\n")
    assert folder() != before


PASS = """
from abm.books.compiled import compiled
from abm.rules.planning import whole_tokens


@compiled
def tokens(value: int, price: int) -> int:
    return whole_tokens(value, price, True)
"""


def test_a_changed_rule_changes_what_a_pass_gives(copy: Path) -> None:
    """The pass is in another file than the rule, and numba looks at the file of the pass only."""
    (copy / "abm" / "day" / "tokens_of.py").write_text(PASS)
    rule = copy / "abm" / "rules" / "planning.py"
    assert tokens(copy) == 10
    text = rule.read_text()
    assert text.count("value += price - 1") == 1
    rule.write_text(text.replace("value += price - 1", "value += 2 * price - 1"))
    assert tokens(copy) == 11


def tokens(copy: Path) -> int:
    """What the pass gives for 91 at a price of 10, in a process that keeps its cache in `copy`."""
    code = "from abm.day.tokens_of import tokens; print(tokens(91, 10))"
    environment = {**os.environ, "PYTHONPATH": str(copy), "XDG_CACHE_HOME": str(copy / "cache")}
    environment.pop("NUMBA_CACHE_DIR", None)
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=environment, cwd=copy, capture_output=True, text=True, check=True
    )
    return int(done.stdout)
