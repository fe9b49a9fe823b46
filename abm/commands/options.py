"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])


def set_option(example: str) -> Callable[[F], F]:
    """`--set FIELD=VALUE`, as often as wanted: `changes` of a scenario by dotted names."""
    return click.option(
        "--set",
        "changes",
        multiple=True,
        metavar="FIELD=VALUE",
        callback=lambda context, option, given: dict(map(_setting, given)),
        help=f"Replace a field of the scenario: {example}.  [repeatable]",
    )


def _scenarios(
    context: click.Context, argument: click.Parameter, begun: str
) -> list[CompletionItem]:
    """What SCENARIO can be, for the completion of shells: bundled names, then files."""
    from scenarios.experiment import bundled_experiments
    from scenarios.scenario import bundled

    names = [name for name in (*bundled(), *bundled_experiments()) if name.startswith(begun)]
    return [*map(CompletionItem, names), CompletionItem(begun, type="file")]


scenario_argument = click.argument("scenario", shell_complete=_scenarios)
name_argument = click.argument("name", shell_complete=_scenarios)
"""A scenario or an experiment: a file, or the name of a bundled one."""


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON for programs instead of text."
)


def overwrite_option(what: str) -> Callable[[F], F]:
    """`--overwrite` of what may be there already."""
    return click.option("--overwrite", is_flag=True, help=f"Replace {what} if it is there.")


run_seed_option = click.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="N",
    help="Seed of all randomness.  [default: the experiment's, else 1]",
)
"""`--seed N` of a scenario or an experiment that may have one of its own."""


def seed_option(of: str) -> Callable[[F], F]:
    """`--seed N` of what is random, 1 if not given."""
    return click.option(
        "--seed",
        type=click.IntRange(min=0),
        metavar="N",
        default=1,
        show_default=True,
        help=f"Seed of {of}.",
    )


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
