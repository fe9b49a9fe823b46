"""Starting the server, in this thread or beside it."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from abm.page.server import LOCAL, application
from scenarios.errors import InputError

if TYPE_CHECKING:
    import uvicorn

NEEDED = ("solara", "ipyvuetify", "solara_assets", "uvicorn")


def require_app() -> None:
    """Check that the extra is installed.

    Raises:
        InputError: it is not, and how to install it.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(f"the page needs {', '.join(missing)}: pip install 'collateral-abm[app]'")


def _server(host: str, port: int, scenario: str | None) -> tuple[uvicorn.Server, socket.socket]:
    """A server, and the socket it listens on."""
    import uvicorn

    from abm.page.page_names import SCENARIO_VARIABLE

    if scenario is not None:
        os.environ[SCENARIO_VARIABLE] = scenario
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(address[0], socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address[4])
    except OSError as error:
        raise InputError(f"--host {host} --port {port}: cannot listen there ({error})") from None
    config = uvicorn.Config(
        application(is_local(host)), log_level="warning", server_header=False, access_log=False
    )
    return uvicorn.Server(config), listening


def is_local(host: str) -> bool:
    """Whether only this machine can reach the address."""
    return host in LOCAL


def url_of(host: str, listening: socket.socket) -> str:
    """Address of the page."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listening.getsockname()[1]}"


def serve(host: str, port: int, scenario: str | None, show: bool) -> None:
    """Serve the page until interrupted.

    Raises:
        InputError: nothing can listen on that address.
    """
    if not is_local(host):
        click.secho(
            f"Warning: {host} can be reached by others. Whoever reaches it can use the page and the"
            " processor; there is no log-in and no encryption.",
            fg="yellow",
            err=True,
        )
    server, listening = _server(host, port, scenario)
    url = url_of(host, listening)
    click.echo(f"{url} (stop with Ctrl+C)")
    if show:
        import webbrowser

        threading.Timer(1.0, webbrowser.open, [url]).start()
    server.run(sockets=[listening])


@contextmanager
def running_page(scenario: str | None = None) -> Iterator[str]:
    """Serve the page on a free port of this machine while the block runs; gives its address."""
    server, listening = _server("127.0.0.1", 0, scenario)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 60
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("the page did not start")
            time.sleep(0.05)
        yield url_of("127.0.0.1", listening)
    finally:
        server.should_exit = True
        thread.join(10)
