"""The server answers this site only."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from abm.page.launch import is_local, require_app
from abm.page.screenshot import parse_size
from abm.page.server import ENVIRONMENT, LOCAL, SameOrigin
from scenarios.errors import InputError


async def _never(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "answered"})


def ask(hosts: tuple[str, ...] | None, kind: str = "http", **headers: str) -> dict[str, Any]:
    """The first message that comes back."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, str]:
        return {"type": f"{kind}.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(SameOrigin(_never, hosts)({"type": kind, "headers": encoded}, receive, send))
    return sent[0]


@pytest.mark.parametrize("host", ["localhost:8765", "127.0.0.1:8765", "[::1]:8765", "localhost"])
def test_this_machine_is_answered(host: str) -> None:
    assert ask(LOCAL, host=host)["type"] == "answered"
    assert ask(LOCAL, "websocket", host=host, origin=f"http://{host}")["type"] == "answered"


@pytest.mark.parametrize("host", ["evil.example:8765", "localhost.evil.example", ""])
def test_a_foreign_name_for_this_machine_is_refused(host: str) -> None:
    assert ask(LOCAL, host=host)["status"] == 403


def test_another_sites_page_cannot_connect() -> None:
    refused = ask(LOCAL, "websocket", host="localhost:8765", origin="http://evil.example")
    assert refused["type"] == "websocket.close"
    assert ask(None, host="10.0.0.1:8765", origin="https://evil.example")["status"] == 403


def test_an_exposed_server_answers_to_any_name_of_its_own() -> None:
    host = "lab.example:8765"
    assert ask(None, "websocket", host=host, origin=f"http://{host}")["type"] == "answered"


def test_nothing_is_fetched_from_or_reported_to_anybody() -> None:
    assert ENVIRONMENT["SOLARA_TELEMETRY_MIXPANEL_ENABLE"] == "False"
    assert ENVIRONMENT["SOLARA_ASSETS_CDN"].startswith("http://127.0.0.1")


def test_it_is_set_up_so_also_if_solara_was_imported_before() -> None:
    solara = pytest.importorskip("solara", reason="the extra `app` is not installed")
    from solara.server import settings

    from abm.page.server import application

    solara.settings.assets.cdn = "https://cdn.example"
    settings.telemetry.mixpanel_enable = True
    application(local=True)
    assert solara.settings.assets.cdn == ENVIRONMENT["SOLARA_ASSETS_CDN"]
    assert solara.settings.assets.proxy is True
    assert settings.telemetry.mixpanel_enable is False
    assert settings.theme.show_banner is False
    assert settings.kernel.max_count == 20


def test_only_loopback_addresses_are_local() -> None:
    assert is_local("127.0.0.1")
    assert not is_local("0.0.0.0")
    assert not is_local("192.168.0.7")


def test_a_missing_extra_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abm.page.launch.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'collateral-abm\[app\]'"):
        require_app()


@pytest.mark.parametrize("text", ["1400", "1400x", "axb", "100x100", "1400x90000"])
def test_a_size_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--size"):
        parse_size(text)
