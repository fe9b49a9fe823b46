"""The cache of compiled code notices a change in every file that a pass can call."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import FunctionType

import pytest
from numba.core.dispatcher import Dispatcher

from abm.books.compiled import reached

ROOT = Path(__file__).parents[3]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the packages, to change rules in."""
    ignored = shutil.ignore_patterns("__pycache__")
    for wing in ("abm", "analysis", "scenarios"):
        shutil.copytree(ROOT / wing, tmp_path / wing, ignore=ignored)
    return tmp_path


@pytest.mark.parametrize("room", ["books", "rules", "agents", "day", "measures"])
def test_whatever_a_compiled_function_calls_is_among_the_files_that_count(room: str) -> None:
    checked = 0
    for source in sorted((ROOT / "abm" / room).glob("*.py")):
        module = import_module(f"abm.{room}.{source.stem}")
        own = [one for one in vars(module).values() if isinstance(one, Dispatcher)]
        files = reached(source)
        for function in [one.py_func for one in own if one.py_func.__module__ == module.__name__]:
            checked += 1
            assert called_by(function) <= files, function
    assert checked


def called_by(function: FunctionType) -> set[Path]:
    """Files of the compiled functions that a function names."""
    named = [function.__globals__.get(name) for name in function.__code__.co_names]
    called = [one.py_func for one in named if isinstance(one, Dispatcher)]
    return {Path(one.__code__.co_filename) for one in called}


FOLDER = """
import abm.day.deliver
from pathlib import Path
from abm.books.compiled import cache_folder
print(cache_folder(Path(abm.day.deliver.__file__)))
"""


def test_a_change_of_what_a_pass_can_call_is_another_folder(copy: Path) -> None:
    before = python(copy, FOLDER)
    append(copy / "abm" / "measures" / "earnings.py")
    assert python(copy, FOLDER) == before, "no pass calls it"
    append(copy / "abm" / "rules" / "planning.py")
    assert python(copy, FOLDER) != before


def append(source: Path) -> None:
    source.write_text(source.read_text() + "\n# changed\n")


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
    return int(python(copy, "from abm.day.tokens_of import tokens; print(tokens(91, 10))"))


def python(copy: Path, code: str) -> str:
    """What a process prints that works on the copy."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "XDG_CACHE_HOME": str(copy / "cache")}
    environment.pop("NUMBA_CACHE_DIR", None)
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=environment, cwd=copy, capture_output=True, text=True, check=True
    )
    return done.stdout
