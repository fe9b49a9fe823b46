"""What participants may know when they are asked: calls and loans, in columns.

A class that decides for all its members gets the rows of all of them; an agent that decides alone
gets its own. Money is in money; rows are in the order of margin accounts or loans.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from abm.agents.sheet_view import sheet_of
from abm.books.compiled import compiled
from abm.books.loan_book import AT_MATURITY
from abm.books.sheet import CASH
from abm.rules.apportion import MINT
from abm.rules.planning import SMALL_LOAN, whole_tokens_back
from abm.rules.schedules import counts_for, plan_any, plan_return
from abm.rules.shortage import share, short_calls
from abm.rules.trigger import RETURN_CALL, called
from abm.rules.valuation import (
    collateral_value,
    effective_value,
    find_mintable,
    holdings,
    shortfall,
    value_tokens,
)

if TYPE_CHECKING:
    from abm.agents.market import Market
    from abm.books.books import Books

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]


class Rows:
    """Rows of margin accounts."""

    def __init__(self, market: Market, account: Ints):
        self.market = market
        self.account = account
        """Row of each margin account."""

    def __len__(self) -> int:
        return len(self.account)

    @property
    def day(self) -> int:
        """The day."""
        return self.market.day

    @property
    def prices(self) -> Floats:
        """Published prices, in money, shape (tokens,)."""
        return self.market.prices * self.market.unit

    @cached_property
    def lender(self) -> Ints:
        """Row of each lender among the participants, shape (rows,)."""
        return self.market.books.accounts.lender[self.account].astype(np.int64)

    @cached_property
    def borrower(self) -> Ints:
        """Row of each borrower, shape (rows,)."""
        return self.market.books.accounts.borrower[self.account].astype(np.int64)

    @property
    def exposure(self) -> Floats:
        """Market value of what is lent in each account, in money, shape (rows,)."""
        return self.market.books.accounts.exposure[self.account] * self.market.unit

    @property
    def unmet_days(self) -> Ints:
        """Days for which each account's call has been unmet before today, shape (rows,)."""
        return self.market.books.accounts.unmet_days[self.account].astype(np.int64)


class DeliveryCalls(Rows):
    """Calls on borrowers for more collateral, one row a margin account.

    Rows are in the order in which the calls are served: by rank, for those who rank them.
    """

    def __init__(
        self, market: Market, account: Ints, rank: Ints | None = None, scarce: bool = True
    ):
        """Calls on these accounts; of a borrower's calls those of the same rank share.

        Args:
            market: the market.
            account: rows, in the order of service.
            rank: numbers, shape (rows,); all share without them.
            scarce: whether anybody can be short of anything.
        """
        super().__init__(market, account)
        self.scarce = scarce
        self.rank = np.zeros(len(account), np.int64) if rank is None else rank

    @cached_property
    def missing(self) -> Floats:
        """Market value of the collateral that each lacks, in money, shape (rows,)."""
        return self.missing_units * self.market.unit

    @cached_property
    def missing_units(self) -> Ints:
        """The same in the smallest money unit, shape (rows,)."""
        units = np.empty(len(self), np.int64)
        write_missing(self.market.books, self.market.prices, self.account, units)
        return units

    @property
    def wallet(self) -> Ints:
        """Tokens in the wallet of each borrower, shape (rows, tokens)."""
        return self.market.books.ledger.balance[self.borrower]

    @cached_property
    def default(self) -> Ints:
        """Counts that standard borrowers would deliver, shape (rows, tokens).

        Calls on one borrower take from what the ones before leave, and share what it is short of.
        """
        books, prices = self.market.books, self.market.prices
        # In rows, as the tokens of one wallet are read together.
        left = (books.ledger.balance[: len(books.ledger.capacity)].copy(), books.reusable.copy())
        mintable = np.full(books.ledger.capacity.shape, -1)
        quantities = np.zeros((len(self), len(self.market.tokens)), np.int64)
        _write_deliveries(
            books, prices, self.account, self.missing_units, *left, mintable, quantities
        )
        short = np.flatnonzero(self.short)
        if len(short):
            shares, order = share(books, prices, self.account[short], self.rank[short])
            quantities[short[order]] = shares.moved[:, : MINT + 1].sum(axis=1)
        return quantities

    @cached_property
    def short(self) -> Bools:
        """Whether the borrower of each call is short of something, shape (rows,)."""
        if not self.scarce:
            return np.zeros(len(self), np.bool_)
        return short_calls(self.market.books, self.market.prices, self.account)


