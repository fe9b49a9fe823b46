"""What the rules of a scenario make of its agreements, day by day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from abm.agents.calls import DecisionError
from abm.rules.rule import REWRITABLE, Rule, Seen
from scenarios.agreement import CollateralAgreement
from scenarios.checking import checked
from scenarios.errors import InputError
from scenarios.prices.past import Past

Floats = npt.NDArray[np.floating]

DECIMALS = 4
"""Of rewritten terms: their fractions must stay short (`abm.opening.terms`)."""


class Revision:
    """Asks the rules once a day, about each agreement.

    Args:
        rules: in the order in which they are asked; the last one that rewrites a term decides.
        agreements: as the scenario has them.

    Raises:
        InputError: rules hold for new loans only, and cannot.
    """

    def __init__(self, rules: Sequence[Rule], agreements: Sequence[CollateralAgreement]):
        self.rules, self._agreements = rules, agreements
        self.today = list(agreements)
        """The agreements as they stand."""
        self._seen: list[Floats] = []
        self.for_new_loans = any(rule.for_new_loans for rule in rules)
        """Whether margin accounts with open loans keep the terms with which they began."""
        if self.for_new_loans:
            self._refuse_for_new_loans()

    def _refuse_for_new_loans(self) -> None:
        if not all(rule.for_new_loans for rule in self.rules):
            raise InputError(
                "rules: some hold for new loans only, others for all; a loan has one agreement"
            )
        if any(agreement.aggregated for agreement in self._agreements):
            raise InputError(
                "rules: for new loans only, they go with aggregated = false, as loans that are"
                " margined together have one haircut"
            )

    def begin(self, tokens: Sequence[str], past: Past, prices: Floats) -> None:
        """Ask on day 0, before loans are sized.

        Args:
            tokens: those that have a price.
            past: what is known before, and which days are sessions.
            prices: of the day, in money, shape (tokens,).

        Raises:
            DecisionError: a rule changes what it may not, or to what is impossible.
        """
        self._tokens, self._past = tuple(tokens), past
        self.ask(0, prices)

    def ask(self, day: int, prices: Floats) -> None:
        """Ask on a day, by its published prices; see `begin`."""
        self._seen.append(prices)
        if self.rules:
            seen = self._look(day)
            self.today = [self._rewritten(agreement, seen) for agreement in self._agreements]

    def _look(self, day: int) -> Seen:
        """What there is to see."""
        past, prices = self._past, np.array(self._seen, np.float64)
        sessions = past.sessions[: len(prices)]
        return Seen(
            day,
            self._tokens,
            prices,
            np.vstack([past.closes, prices[sessions]]),
            np.concatenate([past.dates, past.days[: len(prices)][sessions]]),
        )

    def _rewritten(self, agreement: CollateralAgreement, seen: Seen) -> CollateralAgreement:
        changes: dict[str, float] = {}
        for rule in self.rules:
            name = type(rule).__name__
            today: Any = rule.today(agreement, seen)
            if not isinstance(today, Mapping):
                raise DecisionError(
                    f"{name} gave {today!r} on day {seen.day}; expected terms by name, as"
                    ' {"haircut": 0.1}'
                )
            for field, given in today.items():
                if field not in rule.rewrites or field not in REWRITABLE:
                    raise DecisionError(
                        f"{name} changes {field} on day {seen.day}; it may change"
                        f" {', '.join(set(rule.rewrites) & set(REWRITABLE)) or 'nothing'}"
                    )
                if not isinstance(given, Real) or not np.isfinite(float(given)):
                    raise DecisionError(f"{name} sets {field} to {given} on day {seen.day}")
                changes[field] = round(float(given), DECIMALS)
        if not changes:
            return agreement
        table = {**agreement.model_dump(exclude_unset=True), **changes}
        return checked(CollateralAgreement, table, f"rules on day {seen.day}")
