"""`collateral report`: the tables and figures of an experiment on one page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from abm.commands.gas import fee_options

if TYPE_CHECKING:
    import pandas as pd

    from analysis import Results
    from analysis.operating_cost import GasTerms
    from analysis.trade_off import UnitCosts
    from scenarios.scenario import Scenario

BOOKS = 5
"""Loan books that are drawn again, to tell what came out of their targets."""

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
@fee_options
def command(
    folder: str,
    out: Path | None,
    formats: tuple[str, ...],
    gas_price: float,
    ether_price: float,
) -> None:
    """Report on the results in DIR: one HTML page that explains its tables and figures.

    The page needs no network. DIR is what `collateral run --out DIR` wrote; a folder or any fsspec
    URL. The prices of gas and ether are for what the contracts cost to operate.
    """
    from scenarios.errors import InputError

    wanted = [name.strip() for given in formats for name in given.split(",")] or ["html"]
    for name in wanted:
        if name not in FORMATS:
            raise InputError(f"--format: {name}: must be one of {', '.join(FORMATS)}")

    from analysis import ResultsError, read_results
    from analysis.operating_cost import Fees
    from analysis.report import build_report, write_report

    try:
        results = read_results(folder)
        designs = scenarios_of(results.manifest)
        triggers = {design: scenario.agreement.trigger for design, scenario in designs.items()}
        fees = Fees(gas_price, ether_price)
        gas_terms, prices = gas_terms_of(designs), prices_of(designs)
        book = book_of(results, designs)
        report = build_report(results, triggers, fees, gas_terms, prices, book)
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


def scenarios_of(manifest: Mapping[str, Any]) -> dict[int, Scenario]:
    """The scenario of every design, as far as the manifest tells."""
    from scenarios.errors import InputError
    from scenarios.scenario import Scenario

    found = {}
    try:
        scenario = Scenario.parse(manifest.get("scenario") or {}, "manifest.json")
    except InputError:
        return {}
    for design in manifest.get("designs") or []:
        try:
            found[design["scenario_id"]] = scenario.with_changes(design["changes"])
        except InputError:
            continue
    return found


def gas_terms_of(designs: Mapping[int, Scenario]) -> dict[int, GasTerms]:
    """What gas depends on, of the designs whose gas can be told from what was recorded.

    These are the paper's models on the terms of the contracts: with the lag and the choice of
    tokens that the model stands for, any trigger, and all priced tokens eligible.
    """
    from abm.chain.terms import refuse_unsupported
    from analysis.operating_cost import GasTerms
    from scenarios.agreement import CollateralAgreement
    from scenarios.errors import InputError

    found = {}
    for design, scenario in designs.items():
        terms, tokens = scenario.agreement, scenario.prices.tokens
        if terms.model is None or scenario.agreements or not tokens:
            continue
        preset = CollateralAgreement(model=terms.model)
        if any(
            getattr(terms, name) != getattr(preset, name)
            for name in ("adjustment", "settlement_lag")
        ) or set(terms.priority or tokens) != set(tokens):
            continue
        try:
            refuse_unsupported(scenario, len(tokens) + 1)
        except InputError:
            continue
        found[design] = GasTerms(terms.model, len(tokens))
    return found


def prices_of(designs: Mapping[int, Scenario]) -> dict[int, UnitCosts]:
    """The prices of the designs whose scenario has `[costs]`."""
    from analysis.operating_cost import Fees
    from analysis.trade_off import UnitCosts

    found = {}
    for design, scenario in designs.items():
        costs, window = scenario.costs, scenario.window
        if costs is not None:
            found[design] = UnitCosts(
                years=(window.end - window.start).days / 365,
                margin_call=costs.margin_call,
                transfer=costs.transfer,
                issuance=costs.issuance,
                money_per_gas=Fees(costs.gas_price, costs.ether_price).per_gas,
                collateral=costs.collateral,
                default_rate=costs.default_rate,
                capital=costs.leverage_ratio * costs.cost_of_capital,
            )
    return found


def book_of(results: Results, designs: Mapping[int, Scenario]) -> tuple[pd.DataFrame, str] | None:
    """Targets and outcome of the first books that the runs drew, and whose these are.

    Of an experiment with several designs, those of the first that has a book.
    """
    from abm.commands.book import compared

    manifest = results.manifest
    drawn = [number for number, scenario in designs.items() if scenario.book is not None]
    if not drawn or not results.has("runs"):
        return None
    runs = results.runs[results.runs["scenario_id"] == drawn[0]]
    own = (runs["network_id"] == runs["replication_id"]) & (runs["path_id"] == runs["network_id"])
    number = min(int(own.sum()), BOOKS)
    if not number:
        return None
    whose = "the book of the run" if number == 1 else f"the books of {number} replications"
    if len(designs) > 1:
        whose += f" of design {drawn[0]}"
    return compared(designs[drawn[0]], int(manifest["seed"]), number), whose
