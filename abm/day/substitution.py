"""Substitution: borrowers take collateral back and bring other tokens for it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.agents.calls import MOST_TOKENS, DecisionError
from abm.agents.exchanges import Exchanges
from abm.books import tally
from abm.books.books import Books, record
from abm.books.compiled import compiled
from abm.books.events import CHUNK
from abm.books.ledger import account_row, move
from abm.books.loan_book import ACTIVE
from abm.day.asking import Asking
from abm.day.chosen import as_array
from abm.day.day import Setting
from abm.day.movements import hand_back, settlement_lag, transit_row
from abm.rules.substitution import (
    BEYOND_LIMIT,
    NOT_HELD,
    NOT_MOVED,
    NOT_THERE,
    TOO_LITTLE,
    first_refused,
)

Ints = npt.NDArray[np.int64]

WHY = {
    NOT_MOVED: "which calls on it do not move",
    NOT_THERE: "more than can be taken back",
    NOT_HELD: "more than is left in the wallet",
    BEYOND_LIMIT: "more than its limits leave",
    TOO_LITTLE: "what comes counts for less than what goes back",
}


class SubstitutionDesk:
    """Asks what is exchanged once the day's calls are met, and has it exchanged."""

    def __init__(self, market: Setting, asking: Asking):
        """Serve a market."""
        self._market, self._asking = market, asking
        self._least = market.scenario.participants.substitution
        self.asks = self._least is not None or bool(asking.exchanges)
        """Whether anybody ever exchanges anything."""
        self.done = (0, 0)
        """Accounts in which something was exchanged on the last day, and the market value of what
        went back, in money units."""

    def run(self) -> None:
        """Exchange collateral in accounts that lack nothing.

        Raises:
            DecisionError: somebody decides on what cannot be.
        """
        if not self.asks:
            return
        market, books = self._market, self._market.books
        accounts = books.accounts
        some = (accounts.state == ACTIVE) & (accounts.open_loans > 0)
        some &= (accounts.unmet == 0) & (accounts.advanced == 0)
        view = Exchanges(market, np.flatnonzero(some), self._least)
        chosen = self._decided(view)
        rows = np.flatnonzero(chosen.any(axis=1))
        went = 0
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            account = view.account[part]
            went += substitute(books, market.prices, market.day, account, chosen[part])
            market.events.drain(market.day)
        self.done = len(rows), went

    def _decided(self, view: Exchanges) -> Ints:
        """What is exchanged, shape (rows, tokens)."""
        if not self._asking.exchanges:
            return view.default
        chosen = view.default.copy()
        name = "choose_substitutions"
        for kind, who, mine in self._asking.groups(self._asking.exchanges, view.borrower, name):
            own = Exchanges(self._market, view.account[mine], self._least)
            chosen[mine] = self._checked(kind, who(own), own)
        return chosen

    def _checked(self, kind: type, given: object, view: Exchanges) -> Ints:
        market, chosen = self._market, as_array(kind, given)
        shape = (len(view), len(market.tokens))
        if chosen.shape != shape or not np.issubdtype(chosen.dtype, np.integer):
            raise DecisionError(
                f"{kind.__name__}: expected whole numbers of tokens of shape {shape}, negative for"
                f" those that go back, got {chosen.dtype} of shape {chosen.shape}"
            )
        bounded = np.clip(chosen, -MOST_TOKENS, MOST_TOKENS).astype(np.int64)
        row, token, why = first_refused(
            market.books, market.prices, view.offers, np.ascontiguousarray(bounded)
        )
        if why:
            what = "" if token < 0 else f" {chosen[row, token]} {market.tokens[token]},"
            raise DecisionError(
                f"{kind.__name__} exchanges{what} for loan {market.first_loan[view.account[row]]}:"
                f" {WHY[why]}"
            )
        return bounded


@compiled
def substitute(books: Books, prices: Ints, day: int, accounts: Ints, chosen: Ints) -> int:
    """Exchange collateral: what comes is instructed first, and settles with what goes back.

    Args:
        books: the market.
        prices: published ones.
        day: the day.
        accounts: rows.
        chosen: what comes and, negative, goes back, shape (rows, tokens); it is there.

    Returns:
        The market value of what goes back.
    """
    went = 0
    for i in range(len(accounts)):
        a = accounts[i]
        account, lag = books.accounts[a], settlement_lag(books, a)
        target = transit_row(books, a, day + lag) if lag else account_row(books.ledger, a)
        for turn in range(2):
            for token in range(len(prices)):
                quantity = chosen[i, token]
                if quantity == 0 or (quantity > 0) != (turn == 0):
                    continue
                value = quantity * prices[token]
                if turn == 0:
                    move(books.ledger.balance, account.borrower, target, token, quantity)
                else:
                    went -= value
                    if lag:
                        books.returning[(day + lag) % len(books.returning), a, token] -= quantity
                    else:
                        hand_back(books, prices, a, token, -quantity)
                if not lag:
                    account.value += value
                books.totals[tally.TRANSFERS] += 1
                record(books, tally.SUBSTITUTION, a, account.borrower, token, quantity, value)
    return went
