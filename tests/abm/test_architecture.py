"""The rooms of the house: who may know whom, and how large things are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median

import networkx as nx

ROOT = Path(__file__).parents[2]

MAY_KNOW: dict[str, str] = {
    "scenarios": "",
    "analysis": "",
    "abm.formulas": "",
    "abm.books": "",
    "abm.rules": "books",
    "abm.optimise": "books rules agents",
    "abm.agents": "books rules",
    "abm.day": "books rules agents measures",
    "abm.opening": "books",
    "abm.measures": "books formulas",
    "abm.tables": "books measures",
    "abm.model": "books rules agents day opening measures tables",
    "abm.chain": "books rules agents day model",
    "abm.experiments": "model books agents opening measures tables",
    "abm.page": "model books opening measures tables",
    "abm.commands": "*",
    "abm.__main__": "commands",
}
"""Rooms of `abm` that each room may import, for types too. Whole wings: all of `abm` may know
`scenarios`, and `analysis` knows `formulas`; who knows `analysis` is below. `*`: all rooms.

Beyond docs/architecture.md: `experiments` checks behaviours and scenarios before it sends thousands
of runs out (`agents`, `opening`), and says what its columns mean (`measures`, `tables`, `books`);
`page` tells roles apart (`opening`). `chain` is `*` while it still steps into the market's place.
"""

KNOWS_ANALYSIS = {"abm.commands": "reports", "abm.chain": "costs of gas", "abm.page": "marks"}
"""Who draws or counts with what `analysis` has, and what for."""

EXCEPT: dict[tuple[str, str], str] = {}
"""Imports that the table does not allow, each with its reason; they count in no circle either."""

LONGEST_FILE, LONGEST_IN_THE_MIDDLE = 400, 150
LONGEST_FUNCTION, MOST_ARGUMENTS = 40, 6


@cache
def sources() -> dict[str, Path]:
    """Files of the three wings by module name."""
    files = {}
    for wing in ("abm", "scenarios", "analysis"):
        for path in sorted((ROOT / wing).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return files


@cache
def imports() -> frozenset[tuple[str, str]]:
    """Who imports whom, wherever in the file: in functions and for types as well."""
    files, found = sources(), set()
    for module, path in files.items():
        for node in ast.walk(ast.parse(path.read_text())):
            targets: list[str] = []
            if isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.module and not node.level, f"{module}: imports are absolute here"
                targets = [
                    name if (name := f"{node.module}.{alias.name}") in files else node.module
                    for alias in node.names
                ]
            found |= {(module, target) for target in targets if target in files}
    return frozenset(edge for edge in found if edge[0] != edge[1])


def room(module: str) -> str:
    """`abm.books` of `abm.books.ledger`; of the other wings the wing."""
    return ".".join(module.split(".")[: 2 if module.startswith("abm") else 1])


def allowed(importer: str, imported: str) -> bool:
    here, there = room(importer), room(imported)
    if here == there or "abm" in (here, there):
        return True
    if here == "analysis":
        return there == "abm.formulas"
    if there == "scenarios":
        return True
    if there == "analysis":
        return here in KNOWS_ANALYSIS
    names = MAY_KNOW[here].split()
    return here.startswith("abm.") and ("*" in names or there.removeprefix("abm.") in names)


def test_imports_run_one_way() -> None:
    assert {room(module) for module in sources()} - {"abm"} == set(MAY_KNOW)
    wrong = {edge for edge in imports() if not allowed(*edge)}
    assert wrong - set(EXCEPT) == set()
    assert set(EXCEPT) - wrong == set(), "these are no exceptions any more"


def test_nothing_lies_loose_but_the_model() -> None:
    assert {path.name for path in (ROOT / "abm").glob("*.py")} == {
        "__init__.py",
        "__main__.py",
        "model.py",
    }


def test_no_circle_of_files() -> None:
    graph = nx.DiGraph(edge for edge in imports() if edge not in EXCEPT)
    circles = {frozenset(circle) for circle in nx.strongly_connected_components(graph)}
    assert {circle for circle in circles if len(circle) > 1} == set()


def test_no_circle_of_rooms() -> None:
    """Rooms of the other wings are folders of files, and their own business."""
    graph = nx.DiGraph((room(a), room(b)) for a, b in imports() if (a, b) not in EXCEPT)
    graph.remove_edges_from([*nx.selfloop_edges(graph), ("abm.chain", "abm.model")])
    assert nx.is_directed_acyclic_graph(graph)


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for module, path in sources().items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                yield f"{module}.{node.name}", node


def lines(node: ast.FunctionDef) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def arguments(node: ast.FunctionDef) -> int:
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return len([each for each in given if each.arg not in ("self", "cls")])


def is_compiled(node: ast.FunctionDef) -> bool:
    return any(isinstance(d, ast.Name) and d.id in MARKS for d in node.decorator_list)


MARKS = {"compiled", "inlined"}


def test_files_are_short() -> None:
    length = {name: len(path.read_text().splitlines()) for name, path in sources().items()}
    assert {name for name, count in length.items() if count > LONGEST_FILE} == set()
    assert median(count for count in length.values() if count > 1) <= LONGEST_IN_THE_MIDDLE


LONG = {
    "a step of the day that moves one account, inlined into one pass": {
        "abm.day.movements.execute_part",
        "abm.day.settle.settle_loans",
        "abm.rules.planning.plan_delivery",
        "abm.rules.schedules.plan_counted_return",
        "abm.rules.shortage.share_token",
    },
    "a column after the other of a table, or an array after the other of the books": {
        "abm.books.events.frame",
        "abm.measures.daily.write_accounts",
        "abm.measures.statistics.add_up",
        "abm.model.__init__",
        "abm.opening.balance.policies_of",
        "abm.opening.build._books",
        "abm.opening.build.draw_blueprint",
        "abm.opening.funding.fund",
        "abm.opening.sizes.size_loans",
        "abm.opening.terms.terms_of",
    },
    "a phase of the day after the other": {"abm.day.stretch.run_days"},
    "a case after the other: of what is drawn, refused or declared": {
        "abm.day.close_out._declare",
        "abm.experiments.execute.run_experiment",
        "abm.opening.lending_network.draw_edges",
        "abm.opening.limits.price_range",
        "abm.opening.loan_table.draw_loans",
        "scenarios.prices.yahoo.fetch",
    },
    "a likelihood, written out beside its fit": {
        "scenarios.prices.calibration.diffusion.fit_student_t",
        "scenarios.prices.calibration.garch_estimate.estimate_garch",
        "scenarios.prices.calibration.merton.fit_merton_own",
        "scenarios.prices.calibration.regimes.fit_regimes",
    },
}
"""Functions of the market and of scenarios above the limit, by the reason why they are."""

DRAWS_OR_SHOWS = ("abm.commands", "abm.page", "analysis", "scenarios.prices.calibration.plot")
"""Where a figure, a section of a report, a panel or a command is laid out in one function."""

KEPT_APART = "abm.chain"
"""A room that still steps into the market's place (`MAY_KNOW`)."""


