"""What goes to a terminal, and what goes to a program."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

USUAL_WIDTH = 100
"""Of the output where there is no terminal."""


def width() -> int:
    """Characters in a line."""
    return shutil.get_terminal_size((USUAL_WIDTH, 24)).columns


def echo_json(content: Any) -> None:
    """Print JSON; a number that is none, or infinite, is null."""
    click.echo(json.dumps(_plain(content), indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    """What JSON can hold."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, str):
        return value
    if isinstance(value, Iterable):
        return [_plain(inner) for inner in value]
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, bool | int | float) or value is None else str(value)


def described(entries: Mapping[str, str]) -> str:
    """Names and what is to be said of them, in two columns that fit the terminal."""
    formatter = click.HelpFormatter(width=width())
    with formatter.indentation():
        formatter.write_dl(list(entries.items()))
    return formatter.getvalue().rstrip("\n")


def fits(text: str) -> bool:
    """Whether no line is longer than the terminal is wide."""
    return max(map(len, text.splitlines()), default=0) <= width()


def wrapped(text: str, indent: str = "") -> str:
    """A sentence in lines that fit the terminal, the first without the indent."""
    from textwrap import wrap

    return "\n".join(wrap(text, width(), subsequent_indent=indent, break_on_hyphens=False))


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Rows of text as a table, or one below the other where that is wider than the terminal.

    Args:
        head: what stands over the columns.
        rows: their cells.
        left: how many columns are aligned to the left; they tell the rows apart.
    """
    from tabulate import tabulate

    aligned = ["left" if column < left else "right" for column in range(len(head))]
    text = tabulate(rows, head, tablefmt="simple", colalign=aligned, disable_numparse=True)
    return text if fits(text) else one_below_the_other(head, rows, left)


def one_below_the_other(head: Sequence[str], rows: Sequence[Sequence[str]], keys: int) -> str:
    """The rows of a table that is too wide, each as a list of its columns; empty cells left out.

    Args:
        head: names of the columns.
        rows: their cells.
        keys: how many of the first columns tell the rows apart; a number is told with its name.
    """
    blocks = []
    for row in rows:
        named = zip(head[:keys], row[:keys], strict=True)
        told = ", ".join(f"{name} {key}" if key.isdigit() else key for name, key in named if key)
        others = zip(head[keys:], row[keys:], strict=True)
        entries = described({name: text for name, text in others if text})
        blocks.append(f"{wrapped(told)}\n{entries}")
    return "\n\n".join(blocks)


def duration(seconds: float) -> str:
    """Seconds, minutes, hours or days, in two digits."""
    for limit, divisor, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{_digits(seconds / divisor)} {unit}"
    return f"{_digits(seconds / 86_400)} days"


def size(number: float) -> str:
    """Bytes as MB or GB, in two digits."""
    return f"{_digits(number / 1e9)} GB" if number >= 1e9 else f"{_digits(number / 1e6)} MB"


def _digits(number: float) -> str:
    if number >= 10:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 1 else f"{max(number, 0.001):.1g}"
