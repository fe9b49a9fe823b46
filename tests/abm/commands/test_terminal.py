"""Tables fit the terminal, whatever its width."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from abm.chain import installed
from abm.commands.cli import main
from abm.commands.terminal import table, wrapped

HEAD = ("model", "kind", "margin calls", "exposure")
ROWS = [("1", "daily", "60", "1,000,000"), ("2", "on demand", "", "900,000")]


def test_a_table_that_fits() -> None:
    lines = table(HEAD, ROWS, left=2).splitlines()
    assert lines[0].split() == ["model", "kind", "margin", "calls", "exposure"]
    assert [line.split() for line in lines[2:]] == [" ".join(row).split() for row in ROWS]
    assert {len(line) for line in lines} == {len(lines[1])}, "numbers to the right"


def test_one_that_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys in the head of each row, numbers with their names; empty cells are left out."""
    monkeypatch.setenv("COLUMNS", "40")
    expected = "model 1, daily\n  margin calls  60\n  exposure      1,000,000\n\n"
    assert table(HEAD, ROWS, left=2) == expected + "model 2, on demand\n  exposure  900,000"


def test_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert wrapped("one two three four five", "  ") == "one two three four\n  five"


COMMANDS = {
    "scenarios": "paper-models",
    "scenarios check crash-causes": "designs",
    "book securities-lending-book --set book.loans=1000": "Sources",
    "optimise securities-financing-desk": "Index fund, MSFT",
    "prices fit bundled:us_stocks_2007_2010 --model gbm --tokens IBM,MSFT": "IBM, kurtosis",
    "gas --models 2 --tokens 1 --days 3 --rollup": "model 2, tokens 1, batch 1, daily",
    "verify prices-file --set window.end=2008-09-10": "equal",
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("width", [64, 80])
def test_no_line_is_wider(command: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if command.split()[0] in ("gas", "verify") and not installed():
        pytest.skip("needs the extra evm")
    monkeypatch.setenv("COLUMNS", str(width))
    done = CliRunner().invoke(main, command.split(), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert width > 64 or COMMANDS[command] in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= width
