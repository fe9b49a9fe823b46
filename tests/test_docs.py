"""What the documentation shows works as written: every block of every page, and the tutorials from
an empty folder to a result."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from documentation import PAGES, ROOT, Block, blocks, inline_commands

from abm.chain import installed
from abm.commands.cli import main
from abm.model import CollateralMarket
from scenarios.scenario import Scenario

TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
NAMED = re.compile(r"(?:`(?P<name>[\w.-]+)`:\n\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)

RUN_BY = {
    ("README.md", "python"): "tests/test_readme.py",
    ("analysis.md", "python"): "tests/analysis/report/test_report.py",
    ("experiments.md", "toml"): "tests/abm/experiments/test_docs.py",
    ("extending.md", "python"): "tests/test_extending.py",
    ("prices.md", "python"): "tests/scenarios/prices/test_docs.py",
    ("prices.md", "toml"): "tests/scenarios/prices/test_docs.py",
    ("scenarios.md", "toml"): "tests/abm/opening/test_drawn_loans.py",
    ("schedules.md", "toml"): "tests/abm/commands/test_optimise.py",
}
"""Blocks of a page and a language that another test runs."""
SHOWN = {
    "architecture.md": ["scenarios/  ──►", "commands      the command line"],
    "books.md": ["name    target     drawn     worst"],
    "contracts.md": ["gas = days × u(post)"],
    "results.md": ["DIR/\nmanifest.json"],
    "schedules.md": ["unmet, USD    cost a year"],
}
"""Drawings, a formula and what a command prints: nothing to run."""
ELSEWHERE = {
    "bench": "tests/abm/commands/test_bench.py",
    "replicate": "tests/abm/commands/test_replicate.py",
    "prices yahoo": "tests/abm/commands/test_prices.py",
    "serve": "tests/abm/page/test_browser.py",
    "run paper-models": "tests/abm/experiments/test_library.py",
    "verify SCENARIO": "tests/abm/chain/test_evm_conformance.py",
}
"""Commands that need another machine than a test's: hours, a network, a browser, prices of others.
Their own tests run them, on less."""
FEWER = {
    "run": ("--replications", "1"),
    "run --networks": ("--networks", "1"),
    "gas": ("--days", "4"),
}
"""What makes a command small."""
FIRST = "run haircuts.toml --out results/haircuts"
NAMES = {
    "DIR": "results/haircuts",
    "results/paper-models": "results/paper-windows",
    "PROBLEM.toml": "my-problem.toml",
}
"""Files of those who read the page."""


def of_kind(kind: str) -> list[Block]:
    return [block for page in PAGES for block in blocks(page) if block.kind == kind]


COMMANDS = list(
    dict.fromkeys(
        line.removeprefix(".venv/bin/").removeprefix("collateral ")
        for block in of_kind("console")
        for line in block.commands
        if line.removeprefix(".venv/bin/").startswith("collateral ")
    )
)
HERE = [
    command for command in COMMANDS if not any(command.startswith(other) for other in ELSEWHERE)
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_is_run_or_only_to_look_at(page: Path) -> None:
    shown = list(SHOWN.get(page.name, ()))
    for block in blocks(page):
        if not block.kind:
            assert block.text.lstrip().startswith(shown.pop(0))
        elif (page.name, block.kind) in RUN_BY:
            test = ROOT / RUN_BY[page.name, block.kind]
            assert page.name in test.read_text(encoding="utf-8").replace('README"', "README.md")
        else:
            assert block.kind == "console" or (page.name, block.kind) in RUN_BELOW
    assert shown == []


def test_commands_that_are_not_run_below_are_run_by_tests_that_exist() -> None:
    for command, test in ELSEWHERE.items():
        assert (ROOT / test).is_file(), command
        assert any(shown.startswith(command) for shown in COMMANDS)
    assert len(HERE) > 20


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_one(command: str) -> None:
    """Its subcommand, arguments and options are there, whether or not it is run below."""
    choices = re.sub(r"\[(\w+)(\|\w+)*\]", r"\1", command)
    words = shlex.split(re.sub(r"\[(--\S+) (\S+)\]", r"\1 \2", choices).replace(" N", " 1000"))
    found, words, context = _resolved(words)
    found.make_context("collateral", words, parent=context)


@pytest.mark.parametrize("page", [*PAGES, *TUTORIALS], ids=lambda page: page.name)
def test_commands_in_sentences_are_some(page: Path) -> None:
    for command in inline_commands(page):
        found, words, _ = _resolved(shlex.split(command)[1:])
        options = {name for each in found.params for name in each.opts}
        assert {word for word in words if word.startswith("-")} <= options, command


def _resolved(words: list[str]) -> tuple[click.Command, list[str], click.Context]:
    """The command that words name, and its arguments."""
    found: click.Command = main
    context = click.Context(main, info_name="collateral")
    while isinstance(found, click.Group) and words and not words[0].startswith("-"):
        _, named, words = found.resolve_command(context, words)
        assert named is not None
        found = named
    return found, words, context


@pytest.fixture(scope="module")
def haircuts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the first experiment of its page, and its results."""
    folder = tmp_path_factory.mktemp("haircuts")
    first = next(block for block in of_kind("toml") if block.page.name == "experiments.md")
    (folder / "haircuts.toml").write_text(first.text)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        _collateral(f"{FIRST} --replications 1 --workers 0")
    return folder


