"""`collateral gas`: what the contracts cost to operate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import pandas as pd

GAS_PRICE, ETHER_PRICE = 10.0, 3000.0
"""What gas and ether cost if nothing else is said; round numbers, not a forecast."""


def _numbers(_: click.Context, parameter: click.Parameter, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text}: expected whole numbers separated by commas") from None


def _positive(_: click.Context, parameter: click.Parameter, number: float) -> float:
    if not 0 < number < float("inf"):
        from scenarios.errors import InputError

        raise InputError(f"{parameter.opts[0]}: expected a positive number, not {number:g}")
    return number


def fee_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options `--gas-price` and `--ether-price`."""
    for name, default, unit, words in (
        ("--ether-price", ETHER_PRICE, "MONEY", "Price of an ether."),
        ("--gas-price", GAS_PRICE, "GWEI", "Price of a unit of gas."),
    ):
        option = click.option(
            name,
            type=float,
            default=default,
            show_default=True,
            metavar=unit,
            callback=_positive,
            help=words,
        )
        command = option(command)
    return command


@click.command()
@click.option(
    "--models", default="0,1,2,3,4", show_default=True, callback=_numbers, help="The paper's."
)
@click.option(
    "--tokens", default="5", show_default=True, callback=_numbers, help="Collateral tokens a loan."
)
@click.option(
    "--batches", default="1", show_default=True, callback=_numbers, help="Loans a transaction."
)
@fee_options
@click.option("--days", type=int, default=61, show_default=True, help="Days of each simulation.")
@click.option("--rollup", is_flag=True, help="Show a day on a roll-up beside the main chain, too.")
@click.option("--csv", type=click.Path(dir_okay=False, path_type=Path), help="Write all columns.")
def command(
    models: tuple[int, ...],
    tokens: tuple[int, ...],
    batches: tuple[int, ...],
    gas_price: float,
    ether_price: float,
    days: int,
    rollup: bool,
    csv: Path | None,
) -> None:
    """Measure the gas of the paper's models on the contracts, and price it."""
    from abm.chain import require

    require()
    from abm.chain.gas import gas_cells, gas_markdown, gas_table
    from analysis.operating_cost import Fees, priced

    gas = gas_table(models, tokens, batches, days=days)
    table = priced(gas, Fees(gas_price, ether_price))
    click.echo(_fitted(gas_markdown(table), gas_cells(table), 3))
    if rollup:
        from abm.chain.rollup import rollup_cells, rollup_markdown, rollup_table

        shown = rollup_table(gas, Fees(gas_price, ether_price))
        text = _fitted(rollup_markdown(shown), rollup_cells(shown), 4)
        click.echo(f"\nMoney per loan and day:\n\n{text}")
    if csv is not None:
        try:
            table.to_csv(csv, index=False)
        except OSError as error:
            from scenarios.errors import InputError

            raise InputError(f"--csv: {csv}: cannot be written ({error.strerror})") from None
        click.echo(f"\n{csv}: written")


def _fitted(markdown: str, cells: pd.DataFrame, keys: int) -> str:
    """A table as it stands in the documentation, or its rows one below the other."""
    from abm.commands.terminal import fits, one_below_the_other

    if fits(markdown):
        return markdown
    return one_below_the_other(cells.columns.tolist(), cells.to_numpy().tolist(), keys)
