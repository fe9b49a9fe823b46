"""The command `collateral`: names and one-line helps here, everything else imported when used."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

COMMANDS = {
    "replicate": "Reproduce the paper's Tables 2, 3 and 4 from closing prices.",
    "run": "Run a scenario or an experiment and write its results as Parquet.",
    "report": "Report on results: one page of tables and figures that explain themselves.",
    "costs": "Price what results count: what policies cost, who bears it, where that turns.",
    "serve": "Watch, question and steer a market in the browser.",
    "scenarios": "List, show, copy and check scenarios and experiments.",
    "init": "Write a commented scenario of one's own to begin with.",
    "prices": "Fetch prices, or fit a price model to them.",
    "verify": "Compare a scenario on smart contracts with the simulator, day by day.",
    "gas": "Measure what the smart contracts cost to operate.",
    "optimise": "Find the cheapest collateral to deliver on many calls together.",
    "book": "Draw a loan book from its targets, and tell what came out.",
    "picture": "Draw the lending network of a scenario on one day.",
    "bench": "Measure how fast this machine simulates.",
    "completion": "Have a shell complete commands, options and names.",
}
"""Command and one-line help; the command itself is `command` in `abm/commands/<name>.py`."""


class _LazyGroup(click.Group):
    """Lists commands without importing them: `--help` must answer at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"abm.commands.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            from scenarios.errors import nearest

            ctx.fail(f"no command {args[0]}{nearest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, args: Sequence[str] | None = None, *more: Any, **extra: Any) -> Any:
        """Run the command line; of a process of its own (no `args`), end that when interrupted.

        At once, without what libraries do at the end of Python: threads that they had begun when
        the signal came can bring it down there (seen: SIGABRT instead of the exit code).
        """
        from abm.commands.interrupts import CODE

        try:
            return super().main(args, *more, **extra)
        except SystemExit as end:
            if args is None and end.code == CODE:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(CODE)
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what the user's input causes becomes one line and exit code 2."""
        from abm.commands.interrupts import CODE, raised_once
        from scenarios.errors import InputError

        try:
            with raised_once(signal.SIGINT):
                return super().invoke(ctx)
        except InputError as error:
            click.echo(f"collateral: {error}", err=True)
            ctx.exit(2)
        except KeyboardInterrupt as stopped:
            click.echo(": ".join(["collateral: interrupted", *map(str, stopped.args)]), err=True)
            ctx.exit(CODE)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            from scenarios.faults import place_in_behaviour, told

            if place_in_behaviour(error) is None:
                raise
            click.echo(f"collateral: {told(error)}", err=True)
            ctx.exit(1)


@click.command(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="collateral-abm")
def main() -> None:
    """Simulate collateral management in securities lending with tokens.

    `collateral scenarios` lists what there is to run. To begin with:

    \b
        collateral run crash --out results/crash
        collateral serve crash

    `collateral COMMAND --help` tells more.
    """
