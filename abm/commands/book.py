"""`collateral book`: the targets of a loan book, and what came out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from abm.commands.options import json_option, scenario_argument, seed_option, set_option

if TYPE_CHECKING:
    import pandas as pd


@click.command()
@scenario_argument
@seed_option("the first book")
@click.option(
    "--books",
    type=click.IntRange(min=1),
    metavar="N",
    default=1,
    show_default=True,
    help="Draw so many, replications 0 to N - 1 of the seed.",
)
@set_option("book.loans=50000")
@json_option
def command(scenario: str, seed: int, books: int, changes: dict[str, Any], as_json: bool) -> None:
    """Draw the loan book of a scenario, and tell it beside its targets.

    SCENARIO has a [book]. Shares are by value on day 0. `worst` is, over all the books, the value
    that is furthest from the target. Nothing is simulated.
    """
    from abm.commands.terminal import echo_json, wrapped
    from scenarios.scenario import Scenario

    market = Scenario.load(scenario)
    table = compared(market.with_changes(changes) if changes else market, seed, books)
    if as_json:
        echo_json(table.to_dict("records"))
        return
    click.echo(as_text(table.drop(columns="source")))
    click.echo("\nSources:")
    for source, names in table.groupby("source", sort=False)["name"]:
        click.echo(wrapped(f"  {', '.join(names)}: {source}", indent="    "))


def compared(scenario: Any, seed: int, books: int) -> pd.DataFrame:
    """Targets of a book, and the mean and the worst of several drawn ones.

    Raises:
        InputError: the scenario has no book, or it cannot be drawn.
    """
    import numpy as np
    import pandas as pd

    from abm.opening.book_outcome import outcomes
    from abm.opening.build import draw_blueprint
    from abm.opening.streams import RunSeed, Streams
    from scenarios.errors import InputError

    if scenario.book is None:
        raise InputError(f"{scenario.name}: has no [book]; its loans are not drawn from targets")
    drawn = []
    for replication in range(books):
        streams = Streams.spawn(RunSeed(seed, replication, replication))
        drawn.append(outcomes(scenario.book, draw_blueprint(scenario, streams)))
    values = np.array([[row.drawn for row in book] for book in drawn])
    target = np.array([row.target for row in drawn[0]])
    worst = np.abs(values - target).argmax(axis=0)
    return pd.DataFrame(
        {
            "name": [row.name for row in drawn[0]],
            "kind": [row.kind for row in drawn[0]],
            "target": target,
            "drawn": values.mean(axis=0),
            "worst": values[worst, np.arange(len(target))],
            "source": [row.source for row in drawn[0]],
        }
    )


def as_text(table: pd.DataFrame) -> str:
    """Shares in per cent, numbers as they are."""
    shown = table.astype(object)
    for column in ("target", "drawn", "worst"):
        shown[column] = [
            f"{value:.1%}" if kind == "share" else f"{value:,.4g}" if value < 1 else f"{value:,.0f}"
            for kind, value in zip(table["kind"], table[column], strict=True)
        ]
    return str(shown.drop(columns="kind").to_string(index=False))
