"""Cash collateral that beneficial owners invest outside the ledger, and owe back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from abm.agents.views import write_missing
from abm.books import tally
from abm.books.loan_book import ACTIVE
from abm.books.sheet import Policies, Sheet, outside
from abm.day.day import Setting
from abm.rules.reinvestment import in_turn, part_of, tokens_for
from abm.rules.trigger import RETURN_CALL
from scenarios.errors import InputError

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LARGEST_PLACED = 2**53
"""In money units: up to here money times a share of a portfolio is exact to the unit."""


class Reinvestment:
    """Invests what lenders may of their cash collateral, and returns it (`docs/rules.md`).

    What was taken out of an account is its `reused` cash, as of collateral that is posted further.
    """

    def __init__(self, market: Setting, policies: Policies, sheet: Sheet, titled: Bools):
        """Serve the lenders of a market whose loans are open.

        Args:
            market: the market.
            policies: what participants do.
            sheet: gets what is placed.
            titled: whether title to the collateral passes, shape (agreements,).

        Raises:
            InputError: no lender that reinvests can have cash collateral.
        """
        self._market, self._policies, self._sheet = market, policies, sheet
        books = market.books
        accounts, lenders = books.accounts, policies.reinvest > 0
        self._rows = np.flatnonzero(lenders[accounts.lender] & titled[accounts.agreement])
        """Accounts whose cash may be invested, in their order."""
        self._lender = accounts.lender[self._rows]
        if lenders.any() and not (self._takes_cash() or self._here.any()):
            raise InputError(
                "balance: reinvest has no effect: no loan of those lenders accepts"
                f" {market.tokens[-1]} as collateral and passes title to it"
            )

    def __bool__(self) -> bool:
        return bool(len(self._rows))

    def open(self) -> None:
        """Invest at the opening, at the day's prices; placements are due on days in turn."""
        if not self:
            return
        policies, sheet, prices = self._policies, self._sheet, self._market.prices
        money = self._take(np.ones(len(sheet.debt), np.bool_), self._rows[:0])
        bought = tokens_for(money, policies.portfolio, prices)
        self._capacity[:, -1] -= bought @ prices
        at_once = policies.reinvest_term == 0
        self._capacity[at_once] += bought[at_once]
        for term in np.unique(policies.reinvest_term[~at_once]).tolist():
            placed = np.where((policies.reinvest_term == term)[:, None], bought, 0)
            for day in range(1, term + 1):
                part = placed // term + (day <= placed % term)
                sheet.placed[day % len(sheet.placed)] += part
            self._note(tally.PLACEMENT, placed, prices)

    def redeem(self, traded: Ints) -> Ints:
        """The morning: pay the placements that are due, at true prices; gives the cash paid.

        Args:
            traded: gets tokens and cash that came and went, shape (participants, tokens).
        """
        market, sheet = self._market, self._sheet
        if not len(sheet.placed):
            return np.zeros(len(sheet.debt), np.int64)
        self._refuse_overflow()
        due, prices = sheet.placed[market.day % len(sheet.placed)], market.market_prices
        paid: Ints = due @ prices
        self._capacity[:, -1] += paid
        traded -= due
        traded[:, -1] += paid
        self._note(tally.REDEMPTION, due, prices)
        due[:] = 0
        return paid

    def invest(self, paid: Ints, acting: Bools, ending: Ints, traded: Ints) -> Ints:
        """The morning, behind the other orders: invest anew; gives the tokens to buy in the market.

        Args:
            paid: for placements that were due today, shape (participants,).
            acting: who invests today, likewise.
            ending: accounts whose last loan ends soon.
            traded: gets tokens and cash that came and went, shape (participants, tokens).
        """
        market, policies, sheet = self._market, self._policies, self._sheet
        acting = acting & (market.standing.default_day < 0)
        left = paid - self._put_back(np.where(acting, self._spendable(paid), 0))
        cash = outside(market.books, sheet)[:, -1]
        money = np.where(acting, left, 0) + self._take(acting & (cash >= 0), ending)
        bought = tokens_for(self._spendable(money), policies.portfolio, market.market_prices)
        placed = np.where((policies.reinvest_term > 0)[:, None], bought, 0)
        if placed.any():
            cost = placed @ market.market_prices
            self._capacity[:, -1] -= cost
            traded += placed
            traded[:, -1] -= cost
            rows = np.flatnonzero(placed.any(axis=1))
            slots = (market.day + policies.reinvest_term[rows]) % len(sheet.placed)
            sheet.placed[slots, rows] += placed[rows]
            self._note(tally.PLACEMENT, placed, market.market_prices)
        return bought - placed

    def _refuse_overflow(self) -> None:
        """Refuse prices at which what is placed could not be counted in money any more."""
        market, placed = self._market, self._sheet.placed.sum(axis=0).astype(np.float64)
        value = (placed @ market.market_prices).max(initial=0.0)
        if value >= LARGEST_PLACED:
            raise InputError(
                f"balance: placements have grown to {value * market.unit:.3g} for one participant"
                f" by day {market.day}, which cannot be counted any more; use prices that rise"
                " less, a longer reinvest_term, or a larger money.unit"
            )

    @contextmanager
    def cash_at_hand(self) -> Iterator[None]:
        """While collateral goes back: lenders pay with cash outside and credit, too."""
        if not self:
            yield
            return
        market, capacity = self._market, self._capacity
        ledger, wallets = market.books.ledger, market.books.ledger.balance[: len(capacity), -1]
        brought = np.minimum(self._by_lender(self._taken), capacity[:, -1])
        brought[market.standing.default_day >= 0] = 0
        wallets += brought
        capacity[:, -1] -= brought
        yield
        back = np.minimum(brought, wallets)
        wallets -= back
        capacity[:, -1] += back
        used = brought - back
        ledger.minted[-1] += used.sum()
        tokens = np.zeros_like(capacity)
        tokens[:, -1] = used
        self._note(tally.MINT, tokens, market.prices)

    def ending(self, last: Ints, raising: Bools) -> tuple[Ints, Ints]:
        """Cash to go back with accounts whose last loans end, and these accounts.

        Args:
            last: how many loans of each account end soon, shape (accounts,).
            raising: who raises funds ahead, shape (participants,).
        """
        open_loans = self._market.books.accounts.open_loans[self._rows]
        ends = (open_loans > 0) & (last[self._rows] == open_loans) & raising[self._lender]
        need = self._by_lender(np.where(ends, self._taken, 0))
        return np.maximum(need - self._coming, 0), self._rows[ends]

    def lacking(self, calls: npt.NDArray[np.int8]) -> Ints:
        """Cash that lenders could not return today, or are to return soon, shape (participants,).

        Args:
            calls: of the day, shape (accounts,).
        """
        books, rows = self._market.books, self._rows
        accounts, here, taken = books.accounts, self._here, self._taken
        lacks = np.zeros_like(taken)
        failed = np.flatnonzero((calls[rows] == RETURN_CALL) & (here == 0))
        if books.totals[tally.RETURN_FAILS] and len(failed):
            short = np.empty(len(failed), np.int64)
            write_missing(books, self._market.prices, rows[failed], short)
            lacks[failed] = np.maximum(-short, 0)
        if len(books.returning):
            lagging = books.terms.lag[accounts.agreement[rows]] > 0
            instructed = books.returning[:, rows, -1].sum(axis=0)
            lacks = np.where(lagging, np.maximum(instructed - here, 0), lacks)
        lacks = np.where(accounts.open_loans[rows] == 0, taken, np.minimum(lacks, taken))
        lacks = self._by_lender(np.where(accounts.state[rows] == ACTIVE, lacks, 0))
        return np.maximum(lacks - self._coming, 0)

    def release(self, row: int) -> Ints:
        """What an estate has placed, which it can sell as all else, shape (tokens,)."""
        placed = self._sheet.placed[:, row].sum(axis=0)
        self._sheet.placed[:, row] = 0
        return placed

    def _takes_cash(self) -> bool:
        books = self._market.books
        agreements = np.unique(books.accounts.agreement[self._rows]).tolist()
        return any(len(self._market.tokens) - 1 in books.eligible(t) for t in agreements)

    def _take(self, acting: Bools, ending: Ints) -> Ints:
        """Take cash out of accounts up to the part that may be invested; gives what was taken."""
        here, taken = self._here, self._taken
        most = np.maximum(self._part(here + taken) - taken, 0)
        most[~acting[self._lender] | np.isin(self._rows, ending)] = 0
        self._move(np.minimum(most, here))
        return self._by_lender(np.minimum(most, here))

    def _put_back(self, money: Ints) -> Ints:
        """Put back what was taken beyond what may be invested, as far as there is money."""
        here, taken = self._here, self._taken
        back = in_turn(np.maximum(taken - self._part(here + taken), 0), self._lender, money)
        self._move(-back)
        return self._by_lender(back)

    def _part(self, cash: Ints) -> Ints:
        """What of the cash of each account may be invested."""
        accounts, rows = self._market.books.accounts, self._rows
        part = part_of(self._policies.reinvest[self._lender], cash)
        part[accounts.open_loans[rows] == 0] = 0
        return np.where(accounts.state[rows] == ACTIVE, part, self._taken)

    def _move(self, quantity: Ints) -> None:
        """Take cash out of each account to the lender's outside, or put it back if negative."""
        market, ledger = self._market, self._market.books.ledger
        ledger.balance[ledger.collateral_row + self._rows, -1] -= quantity
        ledger.burned[-1] += np.maximum(quantity, 0).sum()
        ledger.minted[-1] += np.maximum(-quantity, 0).sum()
        market.books.reused[self._rows, -1] += quantity
        self._capacity[:, -1] += self._by_lender(quantity)
        moved = np.flatnonzero(quantity)
        rows, quantity = self._rows[moved], quantity[moved]
        kind, lender, cash = tally.REINVESTMENT, self._lender[moved], len(market.tokens) - 1
        market.events.add_all(market.day, kind, lender, cash, quantity, quantity, rows)

    def _spendable(self, money: Ints) -> Ints:
        """No more of it than is there without credit."""
        cash = outside(self._market.books, self._sheet)[:, -1]
        return np.minimum(money, np.maximum(cash, 0))

    def _by_lender(self, values: Ints) -> Ints:
        total = np.zeros(len(self._sheet.debt), np.int64)
        np.add.at(total, self._lender, values)
        return total

    def _note(self, kind: int, quantities: Ints, prices: Ints) -> None:
        market = self._market
        if market.events.enabled:
            party, token = np.nonzero(quantities)
            quantity = quantities[party, token]
            market.events.add_all(
                market.day, kind, party, token, quantity, quantity * prices[token]
            )

    @property
    def _capacity(self) -> Ints:
        # A view that is kept would be none of the books any more in a copy of the market.
        return self._market.books.ledger.capacity[: len(self._sheet.debt)]

    @property
    def _coming(self) -> Ints:
        """Cash for placements that are due before a trade of today settles, at today's prices."""
        sheet, day = self._sheet, self._market.day
        days = min(len(sheet.unsettled), len(sheet.placed))
        total = np.zeros(len(sheet.debt), np.int64)
        for ahead in range(1, days + 1):
            total += sheet.placed[(day + ahead) % len(sheet.placed)] @ self._market.market_prices
        return total

    @property
    def _here(self) -> Ints:
        """Cash in each account."""
        ledger = self._market.books.ledger
        return ledger.balance[ledger.collateral_row + self._rows, -1]

    @property
    def _taken(self) -> Ints:
        """Cash taken out of each account."""
        return self._market.books.reused[self._rows, -1]
