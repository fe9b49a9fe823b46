"""What a user gets wrong first: one line that names the place and what would be right."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from abm.commands.cli import main

SCENARIO = """
[window]
start = 2008-09-15
end = 2008-09-30
[prices]
source = "file"
file = "bundled:us_stocks_2007_2010"
[loan]
principal = 1000
"""
ON_FILE = SCENARIO + '[network]\ntopology = "file"\nfile = "{}"\n'
ON_PRICES = SCENARIO.replace("bundled:us_stocks_2007_2010", "prices.csv")
GIVEN = SCENARIO.replace("[loan]", '[[loans]]\nloan_id = 7\nlender = "L"\nborrower = "B"')
GRAPH = (
    '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="{}">'
    '<node id="a"/><node id="b"/><edge source="a" target="b"/></graph></graphml>'
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def collateral(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def told(result: Result) -> list[str]:
    """The lines of standard error, but for those that say that something is compiled."""
    return [line for line in result.stderr.splitlines() if not line.startswith("compil")]


def refused(*arguments: str) -> str:
    """The one line with which a command is refused."""
    result = collateral(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = told(result)
    return line


SCENARIOS = {
    "syntax": (SCENARIO.replace("[loan]", "[loan"), "mine.toml: not a TOML file: Expected ']'"),
    "negative": (
        SCENARIO.replace("1000", "-5"),
        "mine.toml: loan.principal: expected a number greater than 0 (it is -5)",
    ),
    "key": (
        SCENARIO.replace("loan]", "lone]"),
        "mine.toml: unknown key lone (did you mean loan?); there are agreement, ",
    ),
    "key of another table": (
        SCENARIO + "haircut = 0.1\n",
        "mine.toml: unknown key loan.haircut (did you mean agreement.haircut?); loan has ",
    ),
    "topology": (
        SCENARIO + '[network]\ntopology = "compleet"\n',
        "mine.toml: network.topology: 'compleet' is none of",
    ),
    "choice": (
        SCENARIO + '[agreement]\nadjustment = "mutli"\n',
        "adjustment: expected 'single' or 'multi' (it is 'mutli'; did you mean multi?)",
    ),
    "token in another case": (
        SCENARIO.replace("principal = 1000", "collateral = { aapl = 5 }"),
        "loan.collateral: aapl has no price (did you mean AAPL?); priced are AAPL, ",
    ),
    "date": (
        SCENARIO.replace("2008-09-15", '"soon"'),
        "mine.toml: window.start: expected a date as 2008-10-01 (it is 'soon')",
    ),
    "window": (
        SCENARIO.replace("2008-", "2030-"),
        "no trading day from 2030-09-15 to 2030-09-29 (it has 2007-01-03 to 2010-12-31)",
    ),
    "prices": (ON_PRICES, "prices.csv: no such file"),
    "bundled prices": (
        SCENARIO.replace("us_stocks_2007_2010", "us"),
        "no bundled prices called 'us'; there is us_stocks_2007_2010",
    ),
    "token": (
        SCENARIO.replace("principal = 1000", "collateral = { XYZ = 5 }"),
        "loan.collateral: XYZ has no price; priced are AAPL, GOOG, IBM, MSFT, USD",
    ),
    "participant": (
        GIVEN + "[defaults]\nscheduled = [{ participant = 'Z', day = 1 }]\n",
        "defaults.scheduled: no participant Z; there are B, L",
    ),
    "behaviour": (
        SCENARIO + '[participants.behaviour]\nborrower = "json:Absent"\n',
        "participants.behaviour.borrower: json:Absent cannot be loaded",
    ),
    "impact": (
        SCENARIO + "[close_out]\nimpact = { depth = { XYZ = 5 } }\n",
        "close_out.impact.depth: XYZ has no price",
    ),
    "currency": (
        SCENARIO + '[money]\ncurrency = "JPY"\n',
        "us_stocks_2007_2010.csv are in USD, not in JPY; name a column of exchange rates",
    ),
    "agreement": (GIVEN + 'agreement = "x"\n', "loan 7: no agreement x (known: none)"),
    "network": (ON_FILE.format("absent.csv"), "absent.csv: no such file"),
}


@pytest.mark.parametrize("case", SCENARIOS)
def test_a_scenario_that_is_wrong(here: Path, case: str) -> None:
    text, message = SCENARIOS[case]
    (here / "mine.toml").write_text(text)
    line = refused("run", "mine.toml", "--out", "o", "--workers", "0")
    assert line.startswith(("collateral: mine: ", "collateral: mine.toml: "))
    assert message in line
    assert not (here / "o").exists()


FILES = {
    "edges.csv": {
        "lender,borower\nL,B\n": "edges.csv: no column borrower; found lender, borower",
        "": "edges.csv: no column borrower; found nothing",
        "lender,borrower,colour\nL,B,red\n": "edges.csv: row 2: unknown column colour; known: ",
        "lender,borrower,principal\nL,B\n": "edges.csv: row 2: not as many cells as the header has",
        "lender,borrower,principal\nL,B,-3\n": "edges.csv: row 2: principal: expected a number"
        " greater than 0 (it is '-3')",
        "lender,borrower\nL,\n": "edges.csv: row 2: borrower is missing",
        "lender,borrower,agreement\nL,B,x\n": "edges.csv: loan 1: no agreement x (known: none)",
        "lender,borrower\nL,L\n": "edges.csv: loan 1: L lends to itself",
    },
    "edges.graphml": {
        "<graphml>": "edges.graphml: not a readable GraphML file",
        GRAPH.format(
            "undirected"
        ): "edges.graphml: edges must be directed, from lender to borrower",
    },
}


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, cases in FILES.items() for text in cases]
)
def test_a_network_file_that_is_wrong(here: Path, name: str, text: str) -> None:
    (here / name).write_text(text)
    (here / "mine.toml").write_text(ON_FILE.format(name))
    assert FILES[name][text] in refused("run", "mine.toml", "--out", "o", "--workers", "0")


def test_a_graph_needs_no_attributes(here: Path) -> None:
    """The terms are the scenario's then, and the nodes' own names the participants'."""
    (here / "edges.graphml").write_text(GRAPH.format("directed"))
    (here / "mine.toml").write_text(ON_FILE.format("edges.graphml"))
    assert collateral("run", "mine.toml", "--out", "o", "--workers", "0").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "absent.toml", "--out", "o"), "absent.toml: no such file, and no scenario or"),
        (("run", "mine.toml", "--out", "mine.toml"), "mine.toml: a file is in the way"),
        (("run", "mine.toml", "--out", "mine.toml/o"), "mine.toml/o: a file is in the way"),
        (("run", "mine.toml", "--out", "/proc/o"), "/proc/o: cannot be written"),
        (("verify", "sweep.toml"), "sweep.toml: is an experiment; expected a scenario"),
        (
            ("verify", "mine.toml", "--set", "agreement.haircut=2"),
            "mine: agreement.haircut: expected",
        ),
        (
            ("picture", "mine.toml", "--out", "x.gif"),
            "x.gif: the file must end in .png, .svg or .pdf",
        ),
        (("picture", "mine.toml", "--out", "no/x.png"), "no/x.png: cannot be written"),
        (
            ("picture", "mine.toml", "--out", "x.png", "--day", "99"),
            "the last day of mine.toml is 14",
        ),
        (("serve", "crash", "--screenshot", "x.gif"), "x.gif: the name must end in .png"),
        (("replicate", "--prices", "absent.csv"), "absent.csv: no such file"),
        (("prices", "fit", "absent.csv", "--model", "gbm"), "absent.csv: no such file"),
    ],
)
def test_arguments_that_are_wrong(here: Path, arguments: tuple[str, ...], message: str) -> None:
    (here / "mine.toml").write_text(SCENARIO)
    (here / "sweep.toml").write_text('[experiment]\nscenario = "crash"\n')
    assert message in refused(*arguments)


