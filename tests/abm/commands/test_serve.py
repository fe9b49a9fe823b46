"""`collateral serve` refuses what it cannot show, and warns before it lets others in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from abm.commands.cli import main
from scenarios.scenario import bundled


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would have been served, and where."""
    calls: list[Any] = []

    class Server:
        def run(self, sockets: list[Any]) -> None:
            calls.append(sockets[0].getsockname())
            sockets[0].close()

    def server(host: str, port: int, offer: Any, names: tuple[str, ...]) -> tuple[Server, Any]:
        import socket

        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        calls.append((host, offer.first, names))
        return Server(), listening

    monkeypatch.setattr("abm.page.launch._server", server)
    monkeypatch.setattr("abm.page.launch.require_app", lambda: None)
    return calls


def test_it_listens_on_this_machine_only(served: list[Any]) -> None:
    result = CliRunner().invoke(main, ["serve", "--no-open"])
    assert result.exit_code == 0, result.output
    assert served[0] == ("127.0.0.1", "dealers-under-stress", ())
    assert "Warning" not in result.output


def test_exposing_it_warns(served: list[Any]) -> None:
    arguments = ["serve", "prices-file", "--no-open", "--host", "0.0.0.0", "--name", "lab.example"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert served[0] == ("0.0.0.0", "prices-file", ("lab.example",))
    assert "Warning: 0.0.0.0 can be reached by others" in result.output


def test_a_scenario_file_of_ones_own_is_served(served: list[Any], tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(Path(bundled()["crash"]).read_text("utf-8"), "utf-8")
    result = CliRunner().invoke(main, ["serve", str(file), "--no-open"])
    assert result.exit_code == 0, result.output
    assert served[0][1] == "mine"


@pytest.mark.parametrize(
    ("scenario", "told"),
    [
        ("nowhere", "nowhere: no such file, and no scenario bundled under that name"),
        ("pyproject.toml", "pyproject.toml: "),
    ],
)
def test_what_is_no_scenario_is_refused(served: list[Any], scenario: str, told: str) -> None:
    result = CliRunner().invoke(main, ["serve", scenario, "--no-open"])
    assert result.exit_code == 2
    assert told in result.output
    assert not served
