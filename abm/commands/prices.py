"""`collateral prices`: fetch prices, and fit price models to them."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from abm.commands.options import seed_option

DAY: dict[str, Any] = {"type": click.DateTime(["%Y-%m-%d"]), "metavar": "YYYY-MM-DD"}


@click.group()
def command() -> None:
    """Fetch prices, or fit a price model to them."""


@command.command()
@click.argument("tickers", nargs=-1, required=True, metavar="TICKER[=NAME]...")
@click.option("--start", **DAY, required=True, help="First day.")
@click.option("--end", **DAY, required=True, help="Day after the last.")
@click.option(
    "--basis", **DAY, help="Day whose number of shares prices refer to.  [default: today]"
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="File to write: .csv or .parquet; a record of how it was made goes beside it (.json).",
)
@click.option("--dividends", is_flag=True, help="Adjust for dividends, too.")
@click.option(
    "--dividends-out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="Write the dividends, for the file of a scenario's [dividends].",
)
@click.option(
    "--decimals",
    type=click.IntRange(0, 8),
    metavar="N",
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
    dividends_out: Path | None,
    decimals: int,
) -> None:
    """Fetch daily closes from Yahoo and bring them to a split basis.

    TICKER=NAME names the column: 8306.T=8306.
    """
    from scenarios.errors import InputError
    from scenarios.prices.store import save_panel, write_atomically
    from scenarios.prices.yahoo import fetch

    if out.suffix not in (".csv", ".parquet"):
        raise InputError(f"--out: {out}: the name must end in .csv or .parquet")
    if dividends_out is not None and (dividends or dividends_out.suffix != ".csv"):
        why = "closes that are adjusted for dividends have them in already; leave --dividends out"
        why = why if dividends else "the name must end in .csv"
        raise InputError(f"--dividends-out: {why}")
    if dividends_out == out:
        raise InputError("--dividends-out: the prices are written there; give another file")
    names = {}
    for argument in tickers:
        ticker, _, name = argument.partition("=")
        if not ticker:
            raise InputError(f"{argument}: expected TICKER or TICKER=NAME, as in 8306.T=8306")
        if ticker in names:
            raise InputError(f"{ticker} is given twice")
        names[ticker] = name or ticker
    fetched = fetch(
        names,
        start.date(),
        end.date(),
        basis.date() if basis else date.today(),
        adjust_dividends=dividends,
        decimals=decimals,
    )
    if dividends_out is not None:
        write_atomically(dividends_out, fetched.dividends.to_csv(index=False).encode())
    save_panel(fetched.panel, out, fetched.details)
    for ticker, splits in fetched.undone.items():
        for split in splits:
            click.echo(f"{ticker}: took out the split of {split.day} (× {split.ratio:g})")
    panel = fetched.panel
    click.echo(
        f"{out}: {len(panel.dates)} days, {panel.dates[0]:%Y-%m-%d} to"
        f" {panel.dates[-1]:%Y-%m-%d}, {', '.join(panel.tokens)}"
    )
    if dividends_out is not None:
        click.echo(f"{dividends_out}: {len(fetched.dividends)} dividends")


@command.command()
@click.argument("file")
@click.option(
    "--model",
    metavar="NAME",
    required=True,
    help="gbm, student_t, garch, merton (common jumps), merton_own (each token's own) or regimes.",
)
@click.option(
    "--tokens", metavar="NAMES", help="Columns to fit, separated by commas.  [default: all]"
)
@click.option("--start", **DAY, help="First day to use.")
@click.option("--end", **DAY, help="Last day to use.")
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Picture to write: .png, .svg or .pdf.",
)
@click.option("--toml", is_flag=True, help="Print the [prices] table of a scenario and no more.")
@seed_option("the model's paths that are compared")
def fit(
    file: str,
    model: str,
    tokens: str | None,
    start: datetime | None,
    end: datetime | None,
    plot: Path | None,
    toml: bool,
    seed: int,
) -> None:
    """Fit a price model to the closes in FILE and compare it with them.

    FILE is a CSV or Parquet file, or bundled:NAME.
    """
    from abm.commands.terminal import table
    from scenarios.errors import InputError
    from scenarios.prices.calibration import fit as fit_model
    from scenarios.prices.calibration.compare import compare
    from scenarios.prices.calibration.report import (
        ESTIMATES,
        MOMENTS,
        estimates_cells,
        moments_cells,
        prices_table,
    )
    from scenarios.prices.history import History

    history = History(
        file=file, start=start.date() if start else None, end=end.date() if end else None
    )
    names = tuple(tokens.split(",")) if tokens else history.read().tokens
    panel = history.panel(names)
    stated = sorted({its for its in panel.currencies if its})
    if len(stated) > 1:
        raise InputError(
            f"{panel.origin}: has prices in {' and '.join(stated)}; a fit takes those of one"
            " currency: choose with --tokens"
        )
    fitted = fit_model(model, panel)
    if plot is not None:
        from scenarios.prices.calibration.plot import plot_fit

        plot_fit(fitted, panel, plot, seed=seed)
    if toml:
        click.echo(prices_table(fitted.source))
        return
    click.echo(
        f"{model} on {len(panel.dates) - 1} daily log-returns,"
        f" {panel.dates[0]:%Y-%m-%d} to {panel.dates[-1]:%Y-%m-%d}\n"
    )
    click.echo(table(ESTIMATES, estimates_cells(fitted), left=2) + "\n")
    alone = "" if fitted.joint else ", tokens taken one by one"
    click.echo(f"log-likelihood {fitted.log_likelihood:.2f}, AIC {fitted.aic:.2f}{alone}\n")
    click.echo(table(MOMENTS, moments_cells(compare(fitted, panel, seed=seed)), left=2))
    click.echo("* data outside 90 % of the model's paths")
    if plot is not None:
        click.echo(f"\n{plot}: written")
