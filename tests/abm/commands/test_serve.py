"""`collateral serve` refuses what it cannot show, and warns before it lets others in."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from abm.commands.cli import main


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would have been served, and where."""
    calls: list[Any] = []

    class Server:
        def run(self, sockets: list[Any]) -> None:
            calls.append(sockets[0].getsockname())
            sockets[0].close()

    def server(host: str, port: int, scenario: str | None) -> tuple[Server, Any]:
        import socket

        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        calls.append((host, scenario))
        return Server(), listening

    monkeypatch.setattr("abm.page.launch._server", server)
    monkeypatch.setattr("abm.page.launch.require_app", lambda: None)
    return calls


def test_it_listens_on_this_machine_only(served: list[Any]) -> None:
    result = CliRunner().invoke(main, ["serve", "--no-open"])
    assert result.exit_code == 0, result.output
    assert served[0] == ("127.0.0.1", None)
    assert "Warning" not in result.output


def test_exposing_it_warns(served: list[Any]) -> None:
    result = CliRunner().invoke(main, ["serve", "prices-file", "--no-open", "--host", "0.0.0.0"])
    assert result.exit_code == 0, result.output
    assert served[0] == ("0.0.0.0", "prices-file")
    assert "Warning: 0.0.0.0 can be reached by others" in result.output


@pytest.mark.parametrize("scenario", ["nowhere", "/etc/passwd", "pyproject.toml"])
def test_only_bundled_scenarios_are_shown(served: list[Any], scenario: str) -> None:
    result = CliRunner().invoke(main, ["serve", scenario])
    assert result.exit_code == 2
    assert "bundled scenarios only" in result.output
    assert not served
