"""Writing a report: the page, figures as SVG, tables as CSV and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis.report.content import Report
from analysis.report.page import page, svg

FORMATS = ("html", "svg", "csv", "latex")


def write_report(report: Report, out: Path, formats: Sequence[str] = ("html",)) -> list[Path]:
    """Write a report.

    Args:
        report: from `build_report`.
        out: the page; figures and tables go into a folder beside it, named like it.
        formats: any of `FORMATS`.

    Returns:
        what was written.

    Raises:
        OSError: it cannot be written.
    """
    written = []
    out.parent.mkdir(parents=True, exist_ok=True)
    if "html" in formats:
        out.write_text(page(report), encoding="utf-8")
        written.append(out)
    folder = out.with_suffix("")
    if set(formats) - {"html"}:
        folder.mkdir(exist_ok=True)
    if "svg" in formats:
        for figure in report.figures:
            written.append(folder / f"{figure.name}.svg")
            written[-1].write_text(svg(figure.figure, figure.name), encoding="utf-8")
    for table in report.tables:
        if "csv" in formats:
            written.append(folder / f"{table.name}.csv")
            table.numbers.to_csv(written[-1], index=False)
        if "latex" in formats:
            written.append(folder / f"{table.name}.tex")
            text = latex(table.shown, table.title, table.caption, table.name)
            written[-1].write_text(text, encoding="utf-8")
    return written


_SPECIAL = str.maketrans(
    {
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "\\": r"\textbackslash{}",
        "–": "--",
        "−": "$-$",
        "×": r"$\times$",
        "…": r"\ldots{}",
        "±": r"$\pm$",
        "β": r"$\beta$",
        "α": r"$\alpha$",
        "·": r"$\cdot$",
    }
)


def latex(table: pd.DataFrame, title: str, caption: str, name: str) -> str:
    r"""A table in LaTeX with the rules of `booktabs`, which the preamble must load."""

    def row(cells: list[object]) -> str:
        return " & ".join(escape_latex(str(cell)) for cell in cells) + r" \\"

    body = "\n".join(row(cells) for cells in table.to_numpy().tolist())
    text = escape_latex(f"{title}. {caption}".strip())
    return (
        "\\begin{table}\n"
        f"\\caption{{{text}}}\n"
        f"\\label{{tab:{name}}}\n"
        f"\\begin{{tabular}}{{{'l' * table.shape[1]}}}\n"
        f"\\toprule\n{row(list(table.columns))}\n\\midrule\n{body}\n\\bottomrule\n"
        "\\end{tabular}\n\\end{table}\n"
    )


def escape_latex(text: str) -> str:
    """Text with LaTeX's own characters made harmless."""
    return text.translate(_SPECIAL)
