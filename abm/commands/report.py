"""`collateral report`: the tables and figures of an experiment on one page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

FORMATS = ("html", "svg", "csv", "latex")


@click.command()
@click.argument("folder", metavar="DIR")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The page to write.  [default: DIR/report.html]",
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    metavar="NAME",
    help="html, svg, csv or latex: all but html go into a folder beside FILE, named like it."
    "  [repeatable; default: html]",
)
def command(folder: str, out: Path | None, formats: tuple[str, ...]) -> None:
    """Report on the results in DIR: one HTML page that explains its tables and figures.

    The page needs no network. DIR is what `collateral run --out DIR` wrote; a folder or any fsspec
    URL.
    """
    from scenarios.errors import InputError

    wanted = [name.strip() for given in formats for name in given.split(",")] or ["html"]
    for name in wanted:
        if name not in FORMATS:
            raise InputError(f"--format: {name}: must be one of {', '.join(FORMATS)}")

    from analysis import ResultsError, read_results
    from analysis.report import build_report, write_report

    try:
        results = read_results(folder)
        report = build_report(results, triggers_of(results.manifest))
    except ResultsError as error:
        raise InputError(str(error)) from None
    if out is None:
        out = Path("report.html") if "://" in folder else Path(folder) / "report.html"
    try:
        written = write_report(report, out, wanted)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror or error})") from None
    for path in written[:1] if "html" in wanted else []:
        click.echo(f"{path}: {len(report.figures)} figures, {len(report.tables)} tables")
    if len(written) > 1 or "html" not in wanted:
        click.echo(f"{out.with_suffix('')}: {', '.join(n for n in wanted if n != 'html')}")


def triggers_of(manifest: Mapping[str, Any]) -> dict[int, float]:
    """Margin call threshold of every design, as far as the manifest tells."""
    from scenarios.errors import InputError
    from scenarios.scenario import Scenario

    triggers = {}
    try:
        scenario = Scenario.parse(manifest.get("scenario") or {}, "manifest.json")
    except InputError:
        return {}
    for design in manifest.get("designs") or []:
        changes = {
            name: value
            for name, value in design["changes"].items()
            if name.split(".")[0] == "agreement"
        }
        try:
            agreement = scenario.with_changes(changes).agreement
        except InputError:
            continue
        triggers[design["scenario_id"]] = agreement.trigger
    return triggers
