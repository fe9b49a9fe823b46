"""Default and its consequences: liquidation, netting, losses, contagion."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from abm.books import tally
from abm.books.books import Books
from abm.books.events import EventRecorder
from abm.books.ledger import Ledger
from abm.books.loan_book import ACTIVE, CLOSED, CLOSED_OUT, LIQUIDATING, OPEN_LOAN
from abm.day.lifecycle import cancel_instructions
from abm.day.movements import hand_back
from abm.rules.price_impact import MarketImpact
from scenarios.stress import CloseOut

Ints = npt.NDArray[np.int64]

CAUSES = ("exogenous", "liquidity", "contagion")
EXOGENOUS, LIQUIDITY, CONTAGION = range(3)


@dataclass
class Estate:
    """What a defaulter's close-out still has to deal with."""

    participant: int
    declared: int
    ends: int
    """Day on which the liquidation is complete and claims are settled."""
    borrowed: Ints
    """Accounts whose collateral its lenders sell."""
    lent: Ints
    """Accounts in which it is the lender."""
    proceeds: Ints
    """What the collateral of each of `borrowed` has fetched."""


class Rows:
    """Rows of a table by the value of one of its columns; sorted on first use."""

    def __init__(self, column: Ints, values: int):
        """Index a column that holds values from 0 to `values` - 1."""
        self._column, self._values = column, values

    @cached_property
    def _index(self) -> tuple[Ints, Ints]:
        order = np.argsort(self._column, kind="stable")
        return order, np.searchsorted(self._column[order], np.arange(self._values + 1))

    def rows(self, value: int) -> Ints:
        """Rows in which the column has this value, in order."""
        order, start = self._index
        return order[start[value] : start[value + 1]]


@dataclass
class CloseOutResult:
    """What a day's close-outs came to, in money units."""

    exposure_at_default: int = 0
    liquidated_value: int = 0
    close_out_loss: int = 0
    close_out_surplus: int = 0
    defaults: list[int] = field(default_factory=lambda: [0, 0, 0])
    """Number by cause, in the order of `CAUSES`."""