class ReturnCalls(Rows):
    """Calls on lenders to return collateral, one row a margin account."""

    def __init__(self, market: Market, account: Ints):
        excess = np.zeros(len(account), np.int64)
        _write_excess(market.books, market.prices, account, excess)
        super().__init__(market, account[excess > 0])
        self.excess_units = excess[excess > 0]
        """Market value of the collateral above what is required, in the smallest money unit."""

    @property
    def excess(self) -> Floats:
        """The same in money, shape (rows,)."""
        return self.excess_units * self.market.unit

    @cached_property
    def held(self) -> Ints:
        """Collateral tokens that each lender holds or has posted further, shape (rows, tokens)."""
        held = np.zeros((len(self), len(self.market.tokens)), np.int64)
        _write_held(self.market.books, self.account, held)
        return held

    @cached_property
    def default(self) -> Ints:
        """Counts that standard lenders would return, shape (rows, tokens).

        More than they hold is what they would issue.
        """
        return self._plan[0]

    @property
    def blocked(self) -> Bools:
        """Whether one token of the last priority is dearer than the excess, shape (rows,)."""
        return self._plan[1]

    @cached_property
    def _plan(self) -> tuple[Ints, Bools]:
        quantities = np.zeros((len(self), len(self.market.tokens)), np.int64)
        blocked = np.zeros(len(self), np.bool_)
        _write_returns(
            self.market.books,
            self.market.prices,
            self.account,
            self.held,
            self.excess_units,
            quantities,
            blocked,
        )
        return quantities, blocked


class LoanView(Rows):
    """Open loans, one row each; values of collateral are those of their margin accounts."""

    def __init__(self, market: Market, rows: Ints, standard: Ints, withdrawn: Bools | None = None):
        super().__init__(market, market.books.loans.account[rows].astype(np.int64))
        self._withdrawn = np.zeros(len(rows), np.bool_) if withdrawn is None else withdrawn
        self.rows = rows
        """Row of each loan in the book."""
        self._standard = standard

    @property
    def at_maturity(self) -> npt.NDArray[np.str_]:
        """What the scenario says becomes of each: settle, roll or replace, shape (rows,)."""
        return np.array(AT_MATURITY)[self._standard[self.rows]]

    @property
    def loan_id(self) -> Ints:
        """Identifiers, shape (rows,)."""
        return self.market.books.loans.loan_id[self.rows]

    @property
    def opened(self) -> Ints:
        """Day on which each began, shape (rows,)."""
        return self.market.books.loans.opened[self.rows].astype(np.int64)

    @property
    def lent(self) -> Floats:
        """Market value of what each lends, in money, shape (rows,)."""
        return (self.market.books.lent[self.rows] @ self.market.prices) * self.market.unit

    @property
    def coverage(self) -> Floats:
        """Value of the account's collateral today over what it secures, shape (rows,).

        At market, before any haircut: the day's calls have not been made yet.
        """
        value = np.empty(len(self), np.int64)
        _write_values(self.market.books, self.market.prices, self.account, value)
        return value / np.maximum(self.market.books.accounts.exposure[self.account], 1)

    @property
    def withdrawn(self) -> Bools:
        """Which of them are funded no longer, as the scenario has it, shape (rows,)."""
        return self._withdrawn.copy()

    @property
    def borrower_leverage(self) -> Floats:
        """Leverage of each borrower, shape (rows,); infinite without equity."""
        return sheet_of(self.market).leverage[self.borrower]

    @property
    def liquidity(self) -> Floats:
        """Cash over assets of each lender, shape (rows,)."""
        sheet = sheet_of(self.market)
        return (sheet.lines[:, CASH] / np.maximum(sheet.assets, 1))[self.lender]

    @property
    def volatility(self) -> Floats:
        """Of each account's collateral, for a day: that of its tokens, weighted by their value."""
        values = self.market.ledger.collateral[self.account] * self.market.prices
        total = np.maximum(values.sum(axis=1), 1)
        return (values @ sheet_of(self.market).volatility) / total