def test_commands_run_one_after_the_other(haircuts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they stand, but for sizes; each once, however many pages show it."""
    assert FIRST in HERE
    monkeypatch.chdir(haircuts)
    _collateral("scenarios copy securities-financing-desk my-problem.toml")
    for command in HERE:
        words = [NAMES.get(word, word) for word in shlex.split(command)]
        on_chain = words[0] in ("gas", "verify") or "ledger=evm" in words
        if command == FIRST or (on_chain and not installed()):
            continue
        more = FEWER.get("run --networks" if "--networks" in words else words[0], ())
        if words[0] == "run":
            if Path(words[words.index("--out") + 1]).exists():
                continue  # another page has it with other workers
            more = more if "--workers" in words else (*more, "--workers", "0")
        assert _collateral(shlex.join([*words, *more]))
    assert Path("results/causes/report.html").exists() and Path("paper.html").exists()
    assert Path("net.png").exists() and Path("fit.svg").exists()


def _collateral(command: str) -> str:
    done = CliRunner().invoke(main, shlex.split(command), catch_exceptions=False)
    assert done.exit_code == 0, f"{command}\n{done.output}"
    return done.output


# Blocks of other languages


def _experiments_python(block: Block, folder: Path) -> None:
    """A run by its place in a sweep, a sweep with workers, and Mesa's own."""
    toml = next(each for each in blocks(block.page) if each.kind == "toml").text
    (folder / "haircuts.toml").write_text(toml.replace("replications = 50", "replications = 1"))
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(block.text, block.page.name, "exec"), names)
    if "run_experiment" in names:
        assert len(list(folder.glob("results/haircuts/runs/*.parquet")))


def _results_python(block: Block, folder: Path) -> None:
    """Reads a folder that was just written, the last expression too."""
    if "polars" in block.text:
        pytest.importorskip("polars")
    names: dict[str, Any] = {}
    exec(block.text, names)
    last = block.text.strip().splitlines()[-1]
    assert len(names["runs"] if last.startswith("runs = ") else eval(last, names))


def _results_sql(block: Block, folder: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    assert len(duckdb.sql(block.text).fetchall()) == 2


def _books_toml(block: Block, folder: Path) -> None:
    given = tomllib.loads(block.text)
    (folder / "dividends.csv").write_text("date,token,amount\n2024-02-01,EQ1,0.25\n")
    market = Scenario.load("securities-lending-book").with_changes(given)
    assert market.book is not None and market.book.loans == 20_000
    if "dividends" in given:
        assert market.dividends is not None and market.dividends.file is not None


def _books_python(block: Block, folder: Path) -> None:
    """Securities are sold, fail to come back and are bought in, in a drawn book too."""
    names: dict[str, Any] = {}
    exec(compile(block.text, block.page.name, "exec"), names)
    days = names["market"].days_frame()
    assert (days[["failing", "bought_in", "purchase_impact", "outside_sold_value"]].sum() > 0).all()


def _costs_toml(block: Block, folder: Path) -> None:
    costs = tomllib.loads(block.text)
    market = Scenario.load("network-core-periphery").with_changes(costs)
    assert market.costs is not None and market.costs.margin_call == 10


def _extending_toml(block: Block, folder: Path) -> None:
    """A rule as a scenario names it, found beside the examples."""
    rules = tomllib.loads(block.text)["rules"]
    with_rule, without = (
        CollateralMarket("prices-file", rng=1, rules=given).run().summary() for given in (rules, [])
    )
    assert with_rule["collateral_value_mean"] > without["collateral_value_mean"]


def _server_python(block: Block, folder: Path) -> None:
    """Up to the point at which the server would wait for browsers."""
    pytest.importorskip("solara", reason="the page is an extra")
    import uvicorn

    from abm.page import launch

    served: list[Any] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(uvicorn.Server, "run", lambda server, sockets: served.append(server))
        patched.setattr("webbrowser.open", lambda address: True)
        code = block.text.replace('"crash",\n', '"crash",\n    port=0,\n')
        exec(compile(code, block.page.name, "exec"), {})
    assert len(served) == 1
    offer = launch.offered()
    assert offer.first == "crash"


RUN_BELOW: dict[tuple[str, str], Callable[[Block, Path], None]] = {
    ("experiments.md", "python"): _experiments_python,
    ("results.md", "python"): _results_python,
    ("results.md", "sql"): _results_sql,
    ("books.md", "python"): _books_python,
    ("books.md", "toml"): _books_toml,
    ("costs.md", "toml"): _costs_toml,
    ("extending.md", "toml"): _extending_toml,
    ("server.md", "python"): _server_python,
}


@pytest.mark.parametrize(("page", "kind"), RUN_BELOW)
def test_blocks_of_a_page_run(
    page: str, kind: str, haircuts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(ROOT / "examples")
    mine = [block for block in of_kind(kind) if block.page.name == page]
    assert mine
    (tmp_path / "DIR").symlink_to(haircuts / "results" / "haircuts")
    for block in mine:
        RUN_BELOW[page, kind](block, tmp_path)


# Tutorials


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
    assert text.count("```") == 2 * len(NAMED.findall(text))
    for block in NAMED.finditer(text):
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
