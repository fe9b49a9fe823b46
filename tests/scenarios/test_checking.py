"""What is said of a table that is wrong: the key once, and what would be right."""

from __future__ import annotations

from typing import Any

import pytest
from worlds import table_of

from scenarios.errors import InputError
from scenarios.experiment import Experiment
from scenarios.scenario import Scenario

GBM = {"source": "gbm", "tokens": ["A", "B"], "initial": 1.0, "volatility": 0.1}
TABLE = table_of(5, loan={"collateral": {"A": 10}}, prices=GBM)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"agreement": {"haircut": "x"}}, "agreement.haircut: expected a number (it is 'x')"),
        ({"agreement": {"haircut": [1]}}, "agreement.haircut: expected a number"),
        (
            {"agreement": {"aggregated": "maybe"}},
            "agreement.aggregated: expected true or false (it is 'maybe')",
        ),
        ({"agreement": {"priority": 3}}, "agreement.priority: expected a list (it is 3)"),
        ({"agreement": {"priority": ["A", 1]}}, "agreement.priority.2: expected text (it is 1)"),
        ({"agreement": 3}, "agreement: expected a table (it is 3)"),
        (
            {"window": {"start": "soon", "end": "2024-01-05"}},
            "window.start: expected a date as 2008-10-01 (it is 'soon')",
        ),
        (
            {"window": {"start": "2024-01-01 10:00", "end": "2024-01-05"}},
            "window.start: expected a date as 2008-10-01 (it is '2024-01-01 10:00')",
        ),
        (
            {"recalls": {"scheduled": [[1, 2, 3]]}},
            "recalls.scheduled.1: expected at most 2 in the list",
        ),
        # Of several kinds of value, all are named, or the one that was meant.
        (
            {"participants": {"issuance_capacity": -1}},
            "participants.issuance_capacity: expected 'unlimited' or a number greater than or equal"
            " to 0 or a table (it is -1)",
        ),
        (
            {"participants": {"issuance_capacity": {"A": "x"}}},
            "participants.issuance_capacity.A: expected a whole number (it is 'x')",
        ),
        (
            {"prices": {**GBM, "initial": [1, "x"]}},
            "prices.initial.2: expected a number (it is 'x')",
        ),
        # Keys that have the name of the table's kind are not taken for it.
        (
            {"prices": {"source": "file", "file": "x.csv", "colour": 1}},
            "unknown key prices.colour; prices has currencies, file, rates, source, tokens",
        ),
        (
            {"network": {"topology": "file", "file": "x.csv", "colour": 1}},
            "unknown key network.colour; network has file, loans_per_edge, topology",
        ),
        ({"network": {"topology": "file"}}, "network.file is missing"),
        ({"prices": {"tokens": ["A"]}}, "prices.source is missing"),
        (
            {"network": {"topology": "ring"}},
            "network.topology: 'ring' is none of 'complete', 'random-bipartite', 'core-periphery',"
            " 'scale-free', 'agent-lender', 'file', 'own'",
        ),
        (
            {"defaults": {"scheduled": [{"participant": "B", "day": 1, "cause": 2}]}},
            "unknown key defaults.scheduled.1.cause; defaults.scheduled.1 has day, participant",
        ),
    ],
)
def test_says_the_key_and_what_would_be_right(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        Scenario.parse({**TABLE, **fields}, "here.toml")
    assert str(error.value) == f"here.toml: {message}"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"agreement.haircut": 2}, "agreement.haircut: expected a number less than 1 (it is 2)"),
        (
            {"agreement": {"haircut": 2}},
            "agreement.haircut: expected a number less than 1 (it is 2)",
        ),
        ({"agreement.priority": [1]}, "agreement.priority.1: expected text (it is 1)"),
        (
            {"agreements.x.haircut": 3},
            "agreements.x.haircut: expected a number less than 1 (it is 3)",
        ),
        ({"network.topology": "file"}, "network.topology: network.file is missing"),
        # What is wrong is how values go together: the one that was changed is named.
        (
            {"window.end": "2000-01-01"},
            "window.end: end (2000-01-01) must lie after start (2024-01-01)",
        ),
        (
            {"agreement.margin_percentage": 1.02, "agreement.haircut": 0.1, "money.unit": 1},
            "agreement.margin_percentage, agreement.haircut: give haircut or margin_percentage, not"
            " both",
        ),
        (
            {"prices.correlation": 2},
            "prices.correlation: not a correlation matrix (smallest eigenvalue -1 < 0)",
        ),
        (
            {"loan": None},
            "loan: give either [loan], for every edge of the network, or [[loans]], or a [book]",
        ),
        (
            {
                "loan": None,
                "loans": [{"loan_id": 1, "lender": "L", "borrower": "B", "principal": 1}] * 2,
            },
            "loans: loan_id 1 appears twice",
        ),
    ],
)
def test_a_change_is_named_once(changes: dict[str, Any], message: str) -> None:
    scenario = Scenario.parse({**TABLE, "name": "mine"}, "here.toml")
    with pytest.raises(InputError) as error:
        scenario.with_changes(changes)
    assert str(error.value) == f"mine: {message}"


def test_a_change_is_said_to_be_the_experiments() -> None:
    table = {"experiment": {"scenario": TABLE}, "name": "sweep"}
    wrong = "agreement.haircut: expected a number less than 1 (it is 2)"
    with pytest.raises(InputError) as error:
        Experiment.parse(table, "sweep.toml").with_settings({"agreement.haircut": 2})
    assert str(error.value) == f"sweep: {wrong}"
    with pytest.raises(InputError) as error:
        Experiment.parse({**table, "changes": {"agreement": {"haircut": 2}}}, "sweep.toml")
    assert str(error.value) == f"sweep.toml: changes: {wrong}"
