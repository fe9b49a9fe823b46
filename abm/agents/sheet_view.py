"""Balance sheets as participants see them who decide for themselves what to trade."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from abm.books.sheet import CASH, RECEIVABLE, Sheet, outside
from scenarios.errors import InputError

if TYPE_CHECKING:
    from abm.agents.market import Market

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating]


def sheet_of(market: Market) -> Sheet:
    """The balance sheets of a market.

    Raises:
        InputError: it keeps none.
    """
    if market.sheet is None:
        raise InputError("no balance sheets are kept; give the scenario a [balance]")
    return market.sheet


class SheetView:
    """Balance sheets, one row a participant, marked to the day's true prices; money in money."""

    def __init__(self, market: Market, rows: Ints, default: Ints):
        """See those of some participants, who would trade `default` as the scenario has it."""
        self.market, self.rows = market, rows
        self._sheet = sheet_of(market)
        self.default = default
        """Tokens that each would buy, negative to sell, shape (rows, tokens)."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def day(self) -> int:
        """The day."""
        return self.market.day

    @property
    def prices(self) -> Floats:
        """True prices of the day, in money, shape (tokens,)."""
        return self.market.market_prices * self.market.unit

    @property
    def outside(self) -> Ints:
        """Tokens outside the ledger, which can be sold, shape (rows, tokens)."""
        return np.maximum(outside(self.market.books, self._sheet)[self.rows], 0)

    @property
    def cash(self) -> Floats:
        """Cash in the wallet, outside, and to come from sales, shape (rows,)."""
        return self._line(CASH) + self._line(RECEIVABLE)

    @property
    def assets(self) -> Floats:
        """Shape (rows,)."""
        return self._sheet.assets[self.rows] * self.market.unit

    @property
    def equity(self) -> Floats:
        """Assets less liabilities, shape (rows,)."""
        return self._sheet.equity[self.rows] * self.market.unit

    @property
    def leverage(self) -> Floats:
        """Assets other than cash over equity, shape (rows,); infinite without equity."""
        return self._sheet.leverage[self.rows]

    @property
    def volatility(self) -> Floats:
        """Of each token's logarithmic price, for a day, shape (tokens,)."""
        return self._sheet.volatility.copy()

    def _line(self, line: int) -> Floats:
        return self._sheet.lines[self.rows, line] * self.market.unit
