"""Columns of text side by side, in as few tables as the terminal is wide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

GAP = 2
"""Spaces between columns."""


class Block(NamedTuple):
    """A column of a table: what stands over it, line by line, and its cells."""

    head: tuple[str, ...]
    cells: list[str]

    @property
    def width(self) -> int:
        """Characters of its widest line."""
        return max(map(len, (*self.head, *self.cells)))

    def top(self, rows: int) -> Block:
        """Its first rows."""
        return Block(self.head, self.cells[:rows])


def typed(text: str) -> str:
    """Text with the minus sign that programs read."""
    return text.replace("−", "-")


def parts_of(columns: Sequence[Block], room: int) -> list[list[Block]] | None:
    """The columns in as few tables as fit into this many characters; None if one does not fit."""
    parts: list[list[Block]] = [[]]
    left = room
    for block in columns:
        if block.width > room:
            return None
        if block.width > left:
            parts.append([])
            left = room
        parts[-1].append(block)
        left -= block.width + GAP
    return parts


def table_of(blocks: Sequence[Block], left: Iterable[int] = ()) -> list[str]:
    """Columns side by side, numbers to the right; the lines of the head end on the same one."""
    rows = max(len(block.head) for block in blocks)
    lines = [[""] * (rows - len(block.head)) + [*block.head] for block in blocks]
    aligned = [
        [
            text.ljust(block.width) if position in left else text.rjust(block.width)
            for text in [*lines[position], "-" * block.width, *block.cells]
        ]
        for position, block in enumerate(blocks)
    ]
    return [(" " * GAP).join(row).rstrip() for row in zip(*aligned, strict=True)]
