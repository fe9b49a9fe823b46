"""`collateral verify`: a scenario on both ledgers, compared day by day."""

from __future__ import annotations

import click


@click.command()
@click.argument("scenario")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of both.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Replace a field of the scenario: agreement.model=0.  [repeatable]",
)
def command(scenario: str, seed: int, settings: tuple[str, ...]) -> None:
    """Run SCENARIO in columns and in the contracts, and compare them day by day.

    Compared are all balances, deposits, supply, posted collateral, requirements, calls, deliveries,
    returns and issuances. The first difference ends the comparison, with exit code 1.
    """
    from abm.commands.run import _setting
    from abm.evm import require

    require()
    from abm.evm.verify import overview, verify

    done = verify(scenario, rng=seed, **dict(map(_setting, settings)))
    for name, value in overview(done).items():
        click.echo(f"{name:<20} {value:>16}")
    if done.difference is not None:
        click.echo(f"different: {done.difference}")
        raise click.exceptions.Exit(1)
    click.echo("equal: columns and contracts agree in every number on every day")
