"""`collateral run`: a scenario or an experiment, into a folder of results."""

from __future__ import annotations

import signal
from typing import Any

import click

from abm.commands.options import set_option


@click.command()
@click.argument("scenario")
@click.option(
    "--out", required=True, metavar="DIR", help="Folder of the results, or any fsspec URL."
)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    metavar="N",
    help="Processes to start; 0 runs all in this one.  [default: one a core]",
)
@click.option("--scheduler", metavar="ADDRESS", help="Use the Dask cluster that runs there.")
@click.option("--resume", is_flag=True, help="Go on with an interrupted experiment in DIR.")
@set_option("agreement.haircut=0.1")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="N",
    help="Seed of all randomness.  [default: the experiment's, else 1]",
)
@click.option(
    "--replications",
    type=click.IntRange(min=1),
    metavar="N",
    help="Runs of each design.  [default: the experiment's, else 1]",
)
@click.option(
    "--tables",
    metavar="NAMES",
    help="Also write these, separated by commas: events, participants, loans, exposures.",
)
def command(
    scenario: str,
    out: str,
    workers: int | None,
    scheduler: str | None,
    resume: bool,
    changes: dict[str, Any],
    seed: int | None,
    replications: int | None,
    tables: str | None,
) -> None:
    """Run SCENARIO and write its results as Parquet.

    SCENARIO is a scenario or an experiment: a TOML file, or a name that `collateral scenarios`
    lists. A scenario is one run; an experiment is many. For example:

    \b
        collateral run crash --out results/crash

    Exit code 1: some runs failed; the end of the output says why, and the column `error` of runs.
    """
    from abm.commands.interrupts import raised_once
    from abm.commands.overview import overview
    from abm.experiments.execute import run_experiment
    from scenarios.experiment import Experiment, load_either

    given = load_either(scenario)
    experiment = given if isinstance(given, Experiment) else Experiment.single(given)
    options: dict[str, Any] = {"seed": seed, "replications": replications}
    if tables is not None:
        options["tables"] = tuple(name.strip() for name in tables.split(",") if name.strip())
    experiment = experiment.with_settings(changes, **options)
    # Batch systems end jobs with SIGTERM: as with Ctrl-C, say so in the manifest and stop cleanly.
    with raised_once(signal.SIGTERM):
        finished = run_experiment(
            experiment, out, workers=workers, scheduler=scheduler, resume=resume
        )
    click.echo(overview(finished))
    if finished.failed:
        raise click.exceptions.Exit(1)
