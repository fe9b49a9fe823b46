"""Rules of a user's own: what an agreement asks for today, beyond what it says for good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from scenarios.agreement import CollateralAgreement


class Seen(NamedTuple):
    """What a rule may know: the prices that have been published so far, and those before."""

    day: int
    tokens: tuple[str, ...]
    prices: npt.NDArray[np.float64]
    """In money, shape (days so far, tokens); the last row is today's."""
    closes: npt.NDArray[np.float64]
    """The same of sessions only, those before the window first, as far as the source of prices
    has them; shape (sessions, tokens)."""
    dates: npt.NDArray[np.datetime64]
    """Of `closes`, shape (sessions,)."""


class Rule:
    """Rewrites terms of agreements day by day, from what has been seen.

    A subclass names what it `rewrites` and overrides `today`; a scenario names the subclass in its
    `rules`, with parameters that are handed to its constructor.
    """

    rewrites: ClassVar[tuple[str, ...]] = ()
    """Fields of `CollateralAgreement` that it may change; see `REWRITABLE`."""

    for_new_loans: bool = False
    """Whether a margin account with open loans keeps the terms with which they began."""

    def today(self, agreement: CollateralAgreement, seen: Seen) -> Mapping[str, float]:
        """Fields to change today, by name; those left out are as the scenario says.

        Args:
            agreement: as the scenario has it.
            seen: prices so far.
        """
        return {}


REWRITABLE = ("haircut", "margin_percentage", "trigger", "minimum_transfer_amount", "grace_days")
"""Terms that can change while loans are open; the others shape the books."""
