"""`collateral scenarios`: what is bundled."""

from __future__ import annotations

import click


@click.command()
def command() -> None:
    """List the bundled scenarios and experiments, and problems of allocation.

    `collateral run NAME --out DIR` runs one, `collateral optimise NAME` solves a problem.
    """
    from scenarios.allocation import bundled_problems
    from scenarios.experiment import bundled_experiments
    from scenarios.scenario import bundled, read_toml

    kinds = {
        "Scenarios": bundled(),
        "Experiments": bundled_experiments(),
        "Problems of allocation": bundled_problems(),
    }
    for heading, paths in kinds.items():
        click.echo(f"{heading}:")
        titles = [(name, str(read_toml(path).get("title", ""))) for name, path in paths.items()]
        formatter = click.HelpFormatter(width=120)
        with formatter.indentation():
            formatter.write_dl(titles)
        click.echo(formatter.getvalue())
    click.echo("To run one: collateral run NAME --out DIR; a problem: collateral optimise NAME")
