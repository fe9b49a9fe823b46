"""Refuses what Python can hand to a market and a file cannot: objects of another kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from scenarios.errors import InputError
from scenarios.prices import PricePanel
from scenarios.scenario import Scenario


def check_arguments(scenario: object, rng: object, prices: object) -> None:
    """See that the arguments of a market are of the kinds that it takes.

    Args:
        scenario: a `Scenario`, the path of a file, or the name of a bundled one.
        rng: a whole number from 0, a numpy `SeedSequence`, or None.
        prices: a `PricePanel` or None.

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
    whole = isinstance(rng, int | np.integer) and not isinstance(rng, bool) and rng >= 0
    if not (rng is None or whole or isinstance(rng, np.random.SeedSequence)):
        raise _refusal(
            "rng", rng, "a whole number from 0 or a numpy SeedSequence, from which a run can repeat"
        )
    if not (prices is None or isinstance(prices, PricePanel)):
        raise _refusal(
            "prices",
            prices,
            "a PricePanel; PricePanel.from_frame(frame, origin) makes one of a DataFrame",
        )


def _refusal(argument: str, given: object, expected: str) -> InputError:
    shown = repr(given) if isinstance(given, int | float) else f"a {type(given).__name__}"
    return InputError(f"{argument}: expected {expected} (it is {shown})")
