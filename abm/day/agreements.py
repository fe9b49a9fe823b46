"""The agreements of a market as they stand today, rewritten by rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from abm.agents.calls import DecisionError
from abm.agents.market import Market
from abm.books.ledger import LARGEST_VALUE
from abm.books.terms import Terms
from abm.rules.requirement import mark_exposures
from abm.rules.rule import REWRITABLE, Rule, Seen
from scenarios.agreement import CollateralAgreement
from scenarios.checking import checked

DECIMALS = 4
"""Of rewritten terms: their fractions must stay short (`abm.opening.terms`)."""


class Agreements:
    """Asks the rules of a scenario every day, and writes what they change into the books."""

    def __init__(
        self,
        market: Market,
        rules: Sequence[Rule],
        agreements: Sequence[CollateralAgreement],
        columns: Callable[[CollateralAgreement], Terms],
    ):
        """Watch over the agreements of a market.

        Args:
            market: whose books they are in.
            rules: in the order in which they are asked; the last one that rewrites a term decides.
            agreements: as the scenario has them, in the order of the books.
            columns: makes a row of the books of one.
        """
        self._market, self._rules, self._columns = market, rules, columns
        self._agreements = agreements
        self._today = list(agreements)
        self._seen: list[npt.NDArray[np.floating]] = []

    def revise(self) -> None:
        """Ask the rules, once the day's prices are published.

        Raises:
            DecisionError: a rule changes what it may not, or to what is impossible.
        """
        if not self._rules:
            return
        market = self._market
        self._seen.append(market.prices[:-1] * market.unit)
        seen = Seen(market.day, market.tokens[:-1], np.array(self._seen))
        changed = False
        for t, agreement in enumerate(self._agreements):
            today = self._rewritten(agreement, seen)
            if today != self._today[t]:
                self._today[t] = today
                market.books.terms[t] = self._columns(today)[0]
                changed = True
        self._refuse_overflow()
        if changed:
            mark_exposures(market.books, market.prices)

    def _rewritten(self, agreement: CollateralAgreement, seen: Seen) -> CollateralAgreement:
        changes: dict[str, float] = {}
        for rule in self._rules:
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

    def _refuse_overflow(self) -> None:
        books = self._market.books
        ratio = books.terms.upper_numerator / books.terms.upper_denominator
        # Of what is lent, as exposures are marked only later in the day.
        value = books.lent.astype(np.float64) @ self._market.prices
        exposure = np.bincount(books.loans.account, value, len(books.accounts))
        most = (exposure * ratio[books.accounts.agreement]).max()
        if most >= LARGEST_VALUE:
            raise DecisionError(
                f"rules: a loan would need collateral worth {most:.3g} money units, above the limit"
                f" of {LARGEST_VALUE:.3g}"
            )
