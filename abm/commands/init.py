"""`collateral init`: a scenario of one's own."""

from __future__ import annotations

from pathlib import Path

import click

from abm.commands.options import overwrite_option


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=Path("scenario.toml"))
@overwrite_option("FILE")
def command(file: Path, overwrite: bool) -> None:
    """Write a scenario to FILE that runs as it is, and says what can be changed in it.

    FILE is scenario.toml if not given.
    """
    from scenarios.copies import write_template

    write_template(file, overwrite=overwrite)
    click.echo(f"wrote {file}")
    click.echo(f"To see what it simulates: collateral scenarios check {file}")
    click.echo(f"To run it: collateral run {file} --out results/{file.stem}")