class CloseOutDesk:
    """Declares defaults, sells the collateral, and settles claims.

    All loans of a defaulter are closed out together and netted per counterparty. What its
    counterparties do not recover they book against their equity; whoever has none left defaults in
    turn. Nothing is recovered from the rest of an estate: a loss is what the collateral did not
    fetch.
    """

    def __init__(
        self,
        rules: CloseOut,
        books: Books,
        ledger: Ledger,
        equity: npt.NDArray[np.float64],
        impact: MarketImpact,
        events: EventRecorder,
    ):
        """Set up the desk for a market; `equity` is what each participant can lose."""
        self.rules = rules
        self.books = books
        self.ledger = ledger
        self.equity = equity
        self.impact = impact
        self.events = events
        self.losses = np.zeros(len(equity), np.int64)
        self.default_day = np.full(len(equity), -1, np.int64)
        self.default_cause = np.full(len(equity), -1, np.int64)
        self._estates: list[Estate] = []
        accounts, participants = books.accounts, len(equity)
        self._by_borrower = Rows(accounts.borrower, participants)
        self._by_lender = Rows(accounts.lender, participants)
        self._by_account = Rows(books.loans.account, len(accounts.lender))

    def unmet_for(self) -> Ints:
        """Days for which each participant has owed what it could not deliver, past its grace.

        Zero for those who owe nothing or are still within the grace of their agreement.
        """
        accounts, loans = self.books.accounts, self.books.loans
        overdue = np.zeros(len(self.equity), np.int64)
        grace = self.books.terms.grace_days[accounts.agreement]
        late = np.flatnonzero((accounts.unmet_days > grace) & (accounts.state == ACTIVE))
        np.maximum.at(overdue, accounts.borrower[late], accounts.unmet_days[late])
        fails = np.flatnonzero((loans.recall_fails > 0) & (loans.state == OPEN_LOAN))
        a = loans.account[fails]
        failed = (loans.recall_fails[fails] > grace[a]) & (accounts.state[a] == ACTIVE)
        np.maximum.at(overdue, accounts.borrower[a[failed]], loans.recall_fails[fails][failed])
        return overdue

    def run(self, day: int, exogenous: Ints, path: Ints) -> CloseOutResult:
        """One day of defaults and close-outs, until nobody else defaults.

        Args:
            day: the day, after its calls.
            exogenous: participants that default from outside today.
            path: prices before the impact of any sale.
        """
        result = CloseOutResult()
        totals = self.books.totals
        owing = totals[tally.UNMET_CALLS] or totals[tally.RECALL_FAILS]
        if not (owing or len(exogenous) or self._estates):
            return result
        overdue = self.unmet_for()
        self._declare_all(EXOGENOUS, np.unique(exogenous), overdue * 0, day, result)
        self._declare_all(LIQUIDITY, np.flatnonzero(overdue), overdue, day, result)
        selling = self._estates
        while True:
            self._sell(selling, day, path, result)
            due = [estate for estate in self._estates if estate.ends <= day]
            self._estates = [estate for estate in self._estates if estate.ends > day]
            for estate in due:
                self._settle(estate, day, path, result)
            ruined = (self.equity <= 0) & (self.losses > 0) & (self.default_day < 0)
            if not ruined.any():
                return result
            # Estates from before have sold their part of the day.
            before = len(self._estates)
            self._declare_all(CONTAGION, np.flatnonzero(ruined), overdue * 0, day, result)
            selling = self._estates[before:]

    def _declare_all(
        self, cause: int, participants: Ints, unmet_days: Ints, day: int, result: CloseOutResult
    ) -> None:
        """Declare those in default who are not yet, and stop all their margin accounts."""
        accounts = self.books.accounts
        for participant in participants.tolist():
            if self.default_day[participant] >= 0:
                continue
            self.default_day[participant] = day
            self.default_cause[participant] = cause
            result.defaults[cause] += 1
            borrowed, lent = (
                rows[accounts.state[rows] == ACTIVE]
                for rows in (self._by_borrower.rows(participant), self._by_lender.rows(participant))
            )
            for a in [*borrowed.tolist(), *lent.tolist()]:
                cancel_instructions(self.books, a)
                accounts.state[a] = LIQUIDATING
            exposure = int(accounts.exposure[borrowed].sum())
            result.exposure_at_default += exposure
            last_met = day - int(unmet_days[participant])
            ends = max(day, last_met + self.rules.margin_period_of_risk)
            self._estates.append(
                Estate(participant, day, ends, borrowed, lent, np.zeros(len(borrowed), np.int64))
            )
            self.events.add(day, tally.DEFAULT, participant, token=cause, value=exposure)

    def _sell(self, estates: list[Estate], day: int, path: Ints, result: CloseOutResult) -> None:
        """Sell what is due today of some estates, all at one price a token.

        The lender exchanges collateral for cash with the outside market. Collateral that it had
        posted further counts as bought by the lender itself at that price.
        """
        accounts, arrays = self.books.accounts, self.ledger.arrays
        sales: list[tuple[Estate, int, int, Ints]] = []
        total = np.zeros(len(path), np.int64)
        for estate in estates:
            ending = estate.ends <= day
            if not ending and (self.rules.sale == "end" or day == estate.declared):
                continue
            for position, a in enumerate(estate.borrowed.tolist()):
                held = arrays.balance[arrays.collateral_row + a]
                sold = held.copy() if ending else -(-held // (estate.ends - day + 1))
                sales.append((estate, position, a, sold))
                total += sold
        total[-1] = 0
        if not sales:
            return
        self.impact.sell(total)
        prices = self.impact.applied_to(path)
        cash, market = len(path) - 1, self.ledger.outside_market
        for estate, position, a, sold in sales:
            row, lender = arrays.collateral_row + a, int(accounts.lender[a])
            goods = {token: int(q) for token, q in enumerate(sold) if q and token != cash}
            value = sum(int(prices[token]) * quantity for token, quantity in goods.items())
            self.ledger.mint(market, cash, value)
            self.ledger.exchange([(row, market, goods), (market, lender, {cash: value})])
            self.ledger.transfer(row, lender, cash, int(sold[cash]))
            for token, quantity in goods.items():
                self.events.add(
                    day,
                    tally.LIQUIDATION,
                    lender,
                    a,
                    token,
                    quantity,
                    quantity * int(prices[token]),
                )
            value += int(sold[cash])
            if estate.ends <= day:
                if len(self.books.reused):
                    value += int(self.books.reused[a] @ prices)
                    self.books.reused[a] = 0
                first = self.books.priority[accounts.agreement[a], 0]
                value -= int(accounts.advanced[a] * prices[first])
                accounts.advanced[a] = 0
            estate.proceeds[position] += value
            result.liquidated_value += value

    def _claim(self, a: int, prices: Ints) -> int:
        """Value of what is lent in an account, and the end of its loans."""
        loans = self.books.loans
        rows = self._by_account.rows(a)
        claim = int((self.books.lent[rows[loans.state[rows] == OPEN_LOAN]] @ prices).sum())
        loans.state[rows[loans.state[rows] <= OPEN_LOAN]] = CLOSED_OUT
        self.books.accounts.state[a] = CLOSED
        self.books.accounts.exposure[a] = 0
        self.books.accounts.open_loans[a] = 0
        self.books.accounts.value[a] = 0
        return claim

    def _settle(self, estate: Estate, day: int, path: Ints, result: CloseOutResult) -> None:
        """Net the claims of each counterparty with the estate, and book what is left as a loss."""
        accounts = self.books.accounts
        prices = self.impact.applied_to(path)
        owed: dict[int, int] = {}
        # An account with each counterparty, so that the record says who defaulted on whom.
        between: dict[int, int] = {}
        for position, a in enumerate(estate.borrowed.tolist()):
            lender = int(accounts.lender[a])
            between.setdefault(lender, a)
            claim = self._claim(a, prices) - int(estate.proceeds[position])
            owed[lender] = owed.get(lender, 0) + claim
        for a in estate.lent.tolist():
            borrower = int(accounts.borrower[a])
            between.setdefault(borrower, a)
            owed[borrower] = self._unwind(a, day, prices, owed.get(borrower, 0))
        cash = len(path) - 1
        for counterparty, claim in sorted(owed.items()):
            if claim > 0:
                self.equity[counterparty] -= claim
                self.losses[counterparty] += claim
                result.close_out_loss += claim
            elif claim < 0:
                lacking = -claim - int(self.ledger.wallets[counterparty, cash])
                self.ledger.mint(counterparty, cash, max(lacking, 0))
                self.ledger.transfer(counterparty, estate.participant, cash, -claim)
                result.close_out_surplus -= claim
            self.events.add(day, tally.CLOSE_OUT, counterparty, between[counterparty], value=-claim)

    def _unwind(self, a: int, day: int, prices: Ints, claim: int) -> int:
        """End an account in which the defaulter is the lender; gives what it owes the borrower.

        The borrower keeps what it borrowed, the estate keeps collateral of that value, less
        `claim`, which the borrower has against it from other loans; the rest goes back. A
        borrower that holds more than its collateral was worth owes the difference.
        """
        accounts, arrays = self.books.accounts, self.ledger.arrays
        row = arrays.collateral_row + a
        held = arrays.balance[row].copy()
        if len(self.books.reused):
            held += self.books.reused[a]
        first = self.books.priority[accounts.agreement[a], 0]
        value = int(held @ prices) - int(accounts.advanced[a] * prices[first])
        due = self._claim(a, prices)
        kept = max(due - max(claim, 0), 0)
        quantities = np.zeros(len(prices), np.int64)
        kept = min(kept, value)
        rest = value - kept
        for token in np.argsort(-prices, kind="stable").tolist():
            quantities[token] = min(max(rest, 0) // int(prices[token]), int(held[token]))
            rest -= int(quantities[token]) * int(prices[token])
        spare = np.flatnonzero(quantities < held)
        if rest > 0 and len(spare):
            # One token more, the cheapest, which the borrower pays for in cash as far as too much.
            token = int(spare[prices[spare].argmin()])
            quantities[token] += 1
            rest -= int(prices[token])
        missing = 0
        for token in np.flatnonzero(quantities).tolist():
            failed = hand_back(self.books, prices, a, token, int(quantities[token]))
            missing += int(failed) * int(prices[token])
        accounts.advanced[a] = 0
        lender = int(accounts.lender[a])
        for token in np.flatnonzero(arrays.balance[row]).tolist():
            self.ledger.transfer(row, lender, token, int(arrays.balance[row, token]))
        if len(self.books.reused):
            self.books.reused[a] = 0
        self.events.add(day, tally.CLOSE_OUT, lender, a, value=due)
        return claim - (due - kept) + missing + rest
