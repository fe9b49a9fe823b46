"""Sales and purchases outside the ledger: one price a token, settled after its cycle."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books import tally
from abm.books.ledger import LARGEST_VALUE
from abm.books.sheet import Sheet, outside
from abm.day.day import Setting
from scenarios.errors import InputError

Ints = npt.NDArray[np.int64]


class OutsideMarket:
    """Where participants trade what they have outside the ledger (`docs/balance-sheets.md`)."""

    def __init__(self, market: Setting, sheet: Sheet):
        """Trade for the participants of a market."""
        self._market, self._sheet = market, sheet
        self._days = market.assets.settlement_days
        self.traded = np.zeros_like(sheet.allowed)
        """Tokens bought less sold, and cash received less paid today."""
        self.bought_in = 0
        """Paid today for what was bought in, in money units."""
        self.above = 0
        """Paid today for purchases above the prices before the trades of their moment."""

    @property
    def _capacity(self) -> Ints:
        # A view that is kept would be none of the books any more in a copy of the market.
        return self._market.books.ledger.capacity[: len(self._sheet.debt)]

    @property
    def _wallet_cash(self) -> Ints:
        return self._market.books.ledger.balance[: len(self._sheet.debt), -1]

    def begin(self, day: int) -> None:
        """Begin a day: what was traded long enough ago arrives."""
        self.traded[:] = self.bought_in = self.above = 0
        arrived = self._sheet.unsettled[day % len(self._sheet.unsettled)]
        self._capacity[:] += arrived
        self._note(day, tally.TRADE_SETTLEMENT, arrived, self._market.market_prices)
        arrived[:] = 0

    def payable(self) -> Ints:
        """Cash with which purchases can be paid today, credit included, shape (participants,)."""
        return self._wallet_cash + self._capacity[:, -1]

    def buy_in(self, day: int, missing: Ints) -> None:
        """Buy on participants' account what they failed to return, shape (participants, tokens)."""
        usual, self._days = self._days, np.zeros_like(self._days)
        self.trade(day, missing, tally.BUY_IN)
        self._days = usual

    def trade(self, day: int, orders: Ints, bought_as: int = tally.PURCHASE) -> None:
        """Sell and buy, all at one price a token, which the trades themselves have moved.

        Args:
            day: the day.
            orders: tokens to buy, negative to sell, shape (participants, tokens). What is not
                there is not sold, and what cannot be paid for is not bought.
            bought_as: the event that a purchase is.
        """
        market = self._market
        position = np.maximum(outside(market.books, self._sheet), 0)
        sales, buys = np.minimum(np.maximum(-orders, 0), position), np.maximum(orders, 0)
        sales[:, -1] = buys[:, -1] = 0
        if not (sales.any() or buys.any()):
            return
        before = market.market_prices
        buys = self._affordable(buys, sales, before)
        market.impact.trade((sales - buys).sum(axis=0))
        prices = market.market_prices
        self._refuse_overflow(prices)
        self._sell(day, sales, prices)
        bought = self._buy(day, buys, prices)
        # Their price has risen by what could then not be paid: it falls back by as much.
        market.impact.trade((buys - bought).sum(axis=0))
        self._note(day, tally.SALE, sales, prices)
        self._note(day, bought_as, bought, prices)
        totals, paid = market.books.totals, int((bought @ prices).sum())
        totals[tally.OUTSIDE_SOLD_VALUE] += (sales @ prices).sum()
        totals[tally.OUTSIDE_BOUGHT_VALUE] += paid
        self.above += paid - int((bought @ before).sum())
        self.bought_in += paid if bought_as == tally.BUY_IN else 0

    def _refuse_overflow(self, prices: Ints) -> None:
        """Refuse prices at which what participants have could not be counted in money any more."""
        arrays, market = self._market.books.ledger, self._market
        there = np.maximum(outside(market.books, self._sheet), 0).sum(axis=0)
        tokens = np.maximum(arrays.minted - arrays.burned, market.books.lent.sum(axis=0))
        value = (there + tokens).astype(np.float64) * prices
        for token in np.flatnonzero(value >= LARGEST_VALUE)[:1].tolist():
            raise InputError(
                f"balance: purchases have driven {market.tokens[token]} to"
                f" {prices[token] * market.unit:.3g} on day {market.day}, so that what there is of"
                " it cannot be counted any more; give close_out.impact more depth"
            )

    def _affordable(self, buys: Ints, sales: Ints, prices: Ints) -> Ints:
        """What can be paid for at today's prices, with what the sales bring by then."""
        buys, money = buys.copy(), self.payable()
        for token in np.flatnonzero(buys.any(axis=0)).tolist():
            same = self._days == self._days[token]
            proceeds = sales[:, same] @ prices[same]
            most = np.maximum(money + proceeds, 0) // prices[token]
            buys[:, token] = np.minimum(buys[:, token], most)
            money -= buys[:, token] * prices[token]
        return buys

    def _sell(self, day: int, sales: Ints, prices: Ints) -> None:
        for token in np.flatnonzero(sales.any(axis=0)).tolist():
            sold = sales[:, token]
            self._capacity[:, token] -= sold
            self.traded[:, token] -= sold
            proceeds = sold * prices[token]
            self._arrival(day, token)[:, -1] += proceeds
            self.traded[:, -1] += proceeds

    def _buy(self, day: int, buys: Ints, prices: Ints) -> Ints:
        """Pay with what sales bring by then, cash outside, cash in the wallet, and credit."""
        bought = np.zeros_like(buys)
        ledger = self._market.books.ledger
        for token in np.flatnonzero(buys.any(axis=0)).tolist():
            arrival, at_once = self._arrival(day, token), not self._days[token]
            to_come = np.zeros_like(bought[:, 0]) if at_once else arrival[:, -1].copy()
            money = to_come + self.payable()
            quantity = np.minimum(buys[:, token], np.maximum(money, 0) // prices[token])
            left = quantity * prices[token]
            self.traded[:, token] += quantity
            self.traded[:, -1] -= left
            netted = np.minimum(left, to_come)
            arrival[:, -1] -= netted
            left = left - netted
            cash = np.maximum(outside(self._market.books, self._sheet)[:, -1], 0)
            paid = np.minimum(left, cash)
            left = left - paid
            burned = np.minimum(left, self._wallet_cash)
            self._wallet_cash[:] -= burned
            ledger.burned[-1] += burned.sum()
            self._capacity[:, -1] -= paid + (left - burned)
            arrival[:, token] += quantity
            bought[:, token] = quantity
        return bought

    def _arrival(self, day: int, token: int) -> Ints:
        """Where what is traded today arrives: outside at once, or under way until its day."""
        days = int(self._days[token])
        if not days:
            return self._capacity
        return self._sheet.unsettled[(day + days) % len(self._sheet.unsettled)]

    def _note(self, day: int, kind: int, quantities: Ints, prices: Ints) -> None:
        if self._market.events.enabled:
            party, token = np.nonzero(quantities)
            quantity = quantities[party, token]
            self._market.events.add_all(day, kind, party, token, quantity, quantity * prices[token])
