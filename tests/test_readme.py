"""What the README shows runs: its Python, its commands, its extras."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from abm.commands.cli import main

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
COMMANDS = [
    shlex.split(line, comments=True)
    for line in re.findall(r"^    (?:\.venv/bin/)?collateral (.*)$", TEXT, flags=re.MULTILINE)
]
HERE = [command for command in COMMANDS if command[0] in ("scenarios", "init", "completion")]
ONE_AFTER_THE_OTHER = [
    command
    for command in COMMANDS
    if command[0] in ("run", "report", "picture") and "paper-models" not in " ".join(command)
]
ELSEWHERE = {
    "run", "report", "replicate", "prices", "serve", "verify", "gas", "optimise", "bench"
}  # fmt: skip
"""Commands whose own tests run them: they take files, time, an extra, a network or a browser."""


@pytest.mark.parametrize("code", BLOCKS, ids=[f"block {i + 1}" for i in range(len(BLOCKS))])
def test_block_runs_and_prints_what_it_says(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert ("calls; D1 holds" in printed) or re.search(r"^[1-9]\d* calls unmet$", printed, re.M)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_is_one(command: list[str]) -> None:
    """Its subcommand, arguments and options are there, whether or not it is run below."""
    assert command in HERE or command in ONE_AFTER_THE_OTHER or command[0] in ELSEWHERE
    group: click.Command = main
    context = click.Context(main, info_name="collateral")
    words = list(command)
    while isinstance(group, click.Group) and words:
        name, found, words = group.resolve_command(context, words)
        assert name is not None and found is not None
        group = found
    group.make_context(command[0], words, parent=context)


@pytest.mark.parametrize("command", HERE, ids=" ".join)
def test_a_short_command_runs(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, command, catch_exceptions=False)
    assert done.exit_code == 0
    assert done.stdout


def test_the_others_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they stand, but with one replication."""
    monkeypatch.chdir(tmp_path)
    assert len(ONE_AFTER_THE_OTHER) > 4
    for command in ONE_AFTER_THE_OTHER:
        fewer = ["--replications", "1"] if command[0] == "run" else []
        done = CliRunner().invoke(main, [*command, *fewer], catch_exceptions=False)
        assert done.exit_code == 0, done.output
    assert Path("results/causes/report.html").exists()
    assert Path("net.png").exists()


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
