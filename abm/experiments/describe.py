"""Writes the tables of columns into docs/results.md: `python -m abm.experiments.describe`."""

from __future__ import annotations

import re
from pathlib import Path

from abm.books.events import MEANINGS
from abm.experiments.schema import KEYS, RUN, TABLES, summary_columns, table_columns
from abm.tables.meanings import Column

PAGE = Path(__file__).parents[2] / "docs" / "results.md"


def filled(page: str) -> str:
    """The page with every table between its markers written anew."""
    for name, table in _tables().items():
        marker = re.compile(f"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        page = marker.sub(rf"\g<1>{table}\g<2>", page)
    return page


def _tables() -> dict[str, str]:
    tables = {
        "runs": _rows({**KEYS, **RUN}),
        "summary": _rows(summary_columns()),
        "event kinds": "| event | what it says |\n|---|---|\n"
        + "".join(f"| `{name}` | {meaning} |\n" for name, meaning in MEANINGS.items()),
    }
    return tables | {table: _rows(table_columns(table)) for table in TABLES[1:]}


def _rows(columns: dict[str, Column]) -> str:
    head = "| column | unit | meaning |\n|---|---|---|\n"
    return head + "".join(
        f"| `{name}` | {column.unit} | {column.meaning} |\n" for name, column in columns.items()
    )


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
