"""The report as one HTML page that needs nothing else."""

from __future__ import annotations

import base64
import io
import re
from html import escape

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from analysis.report.content import FigureItem, Report, Section, TableItem

LARGEST_SVG = 350_000
"""Characters; a figure with more is put in as a bitmap."""

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: #1f1f1f;
  background: #fff; max-width: 64rem; margin: 2.5rem auto 4rem; padding: 0 1.25rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .3rem; }
h2 { font-size: 1.25rem; margin: 2.8rem 0 .8rem; padding-top: .8rem;
  border-top: 1px solid #ddd; }
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
.subtitle, nav, figcaption, .caption { color: #555; }
nav { font-size: .9rem; margin: .8rem 0 1.6rem; }
nav a { margin-right: 1rem; white-space: nowrap; }
a { color: #1d5b85; }
.findings { background: #f6f6f4; padding: .9rem 1.2rem .9rem 2.2rem; margin: 0; }
.findings li { margin: .25rem 0; }
figure { margin: 1.4rem 0 2rem; max-width: 52rem; }
p, .findings { max-width: 50rem; }
figure svg, figure img { max-width: 100%; height: auto; display: block; }
figcaption, .caption { font-size: .92rem; margin: .5rem 0 0; max-width: 52rem; }
.scroll { overflow-x: auto; max-height: 40rem; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem .3rem 0; text-align: left; vertical-align: top; }
th { border-bottom: 1px solid #888; font-weight: 600; background: #fff; position: sticky; top: 0; }
td { white-space: nowrap; border-bottom: 1px solid #eee; }
td.n, th.n { text-align: right; }
summary { cursor: pointer; font-weight: 600; margin: 1.2rem 0 .4rem; }
@media print { .scroll { max-height: none; overflow: visible; } }
""".strip()


def page(report: Report) -> str:
    """The whole page; figures inline, no script, nothing loaded from anywhere."""
    links = " ".join(
        f'<a href="#{_anchor(section.title)}">{escape(section.title)}</a>'
        for section in report.sections
    )
    findings = "".join(f"<li>{escape(text)}</li>" for text in report.findings)
    body = "\n".join(_section(section) for section in report.sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(report.title)}</title>
<style>
{STYLE}
</style>
</head>
<body>
<h1>{escape(report.title)}</h1>
<p class="subtitle">{escape(report.subtitle)}</p>
<ul class="findings">{findings}</ul>
<nav>{links}</nav>
{body}
</body>
</html>
"""


def _section(section: Section) -> str:
    parts = [f'<h2 id="{_anchor(section.title)}">{escape(section.title)}</h2>']
    parts += [f"<p>{escape(text)}</p>" for text in section.text]
    for item in section.items:
        parts.append(_figure(item) if isinstance(item, FigureItem) else _table(item))
    return "\n".join(parts)


def _figure(item: FigureItem) -> str:
    drawn = svg(item.figure, item.name)
    if len(drawn) <= LARGEST_SVG:
        inline = drawn[drawn.index("<svg") :].replace(
            "<svg ", f'<svg role="img" aria-label="{escape(item.caption)}" ', 1
        )
    else:
        picture = io.BytesIO()
        item.figure.savefig(picture, format="png", dpi=160)
        data = base64.b64encode(picture.getvalue()).decode()
        inline = f'<img alt="{escape(item.caption)}" src="data:image/png;base64,{data}">'
    return f"<figure>{inline}<figcaption>{escape(item.caption)}</figcaption></figure>"


def svg(figure: Figure, name: str) -> str:
    """A figure as SVG, the same bytes for the same figure; letters are drawn as shapes."""
    if figure.get_layout_engine() is not None:
        # Laid out again, everything would move by the last digit of a float.
        figure.draw_without_rendering()
        figure.set_layout_engine(None)
    drawn = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    return drawn.getvalue()


def _table(item: TableItem) -> str:
    table = _cells(item.shown)
    caption = f'<p class="caption">{escape(item.caption)}</p>' if item.caption else ""
    inside = f'<div class="scroll">{table}</div>{caption}'
    if item.folded:
        rows = len(item.shown)
        title = f"{escape(item.title)} ({rows} {'row' if rows == 1 else 'rows'})"
        return f"<details><summary>{title}</summary>{inside}</details>"
    return f"<h3>{escape(item.title)}</h3>{inside}"


def _cells(table: pd.DataFrame) -> str:
    right = [_numeric(table.iloc[:, column]) for column in range(table.shape[1])]

    def row(cells: list[object], tag: str) -> str:
        texts = [
            f"<{tag}{' class=n' if number else ''}>{escape(_text(cell))}</{tag}>"
            for cell, number in zip(cells, right, strict=True)
        ]
        return f"<tr>{''.join(texts)}</tr>"

    head = row(list(table.columns), "th")
    body = "\n".join(row(cells, "td") for cells in table.to_numpy().tolist())
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"


def _numeric(column: pd.Series) -> bool:
    """Whether all cells begin as numbers do."""
    texts = [_text(cell) for cell in column]
    return bool(texts) and all(re.match(r"^[-−–]?[\d.,]*( |$|%)", text) for text in texts)


def _text(cell: object) -> str:
    return "–" if cell is None or (isinstance(cell, float) and cell != cell) else str(cell)


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
