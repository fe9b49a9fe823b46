"""The tutorials work as written, from an empty folder to a result."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from abm.commands.cli import main

TUTORIALS = sorted((Path(__file__).parents[1] / "docs" / "tutorials").glob("*.md"))
BLOCK = re.compile(r"(?:`(?P<name>[\w.-]+)`:\n\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)


@pytest.mark.parametrize("page", TUTORIALS, ids=[page.stem for page in TUTORIALS])
def test_a_tutorial_leads_to_its_result(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named blocks become files, consoles are run, Python goes on where it was."""
    pytest.importorskip("SALib", reason="the first tutorial uses the extra `sensitivity`")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    modules = set(sys.modules)
    names: dict[str, Any] = {"__name__": "__tutorial__"}
    text = page.read_text()
    assert text.count("```") == 2 * len(BLOCK.findall(text))
    for block in BLOCK.finditer(text):
        if block["name"]:
            Path(block["name"]).write_text(block["text"])
        elif block["kind"] == "console":
            _run_console(block["text"])
        else:
            assert block["kind"] == "python"
            exec(compile(block["text"], page.name, "exec"), names)
    assert list(tmp_path.glob("results/*/report.html"))
    for module in {name for name in set(sys.modules) - modules if name.startswith("my_")}:
        del sys.modules[module]


def _run_console(block: str) -> None:
    """Run the lines that begin with `$`; what stands below one is in what it prints."""
    printed = ""
    for line in block.splitlines():
        if line.startswith("$ "):
            printed = _run(line[2:])
        else:
            assert line in printed, f"{line!r} is not in\n{printed}"


def _run(line: str) -> str:
    """Run one command; `|| test $? = N` behind it says that it ends with N."""
    command, _, rest = line.partition(" || test $? = ")
    expected = int(rest or 0)
    words = shlex.split(command)
    if words[0] == "collateral":
        done = CliRunner().invoke(main, words[1:], env={"COLUMNS": "160"})
        assert done.exit_code == expected, f"{line}\n{done.output}\n{done.exception!r}"
        return done.output
    ran = subprocess.run([sys.executable, *words[1:]], capture_output=True, text=True)
    assert words[0] == "python"
    assert ran.returncode == expected, ran.stdout + ran.stderr
    return ran.stdout
