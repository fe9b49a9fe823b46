"""The server answers this site only, and says what a browser may do with its answers."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from abm.page.browser import parse_size
from abm.page.launch import hosts_of, is_local, require_app
from abm.page.server import ENVIRONMENT, LOCAL, SameOrigin
from scenarios.errors import InputError


async def _answers(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})


def ask(
    hosts: tuple[str, ...], kind: str = "http", path: str = "/", **headers: str
) -> dict[str, Any]:
    """The first message that comes back."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, str]:
        return {"type": f"{kind}.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "path": path, "headers": encoded}
    asyncio.run(SameOrigin(_answers, hosts)(scope, receive, send))
    return sent[0]


@pytest.mark.parametrize("host", ["localhost:8765", "127.0.0.1:8765", "[::1]:8765", "localhost"])
def test_this_machine_is_answered(host: str) -> None:
    assert ask(LOCAL, host=host)["status"] == 200
    assert ask(LOCAL, "websocket", host=host, origin=f"http://{host}")["status"] == 200


@pytest.mark.parametrize("host", ["evil.example:8765", "localhost.evil.example", "", "[", "a b"])
@pytest.mark.parametrize("listening", ["127.0.0.1", "0.0.0.0", "::"])
def test_a_foreign_name_for_this_machine_is_refused(host: str, listening: str) -> None:
    assert ask(hosts_of(listening), host=host)["status"] == 403


def test_another_sites_page_cannot_connect() -> None:
    refused = ask(LOCAL, "websocket", host="localhost:8765", origin="http://evil.example")
    assert refused["type"] == "websocket.close"
    assert ask(LOCAL, host="localhost:8765", origin="https://evil.example")["status"] == 403


def test_an_exposed_server_answers_to_its_addresses_and_to_names_that_it_was_given() -> None:
    import psutil

    addresses = [a.address for card in psutil.net_if_addrs().values() for a in card]
    (address, *_) = [a for a in addresses if a.count(".") == 3 and not a.startswith("127.")] or [
        "127.0.0.1"
    ]
    assert ask(hosts_of("0.0.0.0"), host=f"{address}:8765")["status"] == 200
    named = hosts_of("0.0.0.0", ("lab.example",))
    assert ask(named, host="LAB.example:8765")["status"] == 200


def test_every_answer_forbids_other_hosts_and_frames() -> None:
    headers = dict(ask(LOCAL, host="localhost")["headers"])
    assert headers[b"a"] == b"b"
    policy = headers[b"content-security-policy"].decode()
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'self'" in policy
    assert not re.search(r"https?:|\*", policy)
    assert headers[b"x-frame-options"] == b"DENY"


@pytest.mark.parametrize("path", ["/resourcez", "/resourcez?verbose", "/readyz"])
def test_what_the_server_knows_of_itself_is_not_told(path: str) -> None:
    assert ask(LOCAL, path=path, host="localhost")["status"] == 404


def test_nothing_is_fetched_from_or_reported_to_anybody() -> None:
    assert ENVIRONMENT["SOLARA_TELEMETRY_MIXPANEL_ENABLE"] == "False"
    assert ENVIRONMENT["SOLARA_ASSETS_CDN"].startswith("http://127.0.0.1")


def test_it_is_set_up_so_also_if_solara_was_imported_before() -> None:
    solara = pytest.importorskip("solara", reason="the extra `app` is not installed")
    from solara.server import settings

    from abm.page.server import application

    solara.settings.assets.cdn = "https://cdn.example"
    settings.telemetry.mixpanel_enable = True
    application(LOCAL)
    assert solara.settings.assets.cdn == ENVIRONMENT["SOLARA_ASSETS_CDN"]
    assert solara.settings.assets.proxy is True
    assert settings.telemetry.mixpanel_enable is False
    assert settings.theme.show_banner is False


def test_only_loopback_addresses_are_local() -> None:
    assert is_local("127.0.0.1")
    assert not is_local("0.0.0.0")
    assert not is_local("192.168.0.7")


def test_a_missing_extra_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abm.page.launch.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'pip install -e "\.\[app\]"'):
        require_app()


@pytest.mark.parametrize("text", ["1400", "1400x", "axb", "100x100", "1400x90000"])
def test_a_size_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--size"):
        parse_size(text)
