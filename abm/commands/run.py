"""`collateral run`: a scenario or an experiment, into a folder of results."""

from __future__ import annotations

import signal
from typing import Any

import click

from abm.commands.options import (
    json_option,
    overwrite_option,
    run_seed_option,
    scenario_argument,
    set_option,
)


@click.command()
@scenario_argument
@click.option(
    "--out", required=True, metavar="DIR", help="Folder of the results, or any fsspec URL."
)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    metavar="N",
    help="Processes to start; 0 runs all in this one, and shows tracebacks of one's own code."
    "  [default: one a core]",
)
@click.option("--scheduler", metavar="ADDRESS", help="Use the Dask cluster that runs there.")
@click.option("--resume", is_flag=True, help="Go on with an interrupted experiment in DIR.")
@overwrite_option("the results in DIR")
@set_option("agreement.haircut=0.1")
@run_seed_option
@click.option(
    "--replications",
    type=click.IntRange(min=1),
    metavar="N",
    help="Runs of each design.  [default: the experiment's, else 1]",
)
@click.option(
    "--networks",
    type=click.IntRange(min=1),
    metavar="N",
    help="Networks of each design, each run on every price path, instead of replications.",
)
@click.option("--paths", type=click.IntRange(min=1), metavar="N", help="Price paths, likewise.")
@click.option(
    "--tables",
    metavar="NAMES",
    help="Also write these, separated by commas: events, participants, loans, exposures.",
)
@json_option
@click.option("--quiet", is_flag=True, help="Show neither progress nor a summary.")
@click.option("--verbose", is_flag=True, help="Show also what is begun, and what is compiled.")
def command(
    scenario: str,
    out: str,
    workers: int | None,
    scheduler: str | None,
    resume: bool,
    overwrite: bool,
    changes: dict[str, Any],
    seed: int | None,
    replications: int | None,
    networks: int | None,
    paths: int | None,
    tables: str | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Run SCENARIO and write its results as Parquet.

    SCENARIO is a scenario or an experiment: a TOML file, or a name that `collateral scenarios`
    lists. A scenario is one run; an experiment is many. For example:

    \b
        collateral run crash --out results/crash

    Exit code 1: some runs failed; the end of the output says why, and the column `error` of runs.
    """
    from abm.commands import outcome
    from abm.commands.compiling import told_when_compiling
    from abm.commands.interrupts import raised_once
    from abm.commands.overview import overview
    from abm.commands.terminal import echo_json
    from abm.experiments.execute import run_experiment
    from scenarios.errors import InputError
    from scenarios.experiment import Experiment, load_either

    if quiet and verbose:
        raise InputError("--quiet and --verbose: give one")
    given = load_either(scenario)
    experiment = given if isinstance(given, Experiment) else Experiment.single(given)
    options: dict[str, Any] = {"seed": seed, "replications": replications}
    options |= {"networks": networks, "paths": paths}
    if tables is not None:
        options["tables"] = tuple(name.strip() for name in tables.split(",") if name.strip())
    experiment = experiment.with_settings(changes, **options)
    outcome.show_failures(shown=workers == 0)
    if verbose:
        click.echo(outcome.begun(experiment), err=True)
    # Batch systems end jobs with SIGTERM: as with Ctrl-C, say so in the manifest and stop cleanly.
    with raised_once(signal.SIGTERM), told_when_compiling(quiet=quiet, verbose=verbose):
        try:
            finished = run_experiment(
                experiment,
                out,
                workers=workers,
                scheduler=scheduler,
                resume=resume,
                overwrite=overwrite,
                quiet=quiet,
            )
        except KeyboardInterrupt:
            raise outcome.interrupted(out, overwrite) from None
    if as_json:
        echo_json(outcome.as_table(finished))
    elif not quiet:
        click.echo(overview(finished))
    if finished.failed:
        if quiet or as_json:
            click.echo(
                f"collateral: {finished.failed:,} of {finished.runs:,} runs failed; the columns"
                f" status and error of {finished.folder}/runs say which and why",
                err=True,
            )
        raise click.exceptions.Exit(1)
