"""Default and close-out by transactions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from abm.books.ledger import Ledger, LedgerError
from abm.day.close_out import LIQUIDITY, CloseOutDesk, CloseOutResult, Estate

if TYPE_CHECKING:
    from abm.chain.chain import Chain

Ints = npt.NDArray[np.int64]


class TapedLedger(Ledger):
    """A ledger over the same arrays as another that remembers what it was told."""

    def __init__(self, ledger: Ledger):
        self.tokens, self.arrays = ledger.tokens, ledger.arrays
        self.outside_market = ledger.outside_market
        self.mints: list[tuple[int, int, int]] = []
        """(row, token, quantity)"""
        self.moves: list[tuple[int, int, int, int]] = []
        """(source, target, token, quantity)"""

    def mint(self, row: int, token: int, quantity: int) -> None:
        """Mint, and remember it."""
        super().mint(row, token, quantity)
        if quantity:
            self.mints.append((row, token, quantity))

    def exchange(self, legs: Iterable[tuple[int, int, Mapping[int, int]]]) -> None:
        """Move, and remember it."""
        legs = [(source, target, dict(moved)) for source, target, moved in legs]
        super().exchange(legs)
        for source, target, moved in legs:
            self.moves += [(source, target, token, q) for token, q in moved.items() if q]

    def rewind(self) -> None:
        """Forget."""
        self.mints.clear()
        self.moves.clear()


class ChainDesk(CloseOutDesk):
    """Decides when and what to close out as the other desk does; the contracts execute it.

    The columns are a draft of the day's close-outs, overwritten with what the contracts say.
    """

    chain: Chain
    taped: TapedLedger
    acted: bool

    @classmethod
    def instead_of(cls, desk: CloseOutDesk, chain: Chain) -> Self:
        """A desk in place of one that has not acted yet."""
        taped = TapedLedger(desk.ledger)
        new = cls(desk.rules, desk.books, taped, desk.equity, desk.impact, desk.events)
        new.chain, new.taped, new.acted = chain, taped, False
        return new

    def kept(self) -> dict[int, int]:
        """Cash that the contracts keep for lenders until their claims are netted, by row."""
        accounts, cash = self.books.accounts, dict[int, int]()
        for estate in self._estates:
            address = self.chain.addresses[estate.participant]
            for lender in {int(accounts.lender[a]) for a in estate.borrowed.tolist()}:
                amount = self.chain.platform.kept(address, self.chain.addresses[lender])
                cash[lender] = cash.get(lender, 0) + amount
        return cash

    def _begin(self) -> None:
        """Forget the draft of what was executed before."""
        self.acted = True
        self.taped.rewind()

    def _post(self, path: Ints) -> Ints:
        """Have the day's true prices on the machine, the mark of sales included; gives them."""
        prices = self.impact.applied_to(path)
        if (self.chain.posted != prices).any():
            self.chain.post(prices)
        return prices

    def _declare_all(
        self, cause: int, participants: Ints, unmet_days: Ints, day: int, result: CloseOutResult
    ) -> None:
        """Declare defaults and stop the loans of those who are in default."""
        for participant in participants.tolist():
            if self.default_day[participant] >= 0:
                continue
            self._begin()
            evidence = self._unmet_loan(participant) if cause == LIQUIDITY else None
            before = len(self._estates)
            one = np.array([participant], np.int64)
            super()._declare_all(cause, one, unmet_days, day, result)
            address = self.chain.addresses[participant]
            if evidence is None:
                self.chain.platform.declare_insolvent(address)
            else:
                self.chain.platform.declare_unmet(evidence)
            for estate in self._estates[before:]:
                accounts = [*estate.borrowed.tolist(), *estate.lent.tolist()]
                loans = [loan for a in accounts for loan in self._open_in(a)]
                self.chain.platform.stop(loans, address)

    def _unmet_loan(self, borrower: int) -> int:
        """A loan whose calls the borrower has owed for longer than its grace."""
        accounts, loans = self.books.accounts, self.books.loans
        for i, loan_id in self.chain.ids.items():
            a = loans.account[i]
            grace = self.books.terms.grace_days[accounts.agreement[a]]
            owed = max(accounts.unmet_days[a], loans.recall_fails[i])
            if accounts.borrower[a] == borrower and owed > grace and self._open_in(a):
                return loan_id
        raise LedgerError(f"participant {borrower} owes nothing for longer than its grace")

    def _open_in(self, a: int) -> list[int]:
        """The open loan of a margin account, which has one at most."""
        from abm.books.loan_book import OPEN_LOAN

        rows = self._by_account.rows(a).tolist()
        return [self.chain.ids[i] for i in rows if self.books.loans.state[i] == OPEN_LOAN]

    def _sell(self, estates: list[Estate], day: int, path: Ints, result: CloseOutResult) -> None:
        """Sell collateral to the outside market."""
        estates = list(estates)
        if not estates:
            return
        self._begin()
        super()._sell(estates, day, path, result)
        if not self.taped.moves:
            return
        prices = self._post(path).tolist()
        first = self.ledger.arrays.collateral_row
        sold: dict[int, list[int]] = {}
        for source, _, token, quantity in self.taped.moves:
            if source >= first:
                sold.setdefault(source - first, [0] * len(path))[token] += quantity
        for row, token, quantity in self.taped.mints:
            self.chain.platform.fund(self.chain.addresses[row], token, quantity)
        buyer = self.chain.addresses[self.ledger.outside_market]
        for a, amounts in sold.items():
            for loan in self._open_in(a):
                self.chain.platform.liquidate(loan, buyer, amounts, prices)

    def _settle(self, estate: Estate, day: int, path: Ints, result: CloseOutResult) -> None:
        """Net the claims of each counterparty with the estate."""
        self._begin()
        prices = self._post(path).tolist()
        accounts = self.books.accounts
        pairs: dict[int, list[int]] = {}
        for a in estate.borrowed.tolist():
            pairs.setdefault(int(accounts.lender[a]), []).extend(self._open_in(a))
        for a in estate.lent.tolist():
            pairs.setdefault(int(accounts.borrower[a]), []).extend(self._open_in(a))
        losses = self.losses.copy()
        super()._settle(estate, day, path, result)
        for row, token, quantity in self.taped.mints:
            self.chain.platform.fund(self.chain.addresses[row], token, quantity)
        defaulter = self.chain.addresses[estate.participant]
        for counterparty, loans in sorted(pairs.items()):
            if not loans:
                continue
            claim = self.chain.platform.close_out(
                loans, defaulter, self.chain.addresses[counterparty], prices
            )
            booked = int(self.losses[counterparty] - losses[counterparty])
            if max(claim, 0) != booked:
                raise LedgerError(
                    f"close-out of participant {estate.participant} with {counterparty}: the"
                    f" contract counts a loss of {max(claim, 0)}, the desk one of {booked}"
                )
