"""`collateral scenarios`: what is bundled, and what a scenario would simulate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from abm.commands.options import (
    json_option,
    name_argument,
    overwrite_option,
    run_seed_option,
    scenario_argument,
    set_option,
)


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List the bundled scenarios and experiments, and problems of allocation.

    `collateral run NAME --out DIR` runs one, `collateral optimise NAME` solves a problem; the
    subcommands show, copy and check them.
    """
    if context.invoked_subcommand is not None:
        return
    from abm.commands.terminal import described, echo_json
    from scenarios.allocation import bundled_problems
    from scenarios.experiment import bundled_experiments
    from scenarios.scenario import bundled, read_toml

    bundles = {
        "scenarios": bundled(),
        "experiments": bundled_experiments(),
        "problems": bundled_problems(),
    }
    titles = {
        kind: {name: str(read_toml(path).get("title", "")) for name, path in paths.items()}
        for kind, paths in bundles.items()
    }
    if as_json:
        echo_json(titles)
        return
    for kind, entries in titles.items():
        click.echo(f"{kind.capitalize()}:")
        click.echo(described(entries) + "\n")
    click.echo("To read one: collateral scenarios show NAME")
    click.echo("To solve a problem: collateral optimise NAME")
    click.echo("To run one of the others: collateral run NAME --out DIR")


@command.command()
@name_argument
def show(name: str) -> None:
    """Print the file of a scenario, an experiment or a problem, comments and all.

    NAME is one that `collateral scenarios` lists, or a TOML file.
    """
    from scenarios.allocation import find_any

    click.echo(find_any(name).read_text(encoding="utf-8-sig"), nl=False)


@command.command()
@name_argument
@click.argument("file", type=click.Path(path_type=Path))
@overwrite_option("FILE")
def copy(name: str, file: Path, overwrite: bool) -> None:
    """Copy a scenario, an experiment or a problem to FILE, to change it there.

    NAME is one that `collateral scenarios` lists, or a TOML file. Files that it names by a relative
    path are copied to beside FILE.
    """
    from scenarios.copies import copy_scenario

    for path in copy_scenario(name, file, overwrite=overwrite):
        click.echo(f"wrote {path}")


@command.command()
@scenario_argument
@run_seed_option
@set_option("participants.lenders=100")
@json_option
def check(scenario: str, seed: int | None, changes: dict[str, Any], as_json: bool) -> None:
    """Say what SCENARIO would simulate, and what that would take, without writing anything.

    SCENARIO is a scenario or an experiment: a TOML file, or a name that `collateral scenarios`
    lists. Its market is built, and some of its days are simulated to tell the time; of an
    experiment those of the first, the middle and the last design that can be simulated.

    Exit code 1: some designs cannot be simulated.
    """
    from abm.commands.compiling import told_when_compiling
    from abm.commands.preview import preview
    from abm.commands.terminal import echo_json
    from scenarios.experiment import Experiment, load_either

    given = load_either(scenario)
    experiment = given if isinstance(given, Experiment) else Experiment.single(given)
    experiment = experiment.with_settings(changes, seed=seed)
    with told_when_compiling():
        found = preview(experiment)
    if as_json:
        echo_json(found.as_table())
    else:
        click.echo(found.as_text())
    if found.refused:
        raise click.exceptions.Exit(1)
