"""A price source and a topology of a user's own: what they give is checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from abm.model import CollateralMarket
from scenarios.errors import InputError
from scenarios.scenario import Scenario

MODULE = """
import numpy as np
import pandas as pd

def flat(days, tokens, rng, level=100.0):
    return np.full((len(days), len(tokens)), level)

def table(days, tokens, rng, index="days", columns=("B", "A")):
    dates = days if index == "days" else days[::-1]
    steps = np.arange(1, len(days) + 1)
    return pd.DataFrame({name: steps * (2 if name == "B" else 1) for name in columns}, dates)

def answers(days, tokens, rng):
    return ANSWER

def fails(days, tokens, rng):
    return 1 / 0

def pairs(lenders, borrowers, dealers, rng, give="all"):
    if give == "all":
        return np.repeat(lenders, len(borrowers)), np.tile(borrowers, len(lenders))
    if give == "drawn":
        return rng.choice(lenders, len(borrowers)), borrowers
    if give == "none":
        return [], []
    if give == "self":
        return dealers, dealers
    if give == "ragged":
        return lenders, borrowers[:1]
    if give == "swapped":
        return borrowers, np.resize(lenders, len(borrowers))
    return 7
"""


@pytest.fixture(autouse=True)
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    import sys

    (tmp_path / "mine_for_tests.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mine_for_tests", raising=False)
    import mine_for_tests

    return mine_for_tests


def market(rng: int = 1, **changes: Any) -> CollateralMarket:
    changes = {"participants.lenders": 2, "participants.borrowers": 3, **changes}
    return CollateralMarket("network-core-periphery", rng=rng, **changes)


def prices(name: str, **parameters: Any) -> CollateralMarket:
    source = {"source": "own", "use": f"mine_for_tests:{name}", "tokens": ["A", "B"]}
    scenario = Scenario.load("network-core-periphery")
    changed = scenario.with_changes({"prices": {**source, "parameters": parameters}})
    return CollateralMarket(changed, rng=1)


def network(**parameters: Any) -> dict[str, Any]:
    return {"topology": "own", "use": "mine_for_tests:pairs", "parameters": parameters}


def test_an_array_is_the_prices() -> None:
    assert (prices("flat", level=7.25).path[:, :2] == 725).all()


def test_a_table_is_read_by_its_columns() -> None:
    path = prices("table").path
    assert path[0].tolist() == [100, 200, 1]
    assert (path[:, 1] == 2 * path[:, 0]).all()


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("flat", {"level": 0.0}, "gave a price that is not above zero"),
        ("flat", {"level": float("nan")}, "gave a price that is not above zero"),
        ("flat", {"height": 1.0}, "TypeError: .*height"),
        ("table", {"columns": ["A"]}, "gave no column B$"),
        ("table", {"index": "reversed"}, "gave prices of other days than those asked for"),
        ("fails", {}, r"ZeroDivisionError: division by zero \(mine_for_tests.py, line"),
        ("nothing", {}, "cannot be loaded"),
    ],
)
def test_what_is_no_price_is_refused(name: str, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"mine_for_tests:{name}.* ?{message}"):
        prices(name, **parameters)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, r"gave an array of shape \(\); expected"),
        ([["a"]], "gave no array of prices"),
        ([[1, 2], [3]], "gave no array of prices"),
        (np.ones((3, 2)), r"gave an array of shape \(3, 2\); expected"),
    ],
)
def test_what_is_no_array_of_prices_is_refused(mine: Any, answer: Any, message: str) -> None:
    mine.ANSWER = answer
    with pytest.raises(InputError, match=message):
        prices("answers")


def test_the_edges_are_those_drawn() -> None:
    edges = market(network=network()).network.edges
    assert sorted(edge[:2] for edge in edges) == [
        (f"L{lender}", f"B{borrower}") for lender in (1, 2) for borrower in (1, 2, 3)
    ]


def test_draws_are_of_the_run() -> None:
    def drawn(rng: int) -> list[Any]:
        built = market(rng, network=network(give="drawn"), **{"participants.borrowers": 30})
        return sorted(edge[:2] for edge in built.network.edges)

    assert drawn(1) == drawn(1) != drawn(2)


@pytest.mark.parametrize(
    ("give", "message"),
    [
        ("none", "own has no edge with these numbers of participants"),
        ("self", "gave an edge from a participant to itself"),
        ("ragged", r"gave arrays of shapes \(2,\) and \(1,\)"),
        ("swapped", "gave rows that are not of lenders and borrowers"),
        ("number", "gave no pair of arrays, lender and borrower"),
    ],
)
def test_what_is_no_network_is_refused(give: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        market(network=network(give=give))
