"""`collateral completion`: what a shell needs to complete commands, options and names."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print what SHELL runs to complete commands, options and scenarios with the tab key.

    Put one of these lines where the shell reads it when it starts, in ~/.bashrc, ~/.zshrc or
    ~/.config/fish/config.fish:

    \b
        eval "$(collateral completion bash)"
        eval "$(collateral completion zsh)"
        collateral completion fish | source
    """
    from click.shell_completion import get_completion_class

    from abm.commands.cli import main

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(main, {}, "collateral", "_COLLATERAL_COMPLETE").source())