@compiled
def write_missing(books: Books, prices: Ints, accounts: Ints, missing: Ints) -> None:
    """Write what accounts lack of their requirement, below zero where there is too much.

    Args:
        books: the market's.
        prices: published ones in money units, shape (tokens,).
        accounts: rows of the accounts.
        missing: gets values in money units, of the same shape.
    """
    for i in range(len(accounts)):
        missing[i] = shortfall(books, prices, accounts[i])


@compiled
def _write_deliveries(
    books: Books,
    prices: Ints,
    accounts: Ints,
    missing: Ints,
    held: Ints,
    reusable: Ints,
    mintable: Ints,
    quantities: Ints,
) -> None:
    """Plan the deliveries of accounts in turn; uses `held`, `reusable` and `mintable` up.

    What can be minted is looked up for those who are called; -1 is where nobody has looked.
    """
    reuses = len(books.reused) > 0
    for i in range(len(accounts)):
        row = books.accounts[accounts[i]].borrower
        if mintable[row, 0] < 0:
            find_mintable(books, row, mintable[row])
        again = reusable[row if reuses else 0]
        plan_any(
            books,
            prices,
            accounts[i],
            held[row],
            again,
            reuses,
            mintable[row],
            missing[i],
            quantities[i],
        )
        for token in range(len(prices)):
            left = quantities[i, token]
            if left == 0:
                continue
            for source in (held[row], again, mintable[row]):
                taken = min(left, source[token])
                source[token] -= taken
                left -= taken


@compiled
def _write_excess(books: Books, prices: Ints, accounts: Ints, excess: Ints) -> None:
    """Excess of the accounts on which a return would be called, 0 for the others."""
    for i in range(len(accounts)):
        a = accounts[i]
        account = books.accounts[a]
        value_tokens(books, prices, a, a + 1)
        value = collateral_value(books, prices, a, books.worth[0])
        effective = effective_value(books, prices, a, value)
        if called(account, books.terms[account.agreement], effective) == RETURN_CALL:
            excess[i] = effective - account.required


@compiled
def _write_held(books: Books, accounts: Ints, held: Ints) -> None:
    for i in range(len(accounts)):
        holdings(books, accounts[i], held[i])


@compiled
def _write_values(books: Books, prices: Ints, accounts: Ints, values: Ints) -> None:
    for i in range(len(accounts)):
        value_tokens(books, prices, accounts[i], accounts[i] + 1)
        values[i] = collateral_value(books, prices, accounts[i], books.worth[0])


@compiled
def _write_returns(
    books: Books,
    prices: Ints,
    accounts: Ints,
    held: Ints,
    excess: Ints,
    quantities: Ints,
    blocked: Bools,
) -> None:
    for i in range(len(accounts)):
        a = accounts[i]
        t = books.accounts[a].agreement
        term, first = books.terms[t], books.priority[t, 0]
        left_over, tokens = plan_return(books, prices, a, held[i], excess[i], quantities[i])
        blocked[i] = tokens == 0 and left_over == 0
        if left_over > 0 and term.lender_issuance:
            one = max(counts_for(books, prices, a, first), 1)
            spare = books.accounts[a].required // SMALL_LOAN
            quantities[i, first] += whole_tokens_back(left_over, one, term.return_up, spare)
