"""Which kind of day a market has."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from abm.day.day import Day, Setting
from scenarios.scenario import Scenario

DAYS = {
    "columns": "abm.day.columns:ColumnsDay",
    "balance": "abm.day.balance_day:BalanceDay",
    "evm": "abm.chain.day:ChainDay",
}
"""What keeps the ledger of a scenario, by its field `ledger`, or its balance sheets, too; imported
when it is used."""


def day_of(scenario: Scenario) -> Callable[[Setting], Day]:
    """What makes the day of a market of such a scenario."""
    sheets = scenario.balance and scenario.ledger == "columns"
    module, _, name = DAYS["balance" if sheets else scenario.ledger].partition(":")
    kind: Callable[[Setting], Day] = getattr(import_module(module), name)
    return kind
