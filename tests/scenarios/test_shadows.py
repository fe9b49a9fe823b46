"""A user's own `analysis.py`, `scenarios.py` or `abm.py` beside a script: one sentence says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from abm.commands.cli import main

COMMAND = Path(sys.executable).parent / "collateral"
BARE = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def said(folder: Path, *command: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env=BARE, capture_output=True, text=True, timeout=120
    )
    assert done.returncode != 0
    return done.stderr


@pytest.mark.parametrize(
    ("hiding", "imported"),
    [
        ("analysis.py", "abm.measures.measure"),
        ("scenarios.py", "abm.measures.measure"),
        ("scenarios/__init__.py", "abm.measures.measure"),
        ("abm.py", "scenarios.scenario"),
        ("analysis/__init__.py", "scenarios.scenario"),
    ],
)
def test_what_hides_a_package_is_named(hiding: str, imported: str, tmp_path: Path) -> None:
    path = tmp_path / hiding
    path.parent.mkdir(exist_ok=True)
    path.write_text("x = 1\n")
    (tmp_path / "mine.py").write_text(f"import {imported}\n")
    last = said(tmp_path, sys.executable, "mine.py").splitlines()[-1]
    place = tmp_path / hiding.removesuffix("/__init__.py")
    assert last.startswith(f"ImportError: {place}")
    assert f"hides the package {hiding.partition('/')[0].removesuffix('.py')!r}" in last
    assert "give the file or folder another name" in last


def test_the_command_has_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "analysis.py").write_text("x = 1\n")
    (line,) = said(tmp_path, sys.executable, "-m", "abm", "scenarios").splitlines()
    assert line.startswith(f"collateral: {tmp_path / 'analysis.py'} hides the package 'analysis'")


def test_what_hides_nothing_is_left_alone(tmp_path: Path) -> None:
    """A folder of scenario files; and the command itself looks nowhere near."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "mine.py").write_text("import abm.measures.measure\n")
    subprocess.run([sys.executable, "mine.py"], cwd=tmp_path, env=BARE, check=True)
    (tmp_path / "analysis.py").write_text("x = 1\n")
    subprocess.run([COMMAND, "scenarios"], cwd=tmp_path, env=BARE, check=True, capture_output=True)


def test_a_module_of_that_name_cannot_be_used_in_a_scenario(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "analysis.py").write_text("class Mine: pass\n")
    change = 'participants.behaviour.borrower="analysis:Mine"'
    result = CliRunner().invoke(main, ["run", "crash", "--out", "o", "--set", change])
    assert result.exit_code == 2
    assert "analysis is a package of the simulator; give your module another name" in result.stderr
