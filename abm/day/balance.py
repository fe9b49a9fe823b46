"""The balance-sheet phases of a day: trades, marks, what equity changed by (`docs/rules.md`)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books import tally
from abm.books.ledger import UNLIMITED, LedgerError
from abm.books.loan_book import ACTIVE, AT_MATURITY, OPEN_LOAN
from abm.books.sheet import (
    CLOSED_OUT,
    COLLATERAL_OWED,
    CONTRIBUTED,
    CREDIT,
    POSTED,
    REVALUATION,
    TRADED,
    WITHOUT_END,
    Policies,
    Sheet,
    outside,
)
from abm.day.asking import Asking
from abm.day.close_out import CloseOutDesk
from abm.day.day import Setting
from abm.day.earned import Payments
from abm.day.marking import Marking
from abm.day.outside_market import OutsideMarket
from abm.day.reinvestment import Reinvestment
from abm.day.short_sales import ShortSales
from abm.rules.parts import parts_of
from abm.rules.reinvestment import tokens_for
from abm.rules.requirement import mark_exposures
from abm.rules.trading import deleveraging, raising, sales_worth
from scenarios.errors import InputError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

ROLL = AT_MATURITY.index("roll")

MEMORY = 0.94
"""Of the volatility, from day to day (RiskMetrics 1996)."""


class BalanceDesk:
    """Keeps the balance sheets of a market, and trades outside the ledger as they ask for."""

    def __init__(
        self,
        market: Setting,
        policies: Policies,
        sheet: Sheet,
        desk: CloseOutDesk,
        asking: Asking,
    ):
        """Keep the sheets of a market whose loans are open, and make the first trades of its funds.

        Args:
            market: the market, on day 0.
            policies: what participants do.
            sheet: empty, gets everything.
            desk: of its close-outs.
            asking: asks who decides for itself.

        Raises:
            InputError: a participant's equity is given twice.
        """
        self._market, self._policies, self._sheet, self._desk = market, policies, sheet, desk
        self.outside = OutsideMarket(market, sheet)
        self._shorts, self._payments = ShortSales(market, policies, sheet), Payments(market, sheet)
        desk.estates.bring_in = self.bring_in
        self._given = np.zeros_like(sheet.allowed)
        self._marking = Marking(market, sheet)
        self.reinvestment = Reinvestment(market, policies, sheet, self._marking.titled)
        cash, rows = len(market.tokens) - 1, range(len(market.books.terms))
        self._takes_cash = np.array([cash in market.books.eligible(t) for t in rows])
        self._last_prices = market.path[0]
        self._deleverages = bool(np.isfinite(policies.leverage_limit).any())
        self._raises = bool(policies.raises_funds.any())
        self._asking = asking
        self._begin()

    @property
    def _capacity(self) -> Ints:
        # A view that is kept would be none of the books any more in a copy of the market.
        return self._market.books.ledger.capacity[: len(self._sheet.debt)]

    def trade(self, next_maturity: int) -> None:
        """The morning: what was traded arrives; participants sell and buy at the day's prices.

        Args:
            next_maturity: day before which no loan is due.
        """
        market, sheet = self._market, self._sheet
        self._opening, self._credit = sheet.equity, sheet.lines[:, CREDIT].copy()
        sheet.flows[:] = 0
        paid = self.begin_day()
        self._update_volatility()
        if self._shorts.buys_in:
            self.outside.buy_in(market.day, self._shorts.to_buy_in(self._position()))
        acts = self._deleverages or self._raises or self._asking.trades or self.reinvestment
        if acts or self._shorts.to_sell.any():
            if market.lent_moves:
                mark_exposures(market.books, market.market_prices)
            self._mark(market.market_prices)
            self.outside.trade(market.day, self._morning_orders(next_maturity, paid))

    def begin_day(self) -> Ints:
        """What was earned is paid, what was traded arrives, and placements that are due are paid;
        gives the cash paid for these."""
        self._payments.pay()
        self.outside.begin(self._market.day)
        return self.reinvestment.redeem(self.outside.traded)

    def revalue(self) -> None:
        """Once the day's prices are published and exposures are marked to them."""
        sheet, flows = self._sheet, self._sheet.flows
        self._contribute()
        self._mark(self._market.prices)
        flows[:, TRADED] = self.outside.traded @ self._market.prices
        flows[:, REVALUATION] = sheet.equity - self._opening - flows.sum(axis=1)

    def meet_calls(self, calls: npt.NDArray[np.int8]) -> None:
        """After the deliveries: sell and buy for what calls left unmet, and returns lack.

        Args:
            calls: of the day, shape (accounts,).
        """
        if not self._raises:
            return
        need = np.zeros_like(self._capacity)
        if self._market.books.totals[tally.UNMET_CALLS]:
            need = self._unmet()
        if self.reinvestment:
            need[:, -1] += self.reinvestment.lacking(calls)
        if need.any():
            self.outside.trade(self._market.day, self._orders_for(need))

    def close(self) -> None:
        """The evening, before close-outs: mark again, and see that every change has its reason.

        Raises:
            LedgerError: equity changed by something that is none of `FLOWS`.
        """
        sheet, market = self._sheet, self._market
        self._contribute()
        self._marking.note_day()
        self._mark(market.prices)
        sheet.flows[:, TRADED] = self.outside.traded @ market.prices
        expected, equity = self._opening + sheet.flows.sum(axis=1), sheet.equity
        for row in np.flatnonzero(equity != expected)[:1].tolist():
            raise LedgerError(
                f"{market.population.names[row]}: an equity of {equity[row]} on day {market.day},"
                f" while what changed it comes to {expected[row]}"
            )
        drawn = sheet.lines[:, CREDIT] - self._credit
        rows = np.flatnonzero(drawn)
        none = np.zeros_like(rows)
        market.events.add_all(market.day, tally.CREDIT, rows, none - 1, none, drawn[rows])
        self._enter_equity()

    def after_close_outs(self) -> None:
        """Enter what the day's close-outs have changed."""
        sheet, before = self._sheet, self._sheet.equity
        self._marking.note_close_outs()
        self._mark(self._market.prices)
        sheet.flows[:, CLOSED_OUT] = sheet.equity - before
        self._enter_equity()

    def enter_opened(self, rows: Ints, posted: Ints) -> None:
        """Take what was minted for loans that have begun from outside, as far as it is there.

        Args:
            rows: of the loans, of which those of accounts in close-out have not begun.
            posted: tokens, shape (rows, tokens).
        """
        books, used = self._market.books, np.zeros_like(self._capacity)
        begun = books.loans.state[rows] == OPEN_LOAN
        rows, posted = rows[begun], posted[begun]
        a = books.loans.account[rows]
        np.add.at(used, books.accounts.lender[a], books.lent[rows])
        np.add.at(used, books.accounts.borrower[a], posted)
        taken = np.minimum(used, self._position())
        self._capacity[:] -= taken
        self._given += used - taken
        borrowed = np.zeros_like(used)
        np.add.at(borrowed, books.accounts.borrower[a], books.lent[rows])
        self._shorts.sell_begun(borrowed)

    def deposit(self, row: int, token: int, quantity: int) -> None:
        """Take what a custodian mints on demand from outside; what is not there is contributed."""
        there = max(int(outside(self._market.books, self._sheet)[row, token]), 0)
        self._capacity[row, token] -= min(quantity, there)
        self._given[row, token] += quantity - min(quantity, there)

    def withdraw(self, row: int, token: int, quantity: int) -> None:
        """Give back outside what a custodian burns on demand."""
        self._capacity[row, token] += quantity

    def bring_in(self, row: int) -> None:
        """Bring into the wallet of an estate what it has outside; debt to outside comes first.

        Lenders outside are paid in cash, then in tokens at today's prices, the same part of each.
        """
        prices, sheet, market = self._market.market_prices, self._sheet, self._market
        there = outside(market.books, sheet)[row]
        tokens = np.maximum(there, 0) + self.reinvestment.release(row)
        owed = int(sheet.debt[row]) + max(-int(there[-1]), 0)
        paid = min(owed, int(tokens[-1]))
        tokens[-1], owed = tokens[-1] - paid, owed - paid
        value = int(tokens[:-1] @ prices[:-1])
        part = min(owed / value, 1.0) * (1 - 1e-12) if value else 0.0
        given = np.minimum(np.ceil(part * tokens[:-1]).astype(np.int64), tokens[:-1])
        tokens[:-1] -= given
        sheet.debt[row] = max(owed - int(given @ prices[:-1]), 0)
        sheet.allowed[row] = self._capacity[row] = 0
        for token in np.flatnonzero(tokens).tolist():
            market.ledger.mint(row, token, int(tokens[token]))

    def _begin(self) -> None:
        """What is outside the ledger, the first uses of funds, and what pays for it all."""
        sheet, policies, capacity = self._sheet, self._policies, self._capacity
        given = policies.outside >= 0
        capacity[given] = policies.outside[given]
        endless = (capacity == UNLIMITED) & ~given
        endless[np.isfinite(policies.credit_line), -1] = False
        capacity[capacity == UNLIMITED] = 0
        sheet.allowed[endless] = WITHOUT_END
        capacity[endless] = WITHOUT_END
        self._use_funds()
        self.reinvestment.open()
        self._mark(self._market.prices)
        line = np.where(np.isfinite(policies.credit_line), policies.credit_line, 0.0)
        credit = parts_of(sheet.assets, line)
        sheet.allowed[:, -1] += credit
        capacity[:, -1] += credit
        self._fund_the_rest()
        self._mark(self._market.prices)
        self._enter_equity()

    def _use_funds(self) -> None:
        """Spend cash that was borrowed on assets outside, and sell tokens that were borrowed."""
        books, policies, prices = self._market.books, self._policies, self._market.prices
        number, ledger = len(self._capacity), books.ledger
        borrowed = np.zeros((number, len(prices)), np.int64)
        begun = np.flatnonzero(books.loans.state == OPEN_LOAN)
        np.add.at(borrowed, books.accounts.borrower[books.loans.account[begun]], books.lent[begun])
        borrowed = np.minimum(borrowed, ledger.balance[:number])
        short = np.stack([parts_of(of, policies.short) for of in borrowed[:, :-1].T], axis=1)
        ledger.balance[:number, :-1] -= short
        ledger.burned[:-1] += short.sum(axis=0)
        self._capacity[:, -1] += short @ prices[:-1]
        spent = parts_of(borrowed[:, -1], policies.invest)
        bought = tokens_for(spent, policies.portfolio, prices)[:, :-1]
        cost = bought @ prices[:-1]
        self._capacity[:, :-1] += bought
        ledger.balance[:number, -1] -= cost
        ledger.burned[-1] += cost.sum()

    def _fund_the_rest(self) -> None:
        """Debt to lenders outside makes up the equity that is given; or cash, if there is less."""
        sheet, policies, standing = self._sheet, self._policies, self._market.standing
        levered = ~np.isnan(policies.leverage)
        known = standing.equity < UNLIMITED
        for row in np.flatnonzero(levered & known).tolist():
            name = self._market.population.names[row]
            raise InputError(f"balance: {name} has a leverage and an equity; give one of them")
        sheet.limited[:] = standing.marked[:] = levered | known
        target = np.where(known, standing.equity, 0)
        target[levered] = parts_of(sheet.risky[levered], policies.leverage[levered], True)
        lacking = np.where(sheet.limited, sheet.equity - target, 0)
        sheet.debt[:] = np.maximum(lacking, 0)
        self._capacity[:, -1] += np.maximum(-lacking, 0)

    def _mark(self, prices: Ints) -> None:
        """Mark everything, proceeds of close-outs under way among it: the seller owes them."""
        lines, accounts = self._sheet.lines, self._market.books.accounts
        self._marking.mark(prices)
        for a, proceeds in self._desk.closing.items():
            lines[accounts.borrower[a], POSTED] += proceeds
            lines[accounts.lender[a], COLLATERAL_OWED] += proceeds

    def _contribute(self) -> None:
        """Enter what was minted without limit, or by agents themselves, as given from outside."""
        market, prices = self._market, self._market.prices
        endless = self._sheet.allowed == WITHOUT_END
        beyond = np.where(endless, np.minimum(outside(market.books, self._sheet), 0), 0)
        self._capacity[:] -= beyond
        given = (self._given - beyond) @ prices
        self._given[:] = 0
        self._sheet.flows[:, CONTRIBUTED] += given
        rows = np.flatnonzero(given)
        none = np.zeros_like(rows)
        market.events.add_all(market.day, tally.CONTRIBUTION, rows, none - 1, none, given[rows])

    def _enter_equity(self) -> None:
        limited = self._sheet.limited
        self._market.standing.equity[limited] = self._sheet.equity[limited]

    def _update_volatility(self) -> None:
        """Exponentially weighted, from the first day on that has a return."""
        prices, volatility = self._market.market_prices, self._sheet.volatility
        squared = np.log(prices / self._last_prices) ** 2
        memory = MEMORY if self._market.day > 1 else 0.0
        volatility[:] = np.sqrt(memory * volatility**2 + (1 - memory) * squared)
        self._last_prices = prices

    def _morning_orders(self, next_maturity: int, paid: Ints) -> Ints:
        """Signed tokens that participants trade this morning, shape (participants, tokens).

        Args:
            next_maturity: day before which no loan is due.
            paid: for placements that were due, shape (participants,).
        """
        sheet = self._sheet
        orders, ending = np.zeros_like(sheet.allowed), np.zeros(0, np.int64)
        due = orders
        if self._raises:
            due, ending = self._due(next_maturity)
            orders = self._orders_for(due)
        if self._deleverages:
            sold = self._sales(deleveraging(sheet, self._policies), self._position())
            orders = np.where(orders > 0, orders, np.minimum(orders, -sold))
        if self._shorts.to_sell.any():
            orders = self._shorts.orders(orders, self._position(), due)
        orders[self._market.standing.default_day >= 0] = 0
        if self.reinvestment:
            selling: Bools = np.any(orders < 0, axis=1)
            orders += self.reinvestment.invest(paid, ~selling, ending, self.outside.traded)
        return self._asking.orders(orders)

    def _orders_for(self, need: Ints) -> Ints:
        """Tokens to buy, negative to sell, so that what is needed comes to be there."""
        sheet, books, number = self._sheet, self._market.books, len(self._capacity)
        position = self._position()
        at_hand = books.ledger.balance[:number] + position + sheet.unsettled.sum(axis=0)
        credit = np.minimum(self._capacity[:, -1] - position[:, -1], sheet.allowed[:, -1])
        bought, raised, spare = raising(need, at_hand, position, self._market.market_prices, credit)
        orders = bought - self._sales(raised, spare)
        acts = self._policies.raises_funds & (self._market.standing.default_day < 0)
        return np.where(acts[:, None], orders, 0)

    def _sales(self, values: Floats, positions: Ints) -> Ints:
        prices, places = self._market.market_prices, self._policies.liquidation
        return sales_worth(values, positions, prices, places)

    def _position(self) -> Ints:
        """What is there outside the ledger, cash included, shape (participants, tokens)."""
        return np.maximum(outside(self._market.books, self._sheet), 0)

    def _due(self, next_maturity: int) -> tuple[Ints, Ints]:
        """Tokens to be returned before a trade of today settles, shape (participants, tokens).

        And the accounts whose invested cash collateral goes back with their last loans.
        """
        books, need = self._market.books, np.zeros_like(self._capacity)
        loans, accounts = books.loans, books.accounts
        until = self._market.day + len(self._sheet.unsettled)
        if until < next_maturity:
            return need, np.zeros(0, np.int64)
        rows = np.flatnonzero((loans.state == OPEN_LOAN) & (loans.maturity <= until))
        ends = (self._market.at_maturity[rows] != ROLL) | (loans.recall_fails[rows] > 0)
        rows = rows[ends & (accounts.state[loans.account[rows]] == ACTIVE)]
        np.add.at(need, accounts.borrower[loans.account[rows]], books.lent[rows])
        a = np.unique(loans.account[rows])
        first = books.priority[accounts.agreement[a], 0]
        np.add.at(need, (accounts.borrower[a], first), accounts.advanced[a])
        ending = np.zeros(0, np.int64)
        if self.reinvestment:
            last = np.bincount(loans.account[rows], minlength=len(accounts))
            cash, ending = self.reinvestment.ending(last, self._policies.raises_funds)
            need[:, -1] += cash
        return need, ending

    def _unmet(self) -> Ints:
        """Tokens that would meet what calls left unmet: cash where it is eligible."""
        books, need = self._market.books, np.zeros_like(self._capacity)
        accounts = books.accounts
        a = np.flatnonzero((accounts.unmet > 0) & (accounts.state == ACTIVE))
        agreement = accounts.agreement[a]
        token = np.where(self._takes_cash[agreement], -1, books.priority[agreement, 0].astype(int))
        price = self._market.prices[token]
        np.add.at(need, (accounts.borrower[a], token), -(-accounts.unmet[a] // price))
        return need
