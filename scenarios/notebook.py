"""How things show themselves in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

BORDERLESS = "border:none;text-align:left;padding:1px 1.2em 1px 0"


def html_table(title: str, rows: Mapping[str, str]) -> str:
    """Names and what they are, under a title; all text is escaped."""
    lines = "".join(
        f'<tr><th style="{BORDERLESS}">{escape(name)}</th>'
        f'<td style="{BORDERLESS}">{escape(text)}</td></tr>'
        for name, text in rows.items()
        if text
    )
    return f"<div><b>{escape(title)}</b><table>{lines}</table></div>"
