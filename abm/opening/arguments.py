"""Refuses what Python can hand to a market and a file cannot: objects of another kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scenarios.errors import InputError
from scenarios.prices import PricePanel
from scenarios.scenario import Scenario


def check_arguments(
    scenario: object, prices: object, events: object = False, measures: object = ()
) -> None:
    """See that the arguments of a market are of the kinds that it takes.

    Args:
        scenario: a `Scenario`, the path of a file, or the name of a bundled one.
        prices: a `PricePanel` or None.
        events: true or false.
        measures: a list of measures.

    Raises:
        InputError: naming the first that is not.
    """
    if not isinstance(scenario, Scenario | str | Path):
        raise _refusal(
            "scenario",
            scenario,
            "a Scenario, a file or the name of a bundled one;"
            " Scenario.parse(table, origin) makes one of a table",
        )
    if not (prices is None or isinstance(prices, PricePanel)):
        raise _refusal(
            "prices",
            prices,
            "a PricePanel; PricePanel.from_frame(frame, origin) makes one of a DataFrame",
        )

    if not isinstance(events, bool):
        raise _refusal("events", events, "True or False")
    if isinstance(measures, str) or not isinstance(measures, Sequence):
        raise _refusal("measures", measures, 'a list, as ["my_module:my_measure"]')


def _refusal(argument: str, given: object, expected: str) -> InputError:
    shown = repr(given) if isinstance(given, int | float | str) else f"a {type(given).__name__}"
    return InputError(f"{argument}: expected {expected} (it is {shown})")
