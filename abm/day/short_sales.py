"""Securities that are borrowed to be sold, and bought in when they do not come back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books.loan_book import ACTIVE, OPEN_LOAN
from abm.books.sheet import Policies, Sheet
from abm.day.day import Setting
from abm.rules.parts import parts_of

Ints = npt.NDArray[np.int64]


class ShortSales:
    """Takes what is sold short out of wallets, and finds what is to be bought in for others."""

    def __init__(self, market: Setting, policies: Policies, sheet: Sheet):
        """Serve a market that keeps balance sheets."""
        self._market, self._policies, self._sheet = market, policies, sheet
        self.to_sell = np.zeros_like(sheet.allowed)
        """Tokens that went outside the ledger today to be sold tomorrow, shape (participants,
        tokens)."""
        self.buys_in = bool(np.isfinite(policies.buy_in_days).any())

    def sell_begun(self, borrowed: Ints) -> None:
        """Take the part to sell of what has been borrowed today out of the wallets.

        Args:
            borrowed: shape (participants, tokens).
        """
        ledger = self._market.books.ledger
        wallets = ledger.balance[: len(borrowed), :-1]
        here = np.minimum(borrowed[:, :-1], wallets)
        sold = np.stack([parts_of(of, self._policies.short) for of in here.T], axis=1)
        wallets -= sold
        ledger.burned[:-1] += sold.sum(axis=0)
        ledger.capacity[: len(sold), :-1] += sold
        self.to_sell[:, :-1] += sold

    def orders(self, orders: Ints, position: Ints, due: Ints) -> Ints:
        """Orders of the morning with the short sales of yesterday's loans; negative ones sell.

        Args:
            orders: all others, shape (participants, tokens).
            position: what is outside the ledger, likewise.
            due: what each will have to return, likewise.
        """
        needed = np.where(self._policies.raises_funds[:, None], due, 0)
        sold = np.minimum(self.to_sell, np.maximum(position - needed, 0))
        self.to_sell[:] = 0
        return np.where(orders > 0, orders, np.minimum(orders, -sold))

    def to_buy_in(self, position: Ints) -> Ints:
        """Tokens to buy in today on each borrower's account, shape (participants, tokens).

        Args:
            position: what is outside the ledger, likewise.
        """
        books, missing = self._market.books, np.zeros_like(position)
        loans, accounts = books.loans, books.accounts
        rows = np.flatnonzero((loans.state == OPEN_LOAN) & (loans.recall_fails > 0))
        a = loans.account[rows]
        late = loans.recall_fails[rows] >= self._policies.buy_in_days[accounts.lender[a]]
        late &= accounts.state[a] == ACTIVE
        np.add.at(missing, accounts.borrower[a[late]], books.lent[rows[late]])
        coming = self._sheet.unsettled.sum(axis=0)
        at_hand = books.ledger.balance[: len(missing)] + position + coming
        missing = np.where(missing > 0, np.maximum(missing - at_hand, 0), 0)
        missing[self._market.standing.default_day >= 0] = 0
        return missing
