"""`collateral bench`: how fast this machine simulates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

F = TypeVar("F", bound=Callable[..., Any])

COUNTED = {"market": "loans", "experiments": "runs", "page": "loans"}
"""What the size of each benchmark counts; the benchmark is `abm/commands/benchmarks/<name>.py`."""

OPTIONS = {
    "market": ("loans", "borrowers", "objects", "sheets", "turnover", "year", "cheapest"),
    "experiments": ("memory_runs", "cost_runs", "speed_runs", "sweep_runs"),
    "page": ("participants", "days", "browser"),
}


def _number(name: str, least: int, default: int, text: str) -> Callable[[F], F]:
    return click.option(
        name,
        type=click.IntRange(least),
        default=default,
        show_default=True,
        metavar="N",
        help=text,
    )


@click.command("bench")
@click.argument("benchmark", type=click.Choice(list(OPTIONS)), default="market")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE.csv",
    help="Write the figures to a CSV.",
)
@_number("--loans", 100, 1_000_000, "Market: its size.")
@_number("--borrowers", 1, 10_000, "Market: borrowers that share the loans.")
@_number(
    "--objects",
    0,
    10_000,
    "Market: loans in the comparison with one Python object a loan; 0 leaves it out.",
)
@_number(
    "--sheets",
    0,
    0,
    "Market: loans in the comparison with markets that keep balance sheets; 0 leaves it out.",
)
@_number(
    "--turnover",
    0,
    0,
    "Market: loans of a book that comes and goes, against one that stands still; 0 leaves it out.",
)
@_number(
    "--year",
    0,
    0,
    "Market: loans of a book that comes and goes for a year, as it is and with balance sheets,"
    " short sales, dividends and defaults; 0 leaves it out.",
)
@_number(
    "--cheapest",
    0,
    0,
    "Market: loans in the comparison of cheapest deliveries with those by priority; 0 leaves it"
    " out.",
)
@_number(
    "--memory-runs",
    0,
    10_000,
    "Experiments: runs over which memory is watched; 0 leaves it out. 100,000 take 12 minutes.",
)
@_number(
    "--cost-runs", 0, 1_000, "Experiments: runs to tell the engine's cost from; 0 leaves it out."
)
@_number(
    "--sweep-runs",
    0,
    400,
    "Experiments: runs of paper-models, against their days alone and against objects; 0 leaves it"
    " out.",
)
@_number("--speed-runs", 0, 300, "Experiments: runs for one worker and for two; 0 leaves it out.")
@click.option(
    "--participants",
    type=click.IntRange(2, 1000),
    multiple=True,
    default=(100, 1000),
    show_default=True,
    metavar="N",
    help="Page: participants of the market.  [repeatable]",
)
@_number("--days", 5, 30, "Page: days to measure.")
@click.option("--browser", is_flag=True, help="Page: also in a browser (headless Chromium).")
def command(benchmark: str, out: Path | None, **sizes: Any) -> None:
    """Measure how fast this machine simulates.

    BENCHMARK is one of: market, for the margin pass, the whole step, building and memory;
    experiments, for memory, the engine's cost, and the speed of two workers; page, for a day on
    the page of `collateral serve`.

    A line a measurement. Ratios are what can be quoted, the absolute figures are this machine's;
    it should have nothing else to do. The columns of the CSV are in docs/performance.md.
    """
    from importlib import import_module

    from abm.commands.benchmarks.measurement import csv_writer
    from abm.commands.terminal import width

    _refuse_others(benchmark)
    wanted = {name: sizes[name] for name in OPTIONS[benchmark]}
    rows = import_module(f"abm.commands.benchmarks.{benchmark}").measure(**wanted)
    with csv_writer(out, benchmark) as write:
        for row in rows:
            click.echo(row.line(COUNTED[benchmark], width()))
            write(row)
    if out is not None:
        click.echo(f"wrote {out}")


def _refuse_others(benchmark: str) -> None:
    """Refuse options of the other benchmarks, which would be without effect."""
    from scenarios.errors import InputError

    ctx = click.get_current_context()
    for other, names in OPTIONS.items():
        for name in names:
            given = ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
            if given and other != benchmark:
                option = name.replace("_", "-")
                raise InputError(
                    f"--{option}: belongs to `collateral bench {other}`, not to {benchmark}"
                )
