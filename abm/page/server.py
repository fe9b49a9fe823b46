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
    "SOLARA_APP": "abm.page.page",
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
    "SOLARA_KERNEL_MAX_COUNT": "20",
    "SOLARA_STORAGE_MUTATION_DETECTION": "False",
}
"""How Solara is set up."""


class SameOrigin:
    """Refuses requests that another web site makes a visitor's browser send.

    Without it any page open in the same browser could connect to the server on localhost, also by a
    name of its own that points there (DNS rebinding).
    """

    def __init__(self, app: Asgi, hosts: tuple[str, ...] | None):
        """Guard an application; `hosts` are the names it may be called by, any if not given."""
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] in ("http", "websocket") and not self.allows(dict(scope["headers"])):
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008})
                return
            headers = [(b"content-type", b"text/plain")]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": b"refused: another origin\n"})
            return
        await self.app(scope, receive, send)

    def allows(self, headers: dict[bytes, bytes]) -> bool:
        """Whether the request comes from this site itself."""
        host = headers.get(b"host", b"").decode("latin-1")
        if self.hosts is not None and urlsplit(f"//{host}").hostname not in self.hosts:
            return False
        origin = headers.get(b"origin")
        return origin is None or urlsplit(origin.decode("latin-1")).netloc == host


def application(local: bool) -> Asgi:
    """The page as an ASGI application; `local` if it is for this machine only."""
    os.environ.update(ENVIRONMENT)
    _apply()
    # Solara recommends https for use within other sites' frames, which is not wanted here.
    warnings.filterwarnings("ignore", "Cookies with samesite=none require https")
    from solara.server.starlette import app

    return SameOrigin(app, LOCAL if local else None)


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
