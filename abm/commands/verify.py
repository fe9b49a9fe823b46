"""`collateral verify`: a scenario on both ledgers, compared day by day."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from abm.commands.options import json_option, scenario_argument, seed_option, set_option


@click.command()
@scenario_argument
@seed_option("both runs")
@set_option("agreement.model=0")
@json_option
def command(scenario: str, seed: int, changes: dict[str, Any], as_json: bool) -> None:
    """Run SCENARIO in columns and in the contracts, and compare them day by day.

    SCENARIO is a TOML file, or a name that `collateral scenarios` lists.

    Compared are all balances, deposits, supply, posted collateral, requirements, calls, deliveries,
    returns and issuances. The first difference ends the comparison, with exit code 1.
    """
    from abm.chain import require

    require()
    from abm.chain.verify import overview, verify
    from abm.commands.compiling import told_when_compiling
    from abm.commands.terminal import echo_json

    with told_when_compiling():
        done = verify(scenario, rng=seed, **changes)
    if as_json:
        echo_json(asdict(done))
        raise click.exceptions.Exit(int(done.difference is not None))
    for name, value in overview(done).items():
        click.echo(f"{name:<20} {value:>16}")
    if done.difference is not None:
        click.echo(f"different: {done.difference}")
        raise click.exceptions.Exit(1)
    click.echo("equal: columns and contracts agree in every number on every day")
