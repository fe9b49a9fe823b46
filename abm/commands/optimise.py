"""`collateral optimise`: which collateral is cheapest to deliver."""

from __future__ import annotations

import click


@click.command()
@click.argument("problem")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="What to print: tables, or all of it as JSON.",
)
@click.option(
    "--seconds",
    type=float,
    metavar="S",
    default=10.0,
    show_default=True,
    help="Stop each of the two searches after so long and take the best found; inf for never.",
)
def command(problem: str, form: str, seconds: float) -> None:
    """Find the cheapest delivery on all calls of a participant together.

    PROBLEM is a TOML file with calls, schedules, inventory and costs, or the name of a bundled one
    (`collateral scenarios` lists them). What is unmet goes before what it costs. Printed are the
    allocation beside that of the priority rule, what one more unit of each asset and limit is
    worth, and what holds back the calls that stay short.
    """
    import json

    from abm.commands.allocation import as_text
    from abm.optimise.answer import answer_of
    from abm.optimise.problem import problem_of
    from scenarios.allocation import AllocationProblem
    from scenarios.errors import InputError

    if not seconds > 0:
        raise InputError(f"--seconds: expected a positive number, not {seconds:g}")
    given = AllocationProblem.load(problem)
    answer = answer_of(given, problem_of(given), seconds)
    click.echo(json.dumps(answer, indent=2) if form == "json" else as_text(answer))
