"""Starting the server, in this thread or beside it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from abm.page.server import LOCAL, application
from scenarios.errors import InputError
from scenarios.extras import advice

if TYPE_CHECKING:
    import uvicorn

    from abm.page.settings import Offer
    from scenarios.scenario import Scenario

NEEDED = ("solara", "ipyvuetify", "solara_assets", "uvicorn")

_offer: Offer | None = None


def offered() -> Offer:
    """What the server of this process offers."""
    from abm.page.settings import Offer

    return _offer or Offer()


def require_app() -> None:
    """Check that the extra is installed.

    Raises:
        InputError: it is not, and how to install it.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(f"the page needs {', '.join(missing)}: {advice('app')}")


def _server(
    host: str, port: int, offer: Offer, names: tuple[str, ...] = ()
) -> tuple[uvicorn.Server, socket.socket]:
    """A server, and the socket it listens on."""
    import uvicorn

    global _offer
    _offer = offer
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(address[0], socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address[4])
    except OSError as error:
        raise InputError(f"--host {host} --port {port}: cannot listen there ({error})") from None
    app = application(hosts_of(host, names))
    # Solara's pages are large for a first visit, and its compressor is for whole answers only.
    config = uvicorn.Config(app, log_level="warning", server_header=False, access_log=False)
    return uvicorn.Server(config), listening


def is_local(host: str) -> bool:
    """Whether only this machine can reach the address."""
    return host in LOCAL


def hosts_of(host: str, names: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Names by which a browser may call a server that listens on an address.

    On all addresses (`0.0.0.0`, `::`): this machine's own name and addresses, and no other, so that
    no foreign name that points here is answered.

    Args:
        host: address to listen on.
        names: further names, as of a proxy in front.
    """
    known = [*LOCAL, host.lower(), *(name.lower() for name in names)]
    if host in ("0.0.0.0", "::", ""):
        own = socket.gethostname()
        known += [own.lower(), socket.getfqdn().lower()]
        with suppress(OSError):
            known += [str(found[4][0]) for found in socket.getaddrinfo(own, None)]
        import psutil

        of_cards = psutil.net_if_addrs().values()
        families = (socket.AF_INET, socket.AF_INET6)
        known += [
            a.address.split("%")[0] for card in of_cards for a in card if a.family in families
        ]
    return tuple(dict.fromkeys(known))


def url_of(host: str, listening: socket.socket) -> str:
    """Address of the page."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listening.getsockname()[1]}"


def serve(
    scenario: Scenario | str | Path | None = None,
    *,
    components: Sequence[Any] = (),
    params: Mapping[str, Any] | None = None,
    host: str = LOCAL[1],
    port: int = 8765,
    show: bool = True,
    names: tuple[str, ...] = (),
) -> None:
    """Serve the page until interrupted.

    Args:
        scenario: a scenario, a scenario file, or the name of a bundled one, to begin with.
        components: of one's own, as Mesa's `make_plot_component` makes them.
        params: controls of one's own, by field of the scenario, as Mesa declares them.
        host: address to listen on.
        port: likewise; 0 for any free one.
        show: whether to open the page in a browser.
        names: names by which visitors call the server, beside its own.

    Raises:
        InputError: nothing can listen on that address, or there is no such scenario.
    """
    from abm.page.settings import Offer

    require_app()
    offer = Offer(scenario, components, params)
    if not is_local(host):
        click.secho(
            f"Warning: {host} can be reached by others. Whoever reaches it can use the page and the"
            " processor; there is no log-in and no encryption.",
            fg="yellow",
            err=True,
        )
    server, listening = _server(host, port, offer, names)
    url = url_of(host, listening)
    click.echo(f"{url} (stop with Ctrl+C)")
    if show:
        import webbrowser

        threading.Timer(1.0, webbrowser.open, [url]).start()
    server.run(sockets=[listening])


@contextmanager
def running_page(offer: Offer | None = None) -> Iterator[str]:
    """Serve the page on a free port of this machine while the block runs; gives its address."""
    from abm.page.settings import Offer

    server, listening = _server(LOCAL[1], 0, offer or Offer())
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 60
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("the page did not start")
            time.sleep(0.05)
        yield url_of(LOCAL[1], listening)
    finally:
        server.should_exit = True
        thread.join(10)
