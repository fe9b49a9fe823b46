"""`collateral gas`: what the contracts cost to operate."""

from __future__ import annotations

from pathlib import Path

import click


def _numbers(_: click.Context, parameter: click.Parameter, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text}: expected whole numbers separated by commas") from None


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
@click.option("--gas-price", type=float, default=10.0, show_default=True, help="In gwei.")
@click.option("--ether-price", type=float, default=3000.0, show_default=True, help="In money.")
@click.option("--days", type=int, default=61, show_default=True, help="Days of each simulation.")
@click.option("--csv", type=click.Path(dir_okay=False, path_type=Path), help="Write all columns.")
def command(
    models: tuple[int, ...],
    tokens: tuple[int, ...],
    batches: tuple[int, ...],
    gas_price: float,
    ether_price: float,
    days: int,
    csv: Path | None,
) -> None:
    """Measure the gas of the paper's models on the contracts, and price it."""
    from abm.evm import require

    require()
    from abm.evm.gas import gas_markdown, gas_table

    table = gas_table(
        models, tokens, batches, days=days, gas_price=gas_price, ether_price=ether_price
    )
    click.echo(gas_markdown(table))
    if csv is not None:
        try:
            table.to_csv(csv, index=False)
        except OSError as error:
            from scenarios.errors import InputError

            raise InputError(f"--csv: {csv}: cannot be written ({error.strerror})") from None
        click.echo(f"\n{csv}: written")
