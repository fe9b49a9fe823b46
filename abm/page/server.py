"""The web server behind `collateral serve`: Solara's, kept at home."""

from __future__ import annotations

import os
import warnings
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Asgi = Callable[[Scope, Any, Any], Awaitable[None]]

LOCAL = ("localhost", "127.0.0.1", "::1")

ENVIRONMENT = {
    "SOLARA_APP": "abm.page.app",
    "SOLARA_MODE": "production",
    "SOLARA_TELEMETRY_MIXPANEL_ENABLE": "False",
    # The browser asks this server for assets, which has them from the package solara-assets. What
    # is not there Solara would fetch from a CDN: it is given an address where nobody answers.
    "SOLARA_ASSETS_PROXY": "True",
    "SOLARA_ASSETS_CDN": "http://127.0.0.1:9/",
    "SOLARA_THEME_LOADER": "plain",
    "SOLARA_THEME_TITLE": "Collateral market",
    "SOLARA_THEME_SHOW_BANNER": "False",
    # A session whose browser is gone keeps its markets for so long.
    "SOLARA_KERNEL_CULL_TIMEOUT": "10m",
    # Of websockets, and only against floods: visitors are counted by `session.MOST_SESSIONS`, which
    # can tell the one for whom there is no room.
    "SOLARA_KERNEL_MAX_COUNT": "100",
    "SOLARA_STORAGE_MUTATION_DETECTION": "False",
}
"""How Solara is set up."""

HEADERS = (
    # Vue compiles its templates in the browser, which takes `unsafe-eval`; Solara's page has inline
    # scripts and styles. Nothing may come from, or go to, another host.
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:;"
        b" style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:;"
        b" connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self';"
        b" form-action 'self'; frame-ancestors 'none'",
    ),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
"""What every answer says about itself."""

CLOSED = ("/resourcez", "/readyz", "/_solara/api/evict", "/_solara/auth")
"""What Solara would tell to anybody, and nobody here needs."""


class SameOrigin:
    """Refuses requests that another web site makes a visitor's browser send.

    Without it any page open in the same browser could connect to the server on localhost, also by a
    name of its own that points there (DNS rebinding).
    """

    def __init__(self, app: Asgi, hosts: tuple[str, ...]):
        """Guard an application; `hosts` are the names it may be called by."""
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        if not self.allows(dict(scope["headers"])):
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008})
                return
            await _refuse(
                send, 403, b"refused: another origin, or a name that is not this server's\n"
            )
            return
        if scope.get("path", "").startswith(CLOSED):
            await _refuse(send, 404, b"not found\n")
            return

        async def guarded(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        await self.app(scope, receive, guarded)

    def allows(self, headers: dict[bytes, bytes]) -> bool:
        """Whether the request comes from this site itself."""
        host = headers.get(b"host", b"").decode("latin-1")
        origin = headers.get(b"origin")
        try:
            if urlsplit(f"//{host}").hostname not in self.hosts:
                return False
            return origin is None or urlsplit(origin.decode("latin-1")).netloc == host
        except ValueError:
            return False


async def _refuse(send: Any, status: int, text: bytes) -> None:
    headers = [(b"content-type", b"text/plain"), *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})


def application(hosts: tuple[str, ...]) -> Asgi:
    """The page as an ASGI application that answers to these names."""
    os.environ.update(ENVIRONMENT)
    _apply()
    # Solara recommends https for use within other sites' frames, which is not wanted here.
    warnings.filterwarnings("ignore", "Cookies with samesite=none require https")
    from solara.server.starlette import app

    return SameOrigin(app, hosts)


def _apply() -> None:
    """Set Solara up also if it was imported, and has read its environment, before."""
    import solara.settings
    from solara.server import settings

    known = {
        "THEME": settings.theme,
        "TELEMETRY": settings.telemetry,
        "KERNEL": settings.kernel,
        "ASSETS": solara.settings.assets,
        "STORAGE": solara.settings.storage,
    }
    for variable, text in ENVIRONMENT.items():
        section, _, field = variable.removeprefix("SOLARA_").partition("_")
        if section in known:
            value = {"True": True, "False": False}.get(text, int(text) if text.isdigit() else text)
            setattr(known[section], field.lower(), value)
