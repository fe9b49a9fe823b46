"""`collateral run`: a scenario or an experiment, into a folder of results."""

from __future__ import annotations

import signal
from typing import Any

import click


@click.command()
@click.argument("scenario")
@click.option(
    "--out", required=True, metavar="DIR", help="Folder of the results, or any fsspec URL."
)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    help="Processes to start; 0 runs all in this one.  [default: one a core]",
)
@click.option("--scheduler", metavar="ADDRESS", help="Use the Dask cluster that runs there.")
@click.option("--resume", is_flag=True, help="Go on with an interrupted experiment in DIR.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Replace a field of the scenario: agreement.haircut=0.1.  [repeatable]",
)
@click.option("--seed", type=click.IntRange(min=0), help="Seed of all randomness.")
@click.option("--replications", type=click.IntRange(min=1), help="Runs of each design.")
@click.option(
    "--tables",
    metavar="NAMES",
    help="Also write these, separated by commas: events, participants, loans.",
)
def command(
    scenario: str,
    out: str,
    workers: int | None,
    scheduler: str | None,
    resume: bool,
    settings: tuple[str, ...],
    seed: int | None,
    replications: int | None,
    tables: str | None,
) -> None:
    """Run SCENARIO and write its results as Parquet.

    SCENARIO is a scenario or an experiment: a TOML file, or a name that `collateral scenarios`
    lists. A scenario is one run; an experiment is many.
    """
    from abm.commands.overview import overview
    from abm.experiment.execute import run_experiment
    from scenarios.experiment import Experiment, load_either

    # Batch systems end jobs with SIGTERM: as with Ctrl-C, say so in the manifest and stop cleanly.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    changes = dict(map(_setting, settings))
    given = load_either(scenario)
    experiment = given if isinstance(given, Experiment) else Experiment.single(given)
    options: dict[str, Any] = {"seed": seed, "replications": replications}
    if tables is not None:
        options["tables"] = tuple(name.strip() for name in tables.split(",") if name.strip())
    experiment = experiment.with_settings(changes, **options)
    finished = run_experiment(experiment, out, workers=workers, scheduler=scheduler, resume=resume)
    click.echo(overview(finished))


def _setting(text: str) -> tuple[str, Any]:
    """FIELD=VALUE; the value as TOML has it, or else as text."""
    import tomllib

    from scenarios.errors import InputError

    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise InputError(f"--set {text}: expected FIELD=VALUE, as in agreement.haircut=0.1")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    return name.strip(), parsed
