"""The command without its script, completed by shells, and while it compiles."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner

from abm.commands.cli import COMMANDS, main

ROOT = Path(__file__).parents[3]
COMMAND = Path(sys.executable).parent / "collateral"


def test_the_package_is_a_command_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "abm", "--help"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: python -m abm [OPTIONS] COMMAND")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_a_shell_is_given_asks_the_command(shell: str) -> None:
    script = CliRunner().invoke(main, ["completion", shell], catch_exceptions=False).stdout
    assert f"_COLLATERAL_COMPLETE={shell}_complete" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("",), [*COMMANDS]),
        (("run", "crash"), ["crash", "crash-causes"]),
        (("run", "crash", "--res"), ["--resume"]),
        (("scenarios", "sh"), ["show"]),
        (("scenarios", "copy", "network-f"), ["network-file"]),
    ],
    ids=["commands", "scenarios", "options", "subcommands", "names"],
)
def test_the_tab_key_offers(words: tuple[str, ...], offered: list[str]) -> None:
    complete = BashComplete(main, {}, "collateral", "_COLLATERAL_COMPLETE")
    items = complete.get_completions([*words[:-1]], words[-1])
    assert [item.value for item in items if item.type == "plain"] == offered


def test_bash_asks_the_command_itself() -> None:
    environment = {
        **os.environ,
        "_COLLATERAL_COMPLETE": "bash_complete",
        "COMP_WORDS": "collateral pict",
        "COMP_CWORD": "1",
    }
    done = subprocess.run([COMMAND], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "plain,picture\n"


def test_what_is_compiled_is_said_while_it_happens(tmp_path: Path) -> None:
    """One small pass, with an empty cache and with a full one."""
    code = (
        "import numpy as np\n"
        "from abm.books.compiled import compiled\n"
        "from abm.commands.compiling import told_when_compiling\n"
        "@compiled\n"
        "def total(numbers):\n"
        "    return numbers.sum()\n"
        "with told_when_compiling(verbose=True):\n"
        "    total(np.arange(3))\n"
        "    total(np.arange(4))\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, str(script)]
    said = []
    for _ in range(2):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        said.append(done.stderr.splitlines())
    first, name, last = said[0]
    assert first.startswith("compiling for this machine, once")
    assert name.strip() == "__main__.total"
    assert last.startswith("compiled 1 of them in")
    assert said[1] == [], "the second time it is in the cache"
