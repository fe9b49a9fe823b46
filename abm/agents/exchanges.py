"""What borrowers may know that exchange collateral for other tokens of theirs."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from abm.agents.views import Rows
from abm.rules.substitution import Offers, plan_substitutions, write_exchangeable

if TYPE_CHECKING:
    from abm.agents.market import Market

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating]


class Exchanges(Rows):
    """Margin accounts that lack nothing, in which borrowers may exchange collateral, one row each.

    What is exchanged is positive where it comes from the wallet, negative where it goes back.
    """

    def __init__(self, market: Market, account: Ints, least: float | None):
        """These accounts; without `least`, what it has to save, nobody exchanges by default."""
        super().__init__(market, account)
        self._least = least
        self._held, self._counts = np.zeros((2, len(account), len(market.tokens)), np.int64)
        write_exchangeable(market.books, market.prices, account, self._held, self._counts)

    @property
    def wallet(self) -> Ints:
        """Tokens in the wallet of each borrower, shape (rows, tokens)."""
        return self.market.books.ledger.balance[self.borrower]

    @property
    def held(self) -> Ints:
        """Tokens that can be taken back, shape (rows, tokens)."""
        return self._held.copy()

    @property
    def counts(self) -> Floats:
        """What a token counts for, in money; 0 where calls do not move it, shape (rows, tokens)."""
        return self._counts * self.market.unit

    @property
    def offers(self) -> Offers:
        """The same for compiled code, with the wallets of all participants, for using up."""
        wallets = self.market.ledger.wallets.copy(order="C")
        return Offers(self.account, wallets, self._held, self._counts)

    @cached_property
    def default(self) -> Ints:
        """What standard borrowers exchange, shape (rows, tokens)."""
        chosen = np.zeros(self._held.shape, np.int64)
        if self._least is not None:
            books, prices = self.market.books, self.market.prices
            costs, order = prices * self.market.assets.lending_fee, np.zeros_like(prices)
            plan_substitutions(books, prices, costs, self._least, self.offers, order, chosen)
        return chosen
