"""Files of scenarios and experiments, handed out to be changed: copies, and one to begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scenarios.allocation import find_any
from scenarios.errors import InputError
from scenarios.scenario import LIBRARY, read_toml

TEMPLATE = LIBRARY / "templates" / "scenario.toml"
"""A scenario in which every table is explained, most of them commented out."""

NAMES_A_FILE = ("file", "designs", "scenario")
"""Keys whose value can be the path of another file."""


def copy_scenario(name: str | Path, target: Path, *, overwrite: bool = False) -> list[Path]:
    """Copy a scenario, experiment or problem, and what it names by relative paths beside the copy.

    Args:
        name: a bundled one, or a file.
        target: the file to write, or a folder in which to keep the name.
        overwrite: whether what is there may be replaced.

    Returns:
        What was written.

    Raises:
        InputError: no such scenario, something is there already, or it cannot be written.
    """
    source = find_any(name)
    target = target / source.name if target.is_dir() else target
    pairs = dict([(target, source), *_beside(source, target)])
    if not overwrite:
        for path in pairs:
            refuse_existing(path)
    for path, original in pairs.items():
        write_text(path, original.read_text(encoding="utf-8-sig"))
    return list(pairs)


def write_template(target: Path, *, overwrite: bool = False) -> None:
    """Write a scenario to begin with, in which every table is explained.

    Raises:
        InputError: something is there already, or it cannot be written.
    """
    if not overwrite:
        refuse_existing(target)
    write_text(target, TEMPLATE.read_text(encoding="utf-8"))


def refuse_existing(path: Path) -> None:
    """See that nothing is lost by writing a file.

    Raises:
        InputError: there is one already.
    """
    if path.exists():
        raise InputError(f"{path}: exists already; name another file, or give --overwrite")


def write_text(path: Path, text: str) -> None:
    """Write a file of a scenario.

    Raises:
        InputError: its name does not end as it must, or it cannot be written.
    """
    if path.suffix.lower() not in (".toml", ".csv", ".graphml"):
        raise InputError(f"{path}: the name must end in .toml")
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None


def _beside(source: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    """Copies and originals of the files that one names by relative paths, in any depth."""
    for name in _named(read_toml(source)):
        original, copy = source.parent / name, target.parent / name
        if Path(name).is_absolute() or not original.is_file() or original.samefile(source):
            continue
        yield copy, original
        if original.suffix == ".toml":
            yield from _beside(original, copy)


def _named(table: Any) -> Iterator[str]:
    """Values of `NAMES_A_FILE` anywhere in a table."""
    if isinstance(table, list):
        for entry in table:
            yield from _named(entry)
    if isinstance(table, dict):
        for key, value in table.items():
            if key in NAMES_A_FILE and isinstance(value, str):
                yield value
            else:
                yield from _named(value)
