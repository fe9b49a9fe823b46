"""The day in columns: compiled passes over the books, and questions to those who decide."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from abm.agents.borrower import Borrower
from abm.agents.calls import DeliveryCall, ReturnCall
from abm.agents.lender import Lender
from abm.books import tally
from abm.books.answers import BY_DEFAULT, Answers
from abm.books.before import begin_day
from abm.books.books import rows_with
from abm.books.calendar import DUE, WAITING, find_next
from abm.books.compiled import kept
from abm.books.events import CHUNK
from abm.books.ledger import Holdings
from abm.day.asking import Asking
from abm.day.before import measure_before
from abm.day.call_and_return import run_returns
from abm.day.close_out import CloseOutDesk
from abm.day.close_out_result import CloseOutResult
from abm.day.day import Setting
from abm.day.deliver import (
    deliver_in_order,
    deliver_share,
    deliver_shares,
    note_unmet,
    run_deliveries,
)
from abm.day.idle import redeem_idle
from abm.day.instructions import receive_minted, settle_deliveries, settle_returns
from abm.day.movements import execute_delivery, execute_return
from abm.day.open import open_anew, open_replacements
from abm.day.reuse import find_reusable
from abm.day.settle import recall_loans, retry_releases, settle_loans
from abm.day.sharing import Sharing
from abm.day.stretch import COMPLETE, Reached, Stretch, find_due
from abm.day.stretches import Stretches, can_be_compiled
from abm.day.substitution import SubstitutionDesk
from abm.rules.requirement import mark_exposures
from abm.rules.schedules import discount_all
from abm.rules.trigger import DELIVERY_CALL, RETURN_CALL

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_execute_delivery, _note_unmet = kept(execute_delivery), kept(note_unmet)


class ColumnsDay:
    """Moves what is in a market's books (paper, section 2.1).

    Participants of the standard classes are handled all at once by the compiled passes. Those whose
    class decides in columns are asked before a pass, those who decide alone within it.
    """

    def __init__(self, market: Setting):
        """Serve a market whose loans are not open yet."""
        self.market = market
        self.books = market.books
        self.asking = Asking(market)
        self.sharing = Sharing(market)
        self.substitution = SubstitutionDesk(market, self.asking)
        self.desk = CloseOutDesk(
            market.scenario.close_out,
            market.books,
            market.ledger,
            market.standing,
            market.impact,
            market.events,
            self.asking.declares,
        )
        self.calls = np.zeros(len(market.books.accounts), np.int8)
        self._met: dict[int, bool] = {}
        """Answers about calls on borrowers that are short, given before anything is delivered."""
        self.next_loan = int(market.books.loans.loan_id.max()) + 1
        self._next_maturity = 0

    def open_loans(self, rows: Ints, posted: Ints) -> None:
        """Open loans that begin today against what is `posted`, shape (rows, tokens)."""
        prices = self.market.prices
        if not self.books.before.taken[0]:
            measure_before(self.books, prices)
        for start, stop in self._chunks(len(rows)):
            open_anew(self.books, prices, rows, posted, start, stop)
        discount_all(self.books, prices)
        self._next_maturity = find_next(self.books.calendar, self.market.day)

    def run_days(self, last: int) -> Stretch | None:
        """Simulate days in compiled code, as long as nobody need be asked, up to `last`.

        None if somebody has to be asked today.
        """
        asked = self.asking.asks or self.substitution.asks or not self.desk.is_idle
        if asked or not can_be_compiled(self.market):
            return None
        begin = Reached(self.market.day, COMPLETE, self._next_maturity, self.next_loan)
        stretch = self._runner.run(begin, last)
        _, _, self._next_maturity, self.next_loan = stretch.reached
        return stretch

    @cached_property
    def _runner(self) -> Stretches:
        return Stretches(self.market, self.calls, self.asking.nobody)

    def trade(self) -> None:
        """Nothing: nobody has anything outside the ledger (`abm.day.balance_day`)."""

    def mark(self) -> None:
        """Mark what is lent to the published prices."""
        if self.market.lent_moves:
            mark_exposures(self.books, self.market.prices)

    def measure_before(self) -> None:
        """Take down what lenders stand to lose now; the calls do it where nothing moves before."""
        begin_day(self.books.before)
        if len(self.books.returning) or self.market.day >= self._next_maturity:
            measure_before(self.books, self.market.prices)

    def receive_minted(self) -> None:
        """Issue the tokens whose minting takes until today."""
        if len(self.books.ledger.arriving):
            receive_minted(self.books, self.market.day)

    def settle(self) -> None:
        """Settle all that is due today: instructions first, then loans."""
        books, prices, day = self.books, self.market.prices, self.market.day
        if len(books.returning):
            for start, stop in self._chunks(len(self.calls)):
                settle_returns(books, prices, day, start, stop)
            for start, stop in self._chunks(len(self.calls)):
                settle_deliveries(books, prices, day, start, stop)
        due = day >= self._next_maturity
        if due:
            find_due(books, day)
            rows = rows_with(DUE, books)
            at_maturity = self.asking.at_maturity(rows, self._at_maturity(rows))
            # Those that have been due for longest come first.
            for since in np.unique(books.loans.maturity[rows]).tolist():
                for start, stop in self._chunks(len(books.loans)):
                    self.next_loan = settle_loans(
                        books, prices, day, since, at_maturity, self.next_loan, start, stop
                    )
        self._retry_releases()
        if due:
            self._find_reusable()
            if books.calendar.waiting[0]:
                self.market.agreements.renew()
                self._open_replacements()
            self._next_maturity = find_next(books.calendar, day)

    def recall(self, chosen: Bools) -> None:
        """Recall open-ended loans, with the scenario's notice; shape (loans,), empty for none."""
        if self.asking.recalls:
            own = self.asking.to_recall()
            chosen = own | chosen if len(chosen) else own
        if chosen.any():
            notice = self.market.scenario.recalls.notice
            for start, stop in self._chunks(len(chosen)):
                part = np.zeros_like(chosen)
                part[start:stop] = chosen[start:stop]
                recall_loans(self.books, self.market.day, notice, part)
            self._next_maturity = find_next(self.books.calendar, self.market.day)

    def call_and_return(self) -> None:
        """Value the collateral, trigger calls, and have lenders return what is in excess."""
        books, prices, day = self.books, self.market.prices, self.market.day
        answers = self.asking.about_returns()
        for begin, end, ours in self._stretches(self._alone(answers, books.accounts.lender)):
            for start, stop in self._chunks(end, begin):
                run_returns(books, prices, day, answers, self.calls, start, stop)
            for a in ours:
                if self.calls[a] == RETURN_CALL:
                    self._ask_for_return(a)
        books.before.taken[0] = True

    def deliver(self) -> None:
        """Have borrowers deliver what they are called for, and exchange what is there."""
        self._meet_calls()
        self.substitution.run()

    def _meet_calls(self) -> None:
        books, prices, day = self.books, self.market.prices, self.market.day
        self._find_reusable()
        asking = self.asking
        if not (asking.deliveries or asking.ranks or self.sharing.any):
            self._deliver(asking.nobody)
            return
        order, rank = asking.order(called := np.flatnonzero(self.calls == DELIVERY_CALL))
        if len(order):
            # Those who rank their calls are asked in that order what to deliver, and served in it.
            others = np.setdiff1d(called, order, assume_unique=True)
            called = np.concatenate([order, others])
        rank = np.concatenate([rank, np.zeros(len(called) - len(order), np.int64)])
        answers = asking.about_deliveries(called, rank)
        self.calls[self._deliver_shares(answers, called, rank)] = 0
        order = order[self.calls[order] == DELIVERY_CALL]
        alone = set(self._alone(answers, books.accounts.borrower[order]))
        for begin, end in pairwise(sorted({0, len(order), *alone, *(i + 1 for i in alone)})):
            if begin in alone:
                self._ask_for_delivery(int(order[begin]))
                continue
            for start, stop in self._chunks(end, begin):
                deliver_in_order(books, prices, day, answers, order[start:stop])
        self.calls[order] = 0
        self._deliver(answers)
        self.calls[called] = DELIVERY_CALL

    def _deliver_shares(self, answers: Answers, called: Ints, rank: Ints) -> Ints:
        """Have borrowers deliver that are short and decide nothing themselves; gives the accounts.

        What those get who are asked call by call is planned.
        """
        if not self.sharing.any:
            return called[:0]
        standard = np.ones(len(called), np.bool_)
        if len(answers.alone):
            standard = ~answers.alone[self.books.accounts.borrower[called]]
            self._await_answers(called[~standard], rank[~standard])
        if len(answers.decided):
            standard &= answers.decided[called] == BY_DEFAULT
        mine = np.flatnonzero(standard)
        mine = mine[self.sharing.short(called[mine])]
        if len(mine):
            shares = self.sharing.plan(called[mine], rank[mine])
            for start, stop in self._chunks(len(mine)):
                deliver_shares(self.books, self.market.prices, self.market.day, shares, start, stop)
        return called[mine]

    def _await_answers(self, account: Ints, rank: Ints) -> None:
        """Plan what is shared by calls about which borrowers are asked one by one.

        Who is short says first which of its calls it meets: what it refuses the others share.
        """
        self.sharing.await_answers(account, rank)
        self._met = {}
        for a in account[self.sharing.short(account)].tolist():
            self._met[a] = self._is_met(a)
        if not all(self._met.values()):
            met = np.array([self._met.get(a, True) for a in account.tolist()])
            self.sharing.await_answers(account[met], rank[met])

    def _deliver(self, answers: Answers) -> None:
        """Have borrowers deliver on the calls that are left, in the order of accounts."""
        books, prices, day = self.books, self.market.prices, self.market.day
        for begin, end, ours in self._stretches(self._alone(answers, books.accounts.borrower)):
            for start, stop in self._chunks(end, begin):
                run_deliveries(books, prices, day, answers, self.calls, start, stop)
            for a in ours:
                if self.calls[a] == DELIVERY_CALL:
                    self._ask_for_delivery(a)

    def close_out(self, exogenous: Ints) -> CloseOutResult:
        """Declare defaults, also those from outside (rows of participants), and go on selling."""
        market = self.market
        discount_all(self.books, market.prices)
        result = self.desk.run(market.day, exogenous, market.path[market.path_day])
        market.events.drain(market.day)
        return result

    @property
    def closing(self) -> dict[int, int]:
        """Accounts in close-out, and what their collateral has fetched so far."""
        return self.desk.closing

    def conclude(self) -> None:
        """Settle what ends with the window, and redeem the tokens that nobody needs any more."""
        self.receive_minted()
        self.settle()
        before = None
        while before != (owed := (self.market.ledger.collateral.sum(), self.books.reused.sum())):
            # Collateral comes back along a chain of re-use one link a round.
            before = owed
            self._retry_releases()
        redeem_idle(self.market, self.burn)

    def mint(self, row: int, token: int, quantity: int) -> None:
        """Issue tokens to a participant against a deposit."""
        self.market.ledger.mint(row, token, quantity)

    def burn(self, row: int, token: int, quantity: int) -> None:
        """Take tokens of a participant back, and give it the assets behind them."""
        self.market.ledger.burn(row, token, quantity)

    def check(self) -> Holdings:
        """Check that no token has been lost or made on the way, and tell what there is."""
        return self.market.ledger.check_conservation()

    @property
    def substituted(self) -> tuple[int, int]:
        """Accounts whose collateral was exchanged today, and the value of what went back."""
        return self.substitution.done

    def gas_today(self) -> int:
        """Columns need no gas."""
        return 0

    def _at_maturity(self, due: Ints) -> Ints:
        """What would become of each loan by itself, shape (loans,), of which `due` are due."""
        return self.market.at_maturity

    def _open_replacements(self) -> None:
        """Open what is pending, first what has been for longest."""
        books, day = self.books, self.market.day
        waiting = rows_with(WAITING, books)
        for since in np.unique(books.loans.opened[waiting]).tolist():
            for start, stop in self._chunks(len(books.loans)):
                open_replacements(books, self.market.prices, day, since, start, stop)

    def _find_reusable(self) -> None:
        """Fix what everybody may post further, as far as it is willing to."""
        if len(self.books.reused):
            find_reusable(self.books)
            if self.asking.reuse:
                self.asking.limit_reuse()

    def _retry_releases(self) -> None:
        """Give back collateral of settled loans that had been posted further and is there again."""
        if len(self.books.reused):
            for start, stop in self._chunks(len(self.calls)):
                retry_releases(self.books, self.market.prices, self.market.day, start, stop)

    def _ask_for_return(self, a: int) -> None:
        market = self.market
        lender = self._participant(int(self.books.accounts.lender[a]))
        assert isinstance(lender, Lender)
        call = ReturnCall(market, a)
        quantities, left_over = call.quantities(lender.choose_return(call), lender)
        self.books.totals[tally.BLOCKED_RETURNS] += call.blocked and not quantities.any()
        execute_return(self.books, market.prices, market.day, a, quantities, left_over)
        market.events.drain(market.day)

    def _is_met(self, a: int) -> bool:
        call, borrower = self._call_on(a)
        return call.is_met(borrower.meet_call(call), borrower)

    def _call_on(self, a: int) -> tuple[DeliveryCall, Borrower]:
        """The call on an account, and who is asked about it."""
        borrower = self._participant(int(self.books.accounts.borrower[a]))
        assert isinstance(borrower, Borrower)
        share = self.sharing.of(a)
        return DeliveryCall(self.market, a, share.quantities if share else None), borrower

    def _ask_for_delivery(self, a: int) -> None:
        market, share = self.market, self.sharing.of(a)
        call, borrower = self._call_on(a)
        missing = call.missing_units
        met = self._met[a] if a in self._met else call.is_met(borrower.meet_call(call), borrower)
        as_planned = met
        if met:
            quantities = call.quantities(borrower.choose_delivery(call), borrower)
            if share or self.sharing.others(a):
                as_planned = bool((quantities == call.planned).all())
        if share and as_planned:
            deliver_share(self.books, market.prices, market.day, share.shares, share.call)
        else:
            if met:
                term = self.books.terms[self.books.accounts[a].agreement]
                missing -= _execute_delivery(
                    self.books, market.prices, market.day, a, quantities, term.eligible, term.lag
                )
            _note_unmet(self.books, market.prices, a, missing)
        self.sharing.answered(a, as_planned)
        market.events.drain(market.day)

    def _participant(self, row: int) -> object:
        return self.market.participants[self.market.population.names[row]]

    def _alone(self, answers: Answers, party: Ints) -> list[int]:
        """Accounts whose party is asked for each by itself."""
        return np.flatnonzero(answers.alone[party]).tolist() if len(answers.alone) else []

    def _stretches(self, ours: list[int]) -> Iterator[tuple[int, int, list[int]]]:
        """Ranges of accounts, each with those whose party is asked once the range is through.

        With re-use tokens pass from account to account, and everybody has to act in their order:
        every account that is asked ends a range. Otherwise one range does.
        """
        begin = 0
        if len(self.books.reused):
            for a in ours:
                yield begin, a + 1, [a]
                begin = a + 1
            ours = []
        yield begin, len(self.calls), ours

    def _chunks(self, stop: int, start: int = 0) -> Iterator[tuple[int, int]]:
        """Ranges to run a pass over: all at once, or in parts that the event log can hold."""
        if not self.market.events.enabled:
            yield start, stop
            return
        for begin in range(start, stop, CHUNK):
            yield begin, min(begin + CHUNK, stop)
            self.market.events.drain(self.market.day)
