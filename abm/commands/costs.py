"""`collateral costs`: what the policies of an experiment cost, and where their order turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from abm.commands.layout import typed
from abm.commands.options import json_option, set_option
from abm.commands.terminal import echo_json, fits, one_below_the_other, wrapped

if TYPE_CHECKING:
    import pandas as pd


@click.command()
@click.argument("folder", metavar="DIR")
@set_option("costs.transfer=2.5")
@click.option(
    "--factor",
    metavar="NAME",
    help="What is compared.  [default: the paper's model, or the only policy that varies]",
)
@click.option(
    "--level",
    metavar="VALUE",
    help="Its level that is compared with the others.  [default: the cheapest]",
)
@json_option
def command(
    folder: str, changes: dict[str, Any], factor: str | None, level: str | None, as_json: bool
) -> None:
    """Price what the results in DIR count, by the [costs] of their scenario.

    Tells what each design costs in basis points of what is lent, who bears it, what one policy
    costs less or more than the others on the same networks and prices, and at which price of a
    call, a transfer, an issuance, of collateral or of a default that would turn. Prices can be set
    without a new run: they are no part of the simulation.
    """
    from abm.commands.report import gas_terms_of, prices_of, scenarios_of
    from analysis import ResultsError, read_results
    from analysis.report.content import TableItem
    from analysis.report.subject import Subject
    from analysis.report.trade_off import check_factor, trade_off_section
    from analysis.summary import records
    from scenarios.errors import InputError

    for name in changes:
        if not name.startswith("costs."):
            raise InputError(f"--set {name}: only prices can be set after the runs, as costs.NAME")
    try:
        subject = Subject(read_results(folder))
        if not len(subject.runs):
            raise ResultsError(f"{folder}: no run has finished, so there is nothing to price")
        designs = {
            design: scenario.with_changes(changes) if changes else scenario
            for design, scenario in scenarios_of(subject.results.manifest).items()
        }
        prices = prices_of(designs)
        if not prices:
            raise InputError(
                f"{folder}: its scenario has no [costs]; give prices, as --set costs.transfer=2.5"
            )
        column = check_factor(subject, factor) if factor else None
        compared = _level(subject, column or "factor.model", level)
        section = trade_off_section(subject, prices, gas_terms_of(designs), column, compared)
    except ResultsError as error:
        raise InputError(str(error)) from None
    assert section is not None
    tables = [item for item in section.items if isinstance(item, TableItem)]
    if as_json:
        echo_json({item.name: records(item.numbers) for item in tables})
        return
    click.echo(wrapped(section.text[0]))
    for item in tables:
        click.echo(f"\n{wrapped(item.title)}\n\n{typed(_fitted(item.shown))}")
        click.echo(f"\n{wrapped(item.caption)}")


def _fitted(shown: pd.DataFrame) -> str:
    """A policy a column, or, where the terminal is too narrow, one below the other."""
    text = str(shown.T.to_string(header=False))
    if fits(text):
        return text
    rows = shown.astype(str).to_numpy().tolist()
    return one_below_the_other([str(name) for name in shown.columns], rows, 1)


def _level(subject: Any, column: str, text: str | None) -> Any:
    """A level as it stands in the results."""
    if text is None:
        return None
    if column not in subject.factors:
        from analysis import ResultsError

        raise ResultsError("--level: give the factor that it is a level of, with --factor")
    known = {str(value): value for value in subject.runs[column].unique()}
    return known.get(text, text)
