"""`collateral picture`: the lending network of a scenario on one day, as a picture."""

from __future__ import annotations

from pathlib import Path

import click

from abm.commands.options import scenario_argument, seed_option


@click.command("picture")
@scenario_argument
@click.option(
    "--day",
    type=click.IntRange(0),
    metavar="N",
    help="Days since the start.  [default: the last day]",
)
@seed_option("all randomness")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    required=True,
    help="File to write; its ending says what it is (.png, .svg, .pdf).",
)
def command(scenario: str, day: int | None, seed: int, out: Path) -> None:
    """Draw the lending network of SCENARIO on one day.

    SCENARIO is a TOML file, or a name that `collateral scenarios` lists.
    """
    from abm.commands.compiling import told_when_compiling
    from abm.model import CollateralMarket
    from abm.opening.build import days_of
    from abm.opening.streams import Streams
    from analysis.figures.network import network_figure
    from analysis.networks import pairs
    from scenarios.errors import InputError
    from scenarios.scenario import Scenario

    if out.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise InputError(f"{out}: the file must end in .png, .svg or .pdf")
    if not out.absolute().parent.is_dir():
        raise InputError(f"{out}: cannot be written (there is no folder {out.parent})")
    loaded = Scenario.load(scenario)
    last = len(days_of(loaded, Streams.spawn(seed))) - 1
    if day is not None and day > last:
        raise InputError(f"--day {day}: the last day of {scenario} is {last}")
    with told_when_compiling():
        market = CollateralMarket(loaded, rng=seed)
        while market.day < (last if day is None else day):
            market.step()
    figure = network_figure(pairs(market.loans_frame()), market.participants_frame())
    try:
        figure.savefig(out, dpi=160)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror})") from None
    click.echo(f"wrote {out}: {scenario}, day {market.day} ({market.days[market.day]:%Y-%m-%d})")
