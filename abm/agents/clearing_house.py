"""The clearing house: settles, values, calls, and closes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mesa
import numpy as np
import numpy.typing as npt

from abm.agents.borrower import Borrower
from abm.agents.calls import DeliveryCall, ReturnCall
from abm.agents.lender import Lender
from abm.books import tally
from abm.books.events import CHUNK
from abm.books.loan_book import OPEN_LOAN
from abm.day.call_and_return import run_returns
from abm.day.deliver import note_unmet, run_deliveries
from abm.day.instructions import settle_deliveries, settle_returns
from abm.day.movements import execute_delivery, execute_return
from abm.day.open import open_at_start, open_replacements
from abm.day.reuse import find_reusable
from abm.day.settle import recall_loans, retry_releases, settle_loans
from abm.rules.requirement import mark_exposures
from abm.rules.trigger import DELIVERY_CALL, RETURN_CALL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from abm.model import CollateralMarket


class ClearingHouse(mesa.Agent):
    """Runs the margin process of all loans (paper, section 2.1.2).

    Participants of the standard classes are handled all at once by the compiled passes. Those whose
    class decides for itself are asked one by one.
    """

    model: CollateralMarket

    def __init__(self, model: CollateralMarket):
        """Serve a market."""
        super().__init__(model)
        accounts = model.books.accounts
        self.calls = np.zeros(len(accounts.lender), np.int8)
        self.next_loan = int(model.books.loans.loan_id.max()) + 1
        self.asked_for_returns, self.asked_for_deliveries = self._asked()

    def _asked(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Participants that choose returns and deliveries themselves; empty where nobody does."""
        returns, deliveries = np.zeros((2, len(self.model.population.names)), np.bool_)
        for agent in self.model.participants.values():
            kind = type(agent)
            if isinstance(agent, Lender):
                returns[agent.row] = kind.choose_return is not Lender.choose_return
            if isinstance(agent, Borrower):
                deliveries[agent.row] = (
                    kind.choose_delivery is not Borrower.choose_delivery
                    or kind.meet_call is not Borrower.meet_call
                )
        nobody = returns[:0]
        return (
            returns if returns.any() else nobody,
            deliveries if deliveries.any() else nobody,
        )

    def open_loans(self, posted: npt.NDArray[np.int64]) -> None:
        """Open all loans on day 0 against what is `posted`, shape (loans, tokens)."""
        books, prices = self.model.books, self.model.prices
        for start, stop in self._chunks(len(posted)):
            open_at_start(books, prices, posted, start, stop)
        mark_exposures(books, prices)

    def value_loans(self) -> None:
        """Mark what is lent to the published prices."""
        if self.model.lent_moves:
            mark_exposures(self.model.books, self.model.prices)

    def settle(self) -> None:
        """Settle all that is due today: instructions first, then loans."""
        market, day = self.model, self.model.day
        books, prices = market.books, market.prices
        if len(books.returning):
            for start, stop in self._chunks(len(self.calls)):
                settle_returns(books, prices, day, start, stop)
            for start, stop in self._chunks(len(self.calls)):
                settle_deliveries(books, prices, day, start, stop)
        if day >= market.next_maturity:
            for start, stop in self._chunks(len(books.loans.loan_id)):
                self.next_loan = settle_loans(
                    books, prices, day, market.at_maturity, self.next_loan, start, stop
                )
        self.retry_releases()
        if day >= market.next_maturity:
            if len(books.reused):
                find_reusable(books)
            for start, stop in self._chunks(len(books.loans.loan_id)):
                open_replacements(books, prices, day, start, stop)
            market.update_next_maturity()

    def retry_releases(self) -> None:
        """Give back collateral of settled loans that had been posted further and is there again."""
        market, books = self.model, self.model.books
        if len(books.reused):
            for start, stop in self._chunks(len(self.calls)):
                retry_releases(books, market.prices, market.day, start, stop)

    def recall(self, chosen: npt.NDArray[np.bool_]) -> None:
        """Recall open-ended loans, with the scenario's notice."""
        books = self.model.books
        if chosen.any():
            for start, stop in self._chunks(len(chosen)):
                part = np.zeros_like(chosen)
                part[start:stop] = chosen[start:stop]
                recall_loans(books, self.model.day, self.model.scenario.recalls.notice, part)
            self.model.update_next_maturity()

    def call_and_return(self) -> None:
        """Value the collateral, trigger calls, and have lenders return what is in excess."""
        market, asked = self.model, self.asked_for_returns
        books, prices, day = market.books, market.prices, market.day
        for begin, end, ours in self._stretches(asked, "lender"):
            for start, stop in self._chunks(end, begin):
                run_returns(books, prices, day, asked, self.calls, start, stop)
            for a in ours:
                if self.calls[a] == RETURN_CALL:
                    self._ask_for_return(a)

    def collect_deliveries(self) -> None:
        """Have borrowers deliver what they are called for."""
        market, asked = self.model, self.asked_for_deliveries
        books, prices, day = market.books, market.prices, market.day
        if len(books.reused):
            find_reusable(books)
        for begin, end, ours in self._stretches(asked, "borrower"):
            for start, stop in self._chunks(end, begin):
                run_deliveries(books, prices, day, asked, self.calls, start, stop)
            for a in ours:
                if self.calls[a] == DELIVERY_CALL:
                    self._ask_for_delivery(a)

    def _ask_for_return(self, a: int) -> None:
        market = self.model
        lender = market.participant_at(int(market.books.accounts.lender[a]))
        assert isinstance(lender, Lender)
        call = ReturnCall(market, a)
        quantities, left_over = call.quantities(lender.choose_return(call), lender)
        market.books.totals[tally.BLOCKED_RETURNS] += call.blocked and not quantities.any()
        execute_return(market.books, market.prices, market.day, a, quantities, left_over)
        market.events.drain(market.day)

    def _ask_for_delivery(self, a: int) -> None:
        market = self.model
        accounts = market.books.accounts
        borrower = market.participant_at(int(accounts.borrower[a]))
        assert isinstance(borrower, Borrower)
        call = DeliveryCall(market, a)
        missing = call.missing_units
        if borrower.meet_call(call):
            quantities = call.quantities(borrower.choose_delivery(call), borrower)
            term = market.books.terms[accounts[a].agreement]
            missing -= execute_delivery(
                market.books, market.prices, market.day, a, quantities, term.eligible, term.lag
            )
        note_unmet(market.books, market.prices, a, missing)
        market.events.drain(market.day)

    def close_out(self, exogenous: npt.NDArray[np.int64]) -> None:
        """Declare defaults and go on with the liquidations."""
        market = self.model
        market.closed_out = market.desk.run(market.day, exogenous, market.path[market.path_day])
        market.events.drain(market.day)

    def chosen_for_recall(self) -> npt.NDArray[np.bool_]:
        """Loans that their lenders recall today, on schedule or at the daily rate."""
        market = self.model
        recalls, loans = market.scenario.recalls, market.books.loans
        chosen = np.zeros(len(loans) if recalls.daily_rate or recalls.scheduled else 0, np.bool_)
        if not len(chosen):
            return chosen
        if recalls.daily_rate:
            # One draw a loan and day, open or not, so that policies see the same recalls.
            chosen = market.streams.recalls.random(len(chosen)) < recalls.daily_rate
        today = [loan_id for day, loan_id in recalls.scheduled if day == market.day]
        chosen |= np.isin(loans.loan_id, today)
        return chosen & (loans.state == OPEN_LOAN)

    def _stretches(
        self, asked: npt.NDArray[np.bool_], party: str
    ) -> Iterator[tuple[int, int, list[int]]]:
        """Ranges of accounts, each with those whose party is asked once the range is through.

        With re-use tokens pass from account to account, and everybody has to act in their order:
        every account that is asked ends a range. Otherwise one range does.
        """
        ours, begin = [], 0
        if len(asked):
            ours = np.flatnonzero(asked[getattr(self.model.books.accounts, party)]).tolist()
        if len(self.model.books.reused):
            for a in ours:
                yield begin, a + 1, [a]
                begin = a + 1
            ours = []
        yield begin, len(self.calls), ours

    def _chunks(self, stop: int, start: int = 0) -> Iterator[tuple[int, int]]:
        """Ranges to run a pass over: all at once, or in parts that the event log can hold."""
        if not self.model.events.enabled:
            yield start, stop
            return
        for begin in range(start, stop, CHUNK):
            yield begin, min(begin + CHUNK, stop)
            self.model.events.drain(self.model.day)
