"""Default and its consequences: liquidation, netting, losses, contagion (`docs/rules.md`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from abm.books import tally
from abm.books.books import Books
from abm.books.events import EventRecorder
from abm.books.ledger import Ledger
from abm.books.loan_book import ACTIVE, CLOSED, CLOSED_OUT, LIQUIDATING, OPEN_LOAN
from abm.books.rows import Rows
from abm.books.standing import EXOGENOUS, LIQUIDITY, Standing
from abm.day.close_out_result import CloseOutResult
from abm.day.estates import Estates
from abm.day.instructions import finish_instructions
from abm.day.movements import hand_back
from abm.day.overdue import is_overdue
from abm.rules.price_impact import MarketImpact
from scenarios.stress import CloseOut

Ints = npt.NDArray[np.int64]


@dataclass
class NettingSet:
    """All accounts between two participants, one of whom or both have defaulted."""

    defaulter: int
    counterparty: int
    both: bool
    """Whether the counterparty defaulted on the same day."""
    declared: int
    ends: int
    """Day on which the liquidation is complete and the claims are settled."""
    sold: list[int]
    """Accounts whose borrower defaulted: their lender sells the collateral."""
    unwound: list[int]
    """Accounts of which only the lender defaulted."""
    proceeds: dict[int, int] = field(default_factory=dict)
    """What the collateral of each of `sold` has fetched so far, in money units."""


class Witness(Protocol):
    """Is told of each act of a desk, in their order, once the columns have it."""

    def declared(self, row: int, cause: int) -> None:
        """A participant is in default; its accounts have not been stopped yet."""

    def stopped(self, netting: NettingSet) -> None:
        """The accounts between two participants are margined no more."""

    def sold(self, sales: Sequence[tuple[NettingSet, int, Ints]], prices: Ints) -> None:
        """Collateral has been sold: of each account so many tokens, at these prices."""

    def settled(self, netting: NettingSet, prices: Ints, lost: int) -> None:
        """The claims of two participants have been netted; what the creditor has lost by it."""


class CloseOutDesk:
    """Declares defaults, sells the collateral, and settles claims.

    All loans of a defaulter are closed out together and netted per counterparty. What its
    counterparties do not get they book against their equity, and take back what its estate pays
    (`abm.day.estates`); whoever has no equity left at the end of the day defaults in turn.
    """

    def __init__(
        self,
        rules: CloseOut,
        books: Books,
        ledger: Ledger,
        standing: Standing,
        impact: MarketImpact,
        events: EventRecorder,
        declares: Callable[[int, int], bool] = lambda row, days: True,
        witness: Witness | None = None,
    ):
        """Set up the desk for a market.

        Args:
            rules: how the loans of a defaulter are ended.
            books: the market's.
            ledger: the market's.
            standing: of its participants; equity, losses and defaults are entered here.
            impact: how sales move prices.
            events: to record in.
            declares: whether a participant (row) is declared in default that has owed something for
                so many days.
            witness: is told of each act.
        """
        self.rules = rules
        self.books = books
        self.ledger = ledger
        self.standing = standing
        self.impact = impact
        self.events = events
        self.declares = declares
        self.witness = witness
        self.estates = Estates(rules, ledger, standing, impact, events)
        self._sets: list[NettingSet] = []
        accounts, participants = books.accounts, len(standing.equity)
        self._by_borrower = Rows(accounts.borrower, participants)
        self._by_lender = Rows(accounts.lender, participants)
        self._by_account = Rows(books.loans.account, len(accounts.lender))

    @property
    def closing(self) -> dict[int, int]:
        """Accounts in close-out, and what the collateral of each has fetched so far."""
        sets = self._sets
        return {a: one.proceeds.get(a, 0) for one in sets for a in (*one.sold, *one.unwound)}

    @property
    def is_idle(self) -> bool:
        """Whether no close-out goes on, and no estate has to pay."""
        return not (self._sets or self.estates.claims)

    def unmet_for(self) -> Ints:
        """Days for which each participant has owed what it could not deliver, past its grace.

        Zero for those who owe nothing or are still within the grace of their agreement.
        """
        accounts, loans = self.books.accounts, self.books.loans
        overdue = np.zeros(len(self.standing.equity), np.int64)
        grace = self.books.terms.grace_days[accounts.agreement]
        late = np.flatnonzero((accounts.unmet_days > grace) & (accounts.state == ACTIVE))
        np.maximum.at(overdue, accounts.borrower[late], accounts.unmet_days[late])
        fails = np.flatnonzero((loans.recall_fails > 0) & (loans.state == OPEN_LOAN))
        a = loans.account[fails]
        failed = (loans.recall_fails[fails] > grace[a]) & (accounts.state[a] == ACTIVE)
        np.maximum.at(overdue, accounts.borrower[a[failed]], loans.recall_fails[fails][failed])
        return overdue

    def run(self, day: int, exogenous: Ints, path: Ints) -> CloseOutResult:
        """One day of defaults and close-outs.

        Args:
            day: the day, after its calls.
            exogenous: participants that default from outside today.
            path: prices before the impact of any sale.
        """
        result = CloseOutResult()
        quiet = self.is_idle and not len(exogenous) and not len(self.standing.ruined())
        if quiet and not is_overdue(self.books):
            return result
        overdue = self.unmet_for()
        ends = {
            int(row): max(day, day - int(overdue[row]) + self.rules.margin_period_of_risk)
            for row in np.flatnonzero(overdue * (self.standing.default_day < 0))
            if self.declares(int(row), int(overdue[row]))
        }
        causes = dict.fromkeys(ends, LIQUIDITY)
        for row in exogenous.tolist():
            causes[row], ends[row] = EXOGENOUS, day + self.rules.margin_period_of_risk
        self._declare(causes, ends, day, self.impact.applied_to(path), result)
        self._sell(day, path, result)
        prices = self.impact.applied_to(path)
        for netting in [netting for netting in self._sets if netting.ends <= day]:
            self._settle(netting, day, prices, result)
        self._sets = [netting for netting in self._sets if netting.ends > day]
        closing = {row for each in self._sets for row in (each.defaulter, each.counterparty)}
        result.close_out_recovery = self.estates.pay(day, path, closing)
        prices = self.impact.applied_to(path)
        causes = {row: self.standing.cause_of_ruin(row) for row in self.standing.ruined().tolist()}
        ends = dict.fromkeys(causes, day + max(self.rules.margin_period_of_risk, 1))
        self._declare(causes, ends, day, prices, result)
        return result

    def _declare(
        self,
        causes: Mapping[int, int],
        ends: Mapping[int, int],
        day: int,
        prices: Ints,
        result: CloseOutResult,
    ) -> None:
        """Declare those in default who are not yet, all together, and stop their accounts.

        Args:
            causes: cause of default by participant.
            ends: day on which each one's liquidation ends.
            day: the day.
            prices: of the day.
            result: gets what they come to.
        """
        accounts = self.books.accounts
        new = {
            row: cause
            for row, cause in sorted(causes.items())
            if self.standing.default_day[row] < 0
        }
        stopped: set[int] = set()
        for row, cause in sorted(new.items(), key=lambda entry: entry[::-1]):
            self.standing.default_day[row] = day
            self.standing.default_cause[row] = cause
            result.defaults[cause] += 1
            borrowed = self._by_borrower.rows(row)
            borrowed = borrowed[accounts.state[borrowed] == ACTIVE]
            exposure = int(accounts.exposure[borrowed].sum())
            result.exposure_at_default += exposure
            self.events.add(day, tally.DEFAULT, row, token=cause, value=exposure)
            if self.witness:
                self.witness.declared(row, cause)
            stopped.update(borrowed.tolist())
            lent = self._by_lender.rows(row)
            stopped.update(lent[accounts.state[lent] == ACTIVE].tolist())
        sets: dict[tuple[int, int], NettingSet] = {}
        for a in sorted(stopped):
            self._stop(a, prices)
            if not (accounts.open_loans[a] or self._claims(a).any()):
                self._end(a)
                continue
            lender, borrower = int(accounts.lender[a]), int(accounts.borrower[a])
            pair = (min(lender, borrower), max(lender, borrower))
            if pair not in sets:
                first, second = (borrower, lender) if borrower in new else (lender, borrower)
                last = max(ends[row] for row in pair if row in new)
                sets[pair] = NettingSet(first, second, second in new, day, last, [], [])
            (sets[pair].sold if borrower in new else sets[pair].unwound).append(a)
        self._sets += sets.values()
        if self.witness:
            for netting in sets.values():
                self.witness.stopped(netting)

    def _stop(self, a: int, prices: Ints) -> None:
        """Take an account out of margining."""
        finish_instructions(self.books, prices, a)
        self.books.accounts.state[a] = LIQUIDATING

    def _claims(self, a: int) -> Ints:
        """Tokens that the lender of an account holds or has posted further, shape (tokens,)."""
        held = self.ledger.collateral[a].copy()
        if len(self.books.reused):
            held += self.books.reused[a]
        return held

    def _sell(self, day: int, path: Ints, result: CloseOutResult) -> None:
        """Sell what is due today, all at one price a token.

        The lender exchanges collateral for cash with the outside market. Collateral that it had
        posted further counts as bought by the lender itself at that price.
        """
        accounts = self.books.accounts
        sales: list[tuple[NettingSet, int, Ints]] = []
        total = np.zeros(len(path), np.int64)
        for netting in self._sets:
            ending = netting.ends <= day
            if not ending and (self.rules.sale == "end" or day == netting.declared):
                continue
            for a in netting.sold:
                held = self.ledger.collateral[a]
                quantities = held.copy() if ending else -(-held // (netting.ends - day + 1))
                sales.append((netting, a, quantities))
                total += quantities
        total[-1] = 0
        if not sales:
            return
        self.impact.trade(total)
        prices = self.impact.applied_to(path)
        for netting, a, quantities in sales:
            value, issued = self._exchange(a, quantities, prices, day), 0
            if netting.ends <= day:
                if len(self.books.reused):
                    value += int(self.books.reused[a] @ prices)
                    self.books.reused[a] = 0
                first = self.books.priority[accounts.agreement[a], 0]
                issued = int(accounts.advanced[a] * prices[first])
                accounts.advanced[a] = 0
            netting.proceeds[a] = netting.proceeds.get(a, 0) + value - issued
            result.liquidated_value += value
        if self.witness:
            self.witness.sold(sales, prices)

    def _exchange(self, a: int, quantities: Ints, prices: Ints, day: int) -> int:
        """Sell tokens of an account for cash that goes to its lender; gives what they fetch."""
        row, lender = self.ledger.arrays.collateral_row + a, int(self.books.accounts.lender[a])
        cash, market = len(prices) - 1, self.ledger.outside_market
        goods = {token: int(q) for token, q in enumerate(quantities) if q and token != cash}
        value = sum(int(prices[token]) * quantity for token, quantity in goods.items())
        self.ledger.mint(market, cash, value)
        self.ledger.exchange([(row, market, goods), (market, lender, {cash: value})])
        self.ledger.transfer(row, lender, cash, int(quantities[cash]))
        for token, quantity in goods.items():
            fetched = quantity * int(prices[token])
            self.events.add(day, tally.LIQUIDATION, lender, a, token, quantity, fetched)
        return value + int(quantities[cash])

    def _end(self, a: int) -> None:
        """End an account and all its loans."""
        loans, accounts = self.books.loans, self.books.accounts
        rows = self._by_account.rows(a)
        loans.state[rows[loans.state[rows] <= OPEN_LOAN]] = CLOSED_OUT
        accounts.state[a] = CLOSED
        accounts.exposure[a] = accounts.open_loans[a] = accounts.value[a] = 0

    def _claim(self, a: int, prices: Ints) -> int:
        """Value of what is lent in an account, and its end."""
        loans = self.books.loans
        rows = self._by_account.rows(a)
        claim = int((self.books.lent[rows[loans.state[rows] == OPEN_LOAN]] @ prices).sum())
        self._end(a)
        return claim

    def _settle(self, netting: NettingSet, day: int, prices: Ints, result: CloseOutResult) -> None:
        """Net the claims of two participants, and book what is left as a loss."""
        accounts = self.books.accounts
        debtor, creditor = netting.defaulter, netting.counterparty
        # What the loans of either come to beyond what their collateral fetched.
        own = {debtor: 0, creditor: 0}
        for a in netting.sold:
            own[int(accounts.lender[a])] += self._claim(a, prices) - netting.proceeds[a]
        claim = own[creditor] - own[debtor]
        for a in netting.unwound:
            claim = self._unwind(a, prices, claim)
        if netting.both and claim < 0:
            debtor, creditor, claim = creditor, debtor, -claim
        lost = max(claim, 0)
        party, value = creditor, -claim
        if netting.both:
            lost -= min(lost, max(-own[debtor], 0))
            party, value = (creditor, -lost) if lost else (debtor, claim)
            self._pay(debtor, creditor, claim - lost, result)
        elif claim < 0:
            self._pay(creditor, debtor, -claim, result)
        result.residual_claims += lost
        account = min(netting.sold + netting.unwound)
        self.estates.file(debtor, creditor, lost, account, day)
        self.events.add(day, tally.CLOSE_OUT, party, account, value=value)
        if self.witness:
            self.witness.settled(netting, prices, lost)

    def _pay(self, payer: int, estate: int, amount: int, result: CloseOutResult) -> None:
        """Pay a surplus to an estate in cash, which comes from outside if the payer has none."""
        cash = len(self.ledger.tokens) - 1
        lacking = amount - int(self.ledger.wallets[payer, cash])
        self.ledger.mint(payer, cash, max(lacking, 0))
        self.ledger.transfer(payer, estate, cash, amount)
        result.close_out_surplus += amount

    def _unwind(self, a: int, prices: Ints, claim: int) -> int:
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
        return claim - (due - kept) + missing + rest