def test_long_functions_are_the_exceptions_listed() -> None:
    long = {
        name
        for name, node in functions()
        if lines(node) > LONGEST_FUNCTION and not name.startswith((*DRAWS_OR_SHOWS, KEPT_APART))
    }
    assert long == set().union(*LONG.values())


MANY_ARGUMENTS = {
    "how an experiment is run, by name": {"abm.experiments.execute.run_experiment"},
    "columns of an event, or what it is made a table with": {
        "abm.books.events.add",
        "abm.books.events.add_all",
        "abm.books.events.frame",
    },
    "everything that a market is made of, handed on once": {
        "abm.day.close_out.__init__",
        "abm.opening.build._books",
        "abm.opening.funding.fund",
        "abm.opening.limits.__init__",
    },
    "parameters of a statistic, by name": {
        "analysis.differences.paired_differences",
        "analysis.distributions.distribution",
        "analysis.figures.frontier.frontier_figure",
        "analysis.frontier.frontier",
        "analysis.issuance.required_inventory",
    },
}
"""Functions of more arguments than the limit, by the reason why.

Beside them: compiled passes, which take their columns, and commands, whose arguments are options.
"""


def test_functions_of_many_arguments_are_the_exceptions_listed() -> None:
    many = {
        name
        for name, node in functions()
        if arguments(node) > MOST_ARGUMENTS
        and not is_compiled(node)
        and not name.startswith(("abm.commands", "abm.page", KEPT_APART))
    }
    assert many == set().union(*MANY_ARGUMENTS.values())
