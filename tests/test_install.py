"""What the package imports is declared: by default, or in the extra that says so."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from scenarios.errors import InputError
from scenarios.extras import require

ROOT = Path(__file__).parents[1]
OWN = ("abm", "analysis", "scenarios")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BROUGHT_ALONG = {
    "mesa": ("solara", "reacton", "ipywidgets", "ipyvue", "uvicorn", "traitlets"),
    "pydantic": ("pydantic_core",),
    "distributed": ("dask", "tornado"),
    "py-evm": ("eth", "eth_utils", "eth_keys", "eth_typing"),
}
"""Modules that come with a declared package, which exists to bring them."""
FOR_TESTS = {
    "selenium": "pictures of the page, and its tests in a browser",
    "vyper": "compiles the contracts that are bundled compiled",
    "bokeh_sampledata": "a script by which the bundled prices were made",
}
"""Imported where a message says what to install, and in no extra."""


def declared(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[\s\[<>=;!]", each)[0]) for each in requirements}


def normal(name: str) -> str:
    return name.lower().replace("_", "-")


def imported() -> dict[str, set[str]]:
    """Modules that are not ours or Python's, and the files that import them."""
    found: dict[str, set[str]] = {}
    for path in (path for wing in OWN for path in (ROOT / wing).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in (name.partition(".")[0] for name in names):
                if name not in (*OWN, *sys.stdlib_module_names):
                    found.setdefault(name, set()).add(str(path.relative_to(ROOT)))
    return found


def test_all_that_is_imported_is_declared() -> None:
    """What only came along with another package is missing as soon as that becomes an extra."""
    extras = PROJECT["optional-dependencies"]
    known = declared(PROJECT["dependencies"]).union(*map(declared, extras.values()))
    along = {name for package in known for name in BROUGHT_ALONG.get(package, ())}
    distributions = packages_distributions()
    missing = {
        module: sorted(files)
        for module, files in imported().items()
        if not {*map(normal, distributions.get(module, [module]))} & known
        and module not in along
        and module not in FOR_TESTS
    }
    assert missing == {}


def test_what_is_missing_is_told_with_its_extra() -> None:
    with pytest.raises(InputError) as refusal:
        require("no_such_package", "yahoo", "fetching")
    told = 'fetching needs the package no_such_package: pip install -e ".[yahoo]" in the folder'
    assert str(refusal.value).startswith(told)


@pytest.mark.parametrize(
    ("package", "extra", "command"),
    [
        ("yfinance", "yahoo", "prices yahoo AAPL --start 2020-01-01 --end 2020-02-01 --out p.csv"),
        ("distributed", "cluster", "run prices-gbm --out o --replications 2 --scheduler tcp://x:1"),
    ],
)
def test_a_command_without_its_extra(
    package: str, extra: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib.util import find_spec

    from click.testing import CliRunner

    from abm.commands.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "scenarios.extras.find_spec", lambda name: None if name == package else find_spec(name)
    )
    done = CliRunner().invoke(main, command.split(), catch_exceptions=False)
    assert done.exit_code == 2
    assert f'needs the package {package}: pip install -e ".[{extra}]"' in done.stderr
