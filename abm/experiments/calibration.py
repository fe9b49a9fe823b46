"""A market as a function of parameters, for libraries that calibrate agent-based models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from abm.model import CollateralMarket
from scenarios.errors import InputError
from scenarios.fields import SHORT, is_whole
from scenarios.scenario import Scenario

Floats = npt.NDArray[np.float64]


def run_function(
    scenario: Scenario | str | Path,
    parameters: Sequence[str],
    measures: Sequence[str],
    decimals: int = 4,
) -> Callable[[Floats, int, int], Floats]:
    """A market as `run(theta, days, seed)`, which gives its daily measures.

    This is the form of a model in black-it (Benedetti et al. 2022) and what other libraries want
    with little around it.

    Args:
        scenario: what is simulated.
        parameters: dotted names of the fields that `theta` gives, in its order. Whole-number
            fields take the nearest.
        measures: columns of `CollateralMarket.days_frame()`.
        decimals: places that values are rounded to: ratios of an agreement are exact fractions.

    Returns:
        a function of `theta`, shape (parameters,), the number of days to give, from day 0 on, and a
        seed; it returns an array of shape (days, measures).

    Raises:
        InputError: no such field or measure; and, from the function, values that cannot be
            simulated or more days than the window has.
    """
    world = scenario if isinstance(scenario, Scenario) else Scenario.load(scenario)
    whole = [is_whole(SHORT.get(name, name)) for name in parameters]

    def run(theta: Floats, days: int, seed: int) -> Floats:
        if len(theta) != len(parameters):
            raise InputError(f"theta: expected {len(parameters)} values, got {len(theta)}")
        values = zip(parameters, theta, whole, strict=True)
        changes: dict[str, Any] = {
            name: round(float(value), None if n else decimals) for name, value, n in values
        }
        return _series(CollateralMarket(world, rng=seed, **changes), days, measures)

    return run


def _series(market: CollateralMarket, days: int, measures: Sequence[str]) -> Floats:
    """The first days of a market, shape (days, measures)."""
    if not 0 < days <= len(market.days):
        raise InputError(f"days: expected 1 to {len(market.days)}, got {days}")
    while market.day < days - 1:
        market.step()
    frame = market.days_frame()
    market.release()
    for name in measures:
        if name not in frame:
            raise InputError(f"measures: no measure {name}")
    return frame[list(measures)].to_numpy(np.float64)[:days]
