"""The agreements of a market as they stand today, rewritten by rules."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import numpy as np
import numpy.typing as npt

from abm.agents.calls import DecisionError
from abm.books.ledger import LARGEST_VALUE
from abm.books.loan_book import ACTIVE
from abm.books.schedules import ScheduleBook, Schedules
from abm.books.terms import Terms
from abm.day.day import Setting
from abm.day.revision import Revision
from abm.rules.called import value_called
from abm.rules.requirement import mark_exposures
from abm.rules.schedules import value_not_counted
from scenarios.agreement import CollateralAgreement

Floats = npt.NDArray[np.float64]


class Agreements:
    """Writes into the books what rules and the dates in schedules change, day by day."""

    def __init__(
        self,
        market: Setting,
        revision: Revision,
        columns: Callable[[CollateralAgreement], Terms],
        schedules: ScheduleBook,
    ):
        """Watch over the agreements of a market.

        Args:
            market: whose books they are in, as they stand on day 0.
            revision: what asks the rules, and has on day 0.
            columns: makes a row of the books of an agreement.
            schedules: writes into the books what schedules say.
        """
        self._market, self._revision, self._columns = market, revision, columns
        self._schedules = schedules
        self._replaced = 0
        """How often rules for new loans only have replaced the agreements."""
        self._before: tuple[Terms, Schedules] | None = None
        self._haircuts: list[Floats] = [_haircuts(market.books.terms)]
        self.called_by_rules = 0.0
        """Value called from borrowers today that yesterday's terms would not have called for, in
        money units; below 0 where they would have called for more."""

    def revise(self) -> None:
        """Ask the rules and the schedules, once the prices of a day after the first are published.

        Raises:
            DecisionError: a rule changes what it may not, or to what is impossible.
        """
        market, revision = self._market, self._revision
        changes = self._schedules.next_change(market.day - 1) == market.day
        self._before, self.called_by_rules = None, 0.0
        if not (revision.rules or changes):
            return
        yesterday = revision.today
        revision.ask(market.day, market.prices[:-1] * market.unit)
        rewritten = revision.today != yesterday
        if rewritten and revision.for_new_loans:
            self._keep()
        if (rewritten and not revision.for_new_loans) or changes:
            self._before = deepcopy((market.books.terms, market.books.schedules))
        if rewritten or changes:
            for t, agreement in enumerate(revision.today):
                market.books.terms[t] = self._columns(agreement)[0]
            self._schedules.write(market.day, revision.today)
        if revision.rules:
            self._refuse_overflow()
            self._haircuts.append(_haircuts(market.books.terms))
        if rewritten or changes:
            mark_exposures(market.books, market.prices)
        self.renew()

    def renew(self) -> None:
        """Put accounts without an open loan under the agreements of today.

        They are under others where rules are for new loans only, and their last loan has ended.
        """
        if self._revision.for_new_loans:
            accounts = self._market.books.accounts
            new = (accounts.open_loans == 0) & (accounts.state == ACTIVE)
            accounts.agreement[new] %= len(self._revision.today)

    def _keep(self) -> None:
        """Leave accounts with open loans under the agreements as they were, in rows of their own.

        Their loans have never had another haircut, whatever was in these rows before.
        """
        books, number = self._market.books, len(self._revision.today)
        self._replaced += 1
        first = self._replaced * number
        for t in range(number):
            books.terms[first + t] = books.terms[t]
        self._schedules.keep(first, number)
        accounts = books.accounts
        accounts.agreement[(accounts.open_loans > 0) & (accounts.agreement < number)] += first
        kept = _haircuts(books.terms)[first : first + number]
        for day in self._haircuts:
            day[first : first + number] = kept

    def quiet_until(self) -> int:
        """The last day on which schedules are those of day 0; today, if they are others already.

        What loans that begin later post is found by those of day 0.
        """
        return max(self._schedules.next_change(0) - 1, self._market.day)

    def weigh_calls(self) -> None:
        """Find what is called today because terms have changed, just before it is called."""
        if self._before is not None:
            books, prices = self._market.books, self._market.prices
            terms, schedules = self._before
            without = value_called(books._replace(schedules=schedules), prices, terms)
            self.called_by_rules = value_called(books, prices, books.terms) - without

    @property
    def not_counted(self) -> int:
        """Market value of collateral that no schedule counts, now and in money units."""
        return value_not_counted(self._market.books, self._market.prices)

    @property
    def haircuts(self) -> Floats:
        """Haircut of each agreement on each day so far, shape (days, agreements); one day alone
        where there are no rules."""
        return np.array(self._haircuts)

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


def _haircuts(terms: Terms) -> Floats:
    """Haircuts that ask for what terms require, shape (agreements,)."""
    return 1 - terms.required_denominator / terms.required_numerator
