"""`collateral serve`: the server page."""

from __future__ import annotations

from pathlib import Path

import click

DEFAULT_HOST = "127.0.0.1"


@click.command()
@click.argument("scenario", required=False)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    default=8765,
    show_default=True,
    help="Port; 0 for any free one.",
)
@click.option(
    "--host",
    metavar="ADDRESS",
    default=DEFAULT_HOST,
    show_default=True,
    help="Address to listen on. Any but the default lets others in: there is no log-in.",
)
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="NAME",
    help="Further name by which visitors call the server; others are refused. Repeatable.",
)
@click.option("--open/--no-open", "show", default=True, help="Open the page in a browser.")
@click.option(
    "--screenshot",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.png",
    help="Write a picture of the page (by Chromium) and stop.",
)
@click.option(
    "--days",
    type=click.IntRange(0),
    metavar="N",
    default=20,
    show_default=True,
    help="Days to simulate before the picture.",
)
@click.option(
    "--size",
    metavar="WIDTHxHEIGHT",
    default="1440x900",
    show_default=True,
    help="Window of the picture, in pixels.",
)
def command(
    scenario: str | None,
    port: int,
    host: str,
    names: tuple[str, ...],
    show: bool,
    screenshot: Path | None,
    days: int,
    size: str,
) -> None:
    """Watch a market in the browser, beginning with SCENARIO.

    SCENARIO is a TOML file, or a name that `collateral scenarios` lists. Ctrl-C stops it.
    """
    from abm.page.launch import require_app, serve
    from scenarios.errors import InputError

    if screenshot is not None and screenshot.suffix.lower() != ".png":
        raise InputError(f"--screenshot: {screenshot}: the name must end in .png")
    require_app()
    if screenshot is None:
        serve(scenario, host=host, port=port, show=show, names=names)
        return
    from abm.page.browser import parse_size, write_screenshot

    day = write_screenshot(screenshot, scenario, days, parse_size(size))
    click.echo(f"{screenshot}: written, day {day}")
