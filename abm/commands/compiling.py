"""Says that something is compiled while it happens: the first run on a machine waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from numba.core.event import TimingListener, install_listener


@contextmanager
def told_when_compiling(*, quiet: bool = False, verbose: bool = False) -> Iterator[None]:
    """Tell on standard error of what is compiled in the block: nothing, once the cache has it all.

    Args:
        quiet: say nothing.
        verbose: name each function, too.
    """
    if quiet:
        yield
        return
    listener = _Teller(verbose)
    with install_listener("numba:compile", listener):
        yield
    if listener.functions:
        click.echo(f"compiled {listener.functions} of them in {listener.duration:.0f} s", err=True)


class _Teller(TimingListener):
    """Says so when the first pass is compiled; counts them, and the time they take.

    Small functions that are inlined into passes, and kept in no cache, do not count.
    """

    def __init__(self, verbose: bool):
        super().__init__()  # type: ignore[no-untyped-call]
        self.verbose, self.functions = verbose, 0

    def on_start(self, event: Any) -> None:
        """A function begins, maybe inside another one."""
        if event.data["dispatcher"].stats.cache_path is None:
            return
        if not self.functions:
            click.echo("compiling for this machine, once; it can take two minutes", err=True)
        super().on_start(event)  # type: ignore[no-untyped-call]
        self.functions += 1
        if self.verbose:
            function = event.data["dispatcher"].py_func
            click.echo(f"  {function.__module__}.{function.__name__}", err=True)

    def on_end(self, event: Any) -> None:
        """It is done."""
        if event.data["dispatcher"].stats.cache_path is not None:
            super().on_end(event)  # type: ignore[no-untyped-call]
