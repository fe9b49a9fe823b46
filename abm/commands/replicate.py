"""`collateral replicate`: the paper's tables, computed and published side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from abm.commands.replication import Cell, Replication


@click.command("replicate")
@click.option(
    "--prices",
    "prices_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="CSV or Parquet with a date column and 8306, 8604, 4901, 7013, 8031 in yen."
    " Without it they are fetched from Yahoo once and kept.",
)
@click.option(
    "--case",
    "cases",
    type=click.IntRange(1, 4),
    metavar="N...",
    multiple=True,
    help="Windows of the paper, 1 to 4: --case 1 2.  [default: all]",
)
@click.argument("more_cases", type=click.IntRange(1, 4), nargs=-1, metavar="")
@click.option(
    "--profile",
    type=click.Choice(["paper", "causal", "sessions"]),
    default="paper",
    show_default=True,
    help="The paper looks ahead over days without trading; the other two do not.",
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Tables to read, or JSON for programs.",
)
def command(
    prices_file: Path | None,
    cases: tuple[int, ...],
    more_cases: tuple[int, ...],
    profile: str,
    style: str,
) -> None:
    """Reproduce the paper's Tables 2, 3 and 4 from closing prices.

    Every cell shows what was computed and what the paper prints. The paper is Matsushita et al.
    (2024), doi:10.3233/ATDE240863.
    """
    import json

    from abm.commands.replication import as_json, replicate
    from scenarios.prices.files import read_prices
    from scenarios.prices.yahoo import paper_prices

    if more_cases and not cases:
        raise click.UsageError("name the cases behind --case: --case 1 2")
    panel = read_prices(prices_file) if prices_file is not None else paper_prices()
    replication = replicate(panel, profile, (*cases, *more_cases) or None)  # type: ignore[arg-type]
    if style == "json":
        click.echo(json.dumps(as_json(replication), indent=2))
    else:
        click.echo(as_text(replication))


def as_text(replication: Replication) -> str:
    """The tables for a terminal."""
    from abm.commands.terminal import table, wrapped
    from scenarios.paper import TOKENS

    cells = replication.cells
    parts = [f"Profile: {replication.profile}. Each cell: computed (published)."]
    loans = [
        [f"Case {result.case.number}", result.case.market, f"{result.loan:,}", _mark(cell)]
        for result in replication.cases
        for cell in cells
        if cell.case == result.case.number and cell.table == "Table 2"
    ]
    parts.append(
        "Table 2. Loan in yen\n" + table(("", "market", "computed", "published"), loans, left=2)
    )
    titles = {
        "maximum": "Table 3. Price fluctuation risk: maximum |gap|, % of Model 0",
        "average": "Table 3. Price fluctuation risk: average |gap|, % of Model 0",
        "margin calls": "Table 4. Margin calls",
        "issuances": "Table 4. Additional token issuances by the lender",
    }
    for statistic, title in titles.items():
        rows = []
        for result in replication.cases:
            number = result.case.number
            row = [c for c in cells if c.case == number and c.statistic == statistic]
            rows.append([f"Case {number}", *(f"{_figure(c)} {_mark(c)}" for c in row)])
        head = ("", *(f"Model {model}" for model in range(5)))
        parts.append(f"{title}\n{table(head, rows)}")
    holdings = [
        [
            f"Case {result.case.number}",
            f"Model {m.model}",
            *(f"{number:,}" for number in (*m.holdings, m.borrower_issuances)),
        ]
        for result in replication.cases
        for m in result.models
    ]
    told = (
        "Tokens that the lender holds on the last day (below zero: issued beyond what it held),"
        " and the issuances by the borrower, which the paper does not count"
    )
    head = ("", "", *TOKENS, "issuances")
    parts.append(f"{wrapped(told)}\n{table(head, holdings, left=2)}")
    matched = sum(cell.matches for cell in cells)
    documented = [cell for cell in cells if cell.documented]
    summary = [f"{matched} of {len(cells)} published cells agree at their precision."]
    summary += [
        f"Known not to be reproducible: {cell.table}, Case {cell.case}, Model {cell.model},"
        f" {cell.statistic}: {cell.documented}."
        for cell in documented
    ]
    others = [cell for cell in cells if not cell.matches and not cell.documented]
    if others and replication.profile == "paper":
        summary.append(f"{len(others)} cells differ beyond that: these are not the paper's prices.")
    summary += [f"Case {number} skipped: {reason}." for number, reason in replication.skipped]
    parts.append("\n".join(map(wrapped, summary)))
    return "\n\n".join(parts)


def _figure(cell: Cell) -> str:
    """A computed figure, with a digit more than the published one."""
    if cell.table == "Table 4":
        return str(int(cell.computed))
    return f"{cell.computed:.{len(cell.published.partition('.')[2]) + 1}f}"


def _mark(cell: Cell) -> str:
    """The published figure, and whether the computed one agrees."""
    published = f"{int(cell.published):,}" if cell.table == "Table 2" else cell.published
    if cell.matches:
        return f"({published}) ✓"
    return f"({published}) {'†' if cell.documented else '✗'}"
