"""Default and close-out by transactions: what the desk decides on, the contracts execute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from abm.books.ledger import Ledger, LedgerError
from abm.books.standing import LIQUIDITY
from abm.day.close_out import NettingSet

if TYPE_CHECKING:
    from abm.chain.chain import Chain

Ints = npt.NDArray[np.int64]


class TapedLedger(Ledger):
    """A ledger over the same arrays as another that remembers what it was told to mint."""

    def __init__(self, ledger: Ledger):
        self.tokens, self.arrays = ledger.tokens, ledger.arrays
        self.outside_market = ledger.outside_market
        self.mints: list[tuple[int, int, int]] = []
        """(row, token, quantity)"""

    def mint(self, row: int, token: int, quantity: int) -> None:
        """Mint, and remember it."""
        super().mint(row, token, quantity)
        if quantity:
            self.mints.append((row, token, quantity))


class ChainWitness:
    """Has the contracts do what the desk has done in columns, which are overwritten by them."""

    def __init__(self, chain: Chain, taped: TapedLedger):
        """Follow the desk that works on a taped ledger."""
        self.chain, self.taped = chain, taped
        self.books = chain.market.books
        self.acted = False
        """Whether anything has happened since this was last looked at."""
        self._open: list[NettingSet] = []

    def declared(self, row: int, cause: int) -> None:
        """Enter the default, with the loan whose calls are owed as its evidence."""
        self.acted = True
        platform = self.chain.platform
        if cause == LIQUIDITY:
            platform.declare_unmet(self._unmet_loan(row))
        else:
            platform.declare_insolvent(self.chain.addresses[row])

    def stopped(self, netting: NettingSet) -> None:
        """Stop the loans: those of a borrower in default as its, the others as their lender's."""
        accounts = self.books.accounts
        by_defaulter: dict[int, list[int]] = {}
        for a in netting.sold:
            by_defaulter.setdefault(int(accounts.borrower[a]), []).extend(self._loans(a))
        for a in netting.unwound:
            by_defaulter.setdefault(int(accounts.lender[a]), []).extend(self._loans(a))
        for defaulter, loans in by_defaulter.items():
            self.chain.platform.stop(loans, self.chain.addresses[defaulter])
        self._open.append(netting)

    def sold(self, sales: Sequence[tuple[NettingSet, int, Ints]], prices: Ints) -> None:
        """Sell the collateral to the outside market, whose cash comes from outside."""
        self._post(prices)
        self._fund()
        buyer = self.chain.addresses[self.taped.outside_market]
        for _, a, quantities in sales:
            for loan in self._loans(a) if quantities.any() else ():
                self.chain.platform.liquidate(loan, buyer, quantities.tolist(), prices.tolist())

    def settled(self, netting: NettingSet, prices: Ints, lost: int) -> None:
        """Net the claims of two participants.

        Raises:
            LedgerError: the contracts count another loss than the desk.
        """
        self._post(prices)
        self._fund()
        self._open.remove(netting)
        first, second = netting.defaulter, netting.counterparty
        claims = {first: 0, second: 0}
        for defaulter, creditor in ((first, second), (second, first)):
            loans = [
                loan
                for a in (*netting.sold, *netting.unwound)
                if self._estate(netting, a) == defaulter
                for loan in self._loans(a)
            ]
            if loans:
                of, by = self.chain.addresses[defaulter], self.chain.addresses[creditor]
                claims[creditor] = self.chain.platform.close_out(loans, of, by, prices.tolist())
        # Each claim as far as it is not covered; two of them are set off against one another.
        losses = sorted(max(claim, 0) for claim in claims.values())
        if losses[1] - losses[0] != lost:
            raise LedgerError(
                f"close-out of participants {first} and {second}: the contracts count a loss of"
                f" {losses[1] - losses[0]}, the desk one of {lost}"
            )

    def kept(self) -> dict[int, int]:
        """Cash that the contracts keep for lenders until their claims are netted, by row."""
        accounts, addresses = self.books.accounts, self.chain.addresses
        cash: dict[int, int] = {}
        for netting in self._open:
            pairs = {(int(accounts.borrower[a]), int(accounts.lender[a])) for a in netting.sold}
            for borrower, lender in pairs:
                amount = self.chain.platform.kept(addresses[borrower], addresses[lender])
                cash[lender] = cash.get(lender, 0) + amount
        return cash

    def _estate(self, netting: NettingSet, a: int) -> int:
        """Whose default has stopped an account."""
        accounts = self.books.accounts
        return int(accounts.borrower[a] if a in netting.sold else accounts.lender[a])

    def _post(self, prices: Ints) -> None:
        """Have the day's true prices on the machine, the mark of sales included."""
        self.acted = True
        if (self.chain.posted != prices).any():
            self.chain.post(prices)

    def _fund(self) -> None:
        """Have minted what the desk has had minted since the last time."""
        for row, token, quantity in self.taped.mints:
            self.chain.platform.fund(self.chain.addresses[row], token, quantity)
        self.taped.mints.clear()

    def _unmet_loan(self, borrower: int) -> int:
        """A loan whose calls the borrower has owed for longer than its grace."""
        accounts, loans = self.books.accounts, self.books.loans
        for i, loan_id in self.chain.ids.items():
            a = loans.account[i]
            grace = self.books.terms.grace_days[accounts.agreement[a]]
            owed = max(accounts.unmet_days[a], loans.recall_fails[i])
            if accounts.borrower[a] == borrower and owed > grace and accounts.open_loans[a]:
                return loan_id
        raise LedgerError(f"participant {borrower} owes nothing for longer than its grace")

    def _loans(self, a: int) -> list[int]:
        """The loan of a margin account, which has one, as the contracts number it."""
        return [self.chain.ids[i] for i in np.flatnonzero(self.books.loans.account == a).tolist()]