@pytest.mark.parametrize(
    "given", [("--out", "x.png", "--day", "999"), ("--out", "no/x.png"), ("--out", "x.gif")]
)
def test_a_picture_that_cannot_be_is_refused_before_anything_is_simulated(
    here: Path, monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...]
) -> None:
    monkeypatch.setattr("abm.model.CollateralMarket", None)
    (here / "mine.toml").write_text(SCENARIO)
    refused("picture", "mine.toml", *given)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (
            "return 1 / 0",
            1,
            "ZeroDivisionError: division by zero (mine_own.py, line 6, in ",
        ),
        ("return None", 2, "chose None for loan "),
    ],
)
def test_a_behaviour_that_fails_is_told_with_its_place(
    here: Path, monkeypatch: pytest.MonkeyPatch, body: str, code: int, message: str
) -> None:
    monkeypatch.syspath_prepend(here)
    monkeypatch.delitem(sys.modules, "mine_own", raising=False)
    (here / "mine_own.py").write_text(
        "from abm.agents import Borrower\n\n\nclass Own(Borrower):\n"
        f"    def choose_delivery(self, call):\n        {body}\n"
    )
    behaviour = '[participants]\nbehaviour = { borrower = "mine_own:Own" }\n'
    (here / "mine.toml").write_text(SCENARIO + behaviour)
    result = collateral("picture", "mine.toml", "--out", "x.png")
    assert result.exit_code == code
    (line,) = told(result)
    assert line.startswith("collateral: ")
    assert message in line
    assert not (here / "x.png").exists()


@pytest.mark.parametrize(
    "command", ["", "run", "verify", "serve", "replicate", "picture", "prices fit"]
)
def test_help_says_what_options_take(command: str) -> None:
    """Words of this program, not of its parser."""
    text = collateral(*command.split(), "--help").stdout
    assert text.startswith("Usage: ")
    for word in (" RANGE", " TEXT", " PATH", "%Y"):
        assert word not in text
