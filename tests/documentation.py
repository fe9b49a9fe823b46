"""What the documentation shows: its blocks, and the commands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
GENERATED = "command-line.md"
"""What `make docs` writes beside the pages: the commands' own words."""
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(page for page in (ROOT / "docs").glob("*.md") if page.name != GENERATED),
]
"""All that is written by hand, but for the tutorials."""
COMMAND = re.compile(r"(\.venv/bin/)?(collateral|python3?|pip|make|git|cd) ")
FENCE = re.compile(r"^```(?P<kind>[^\n]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"(?<=\n\n)(?: {4}.*\n|\n(?= {4}))+")


@dataclass(frozen=True)
class Block:
    """Something that is set apart: a program, a table of TOML, commands, or only to look at."""

    page: Path
    kind: str
    """The language; `console` if it is commands, empty if it is only to look at."""
    text: str

    @property
    def commands(self) -> list[str]:
        """Its lines, without comments, those that go on in one."""
        lines = self.text.replace("\\\n", " ").splitlines()
        bare = (re.sub(r"\s+#.*", "", line).strip() for line in lines)
        return [line.removeprefix("$ ") for line in bare if line]


def blocks(page: Path) -> list[Block]:
    """All blocks of a page in its order."""
    return [block for _, block in sorted(_found(page), key=lambda found: found[0])]


def _found(page: Path) -> Iterator[tuple[int, Block]]:
    text = page.read_text(encoding="utf-8")
    for fenced in FENCE.finditer(text):
        kind = "console" if fenced["kind"] == "sh" else fenced["kind"]
        if not kind.startswith("{"):  # those are for Sphinx
            yield fenced.start(), Block(page, kind, fenced["text"])
    # Fenced blocks have indented lines of their own.
    for indented in INDENTED.finditer(FENCE.sub(lambda fenced: "-" * len(fenced[0]), text)):
        lines = [line.strip() for line in indented[0].splitlines() if line.strip()]
        block = Block(page, "console", "\n".join(lines) + "\n")
        commands = all(COMMAND.match(line + " ") for line in block.commands)
        yield indented.start(), block if commands else replace(block, kind="")


def inline_commands(page: Path) -> list[str]:
    """Commands within sentences."""
    return re.findall(r"`(collateral [^`]*)`", page.read_text(encoding="utf-8").replace("\n", " "))
