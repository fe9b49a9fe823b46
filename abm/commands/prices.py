"""`collateral prices`: fetch prices, and fit price models to them."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click

DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def command() -> None:
    """Fetch prices, or fit a price model to them."""


@command.command()
@click.argument("tickers", nargs=-1, required=True, metavar="TICKER[=NAME]...")
@click.option("--start", type=DAY, required=True, help="First day.")
@click.option("--end", type=DAY, required=True, help="Day after the last.")
@click.option(
    "--basis", type=DAY, help="Day whose number of shares prices refer to.  [default: today]"
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="File to write: .csv or .parquet; a record of how it was made goes beside it (.json).",
)
@click.option("--dividends", is_flag=True, help="Adjust for dividends, too.")
@click.option(
    "--decimals",
    type=click.IntRange(0, 8),
    default=2,
    show_default=True,
    help="Places to round prices to; 0 for whole yen.",
)
def yahoo(
    tickers: tuple[str, ...],
    start: datetime,
    end: datetime,
    basis: datetime | None,
    out: Path,
    dividends: bool,
    decimals: int,
) -> None:
    """Fetch daily closes from Yahoo and bring them to a split basis.

    TICKER=NAME names the column: 8306.T=8306.
    """
    from scenarios.errors import InputError
    from scenarios.prices.store import save_panel
    from scenarios.prices.yahoo import fetch

    if out.suffix not in (".csv", ".parquet"):
        raise InputError(f"--out: {out}: the name must end in .csv or .parquet")
    names = {}
    for argument in tickers:
        ticker, _, name = argument.partition("=")
        names[ticker] = name or ticker
    fetched = fetch(
        names,
        start.date(),
        end.date(),
        basis.date() if basis else date.today(),
        adjust_dividends=dividends,
        decimals=decimals,
    )
    save_panel(fetched.panel, out, fetched.details)
    for ticker, splits in fetched.undone.items():
        for split in splits:
            click.echo(f"{ticker}: took out the split of {split.day} (× {split.ratio:g})")
    panel = fetched.panel
    click.echo(
        f"{out}: {len(panel.dates)} days, {panel.dates[0]:%Y-%m-%d} to"
        f" {panel.dates[-1]:%Y-%m-%d}, {', '.join(panel.tokens)}"
    )
