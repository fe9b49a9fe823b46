"""Estates: what is left of defaulters, shared among those whom they still owe."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import numpy as np
import numpy.typing as npt

from abm.books import tally
from abm.books.events import EventRecorder
from abm.books.ledger import Ledger
from abm.books.standing import Standing
from abm.rules.clearing import clearing
from abm.rules.price_impact import MarketImpact
from scenarios.stress import CloseOut

Ints = npt.NDArray[np.int64]


class Estates:
    """Keeps the residual claims on defaulters, and has their estates pay (`docs/rules.md`).

    A claim is what a close-out left uncovered. Its creditor books it as a loss when it arises, and
    takes back what it recovers: both are its equity's on the same day, if the estate pays on that.
    """

    def __init__(
        self,
        rules: CloseOut,
        ledger: Ledger,
        standing: Standing,
        impact: MarketImpact,
        events: EventRecorder,
    ):
        """No claims yet; without `close_out.recovery` none are kept, and nothing is paid."""
        self.rules = rules
        self.ledger = ledger
        self.standing = standing
        self.impact = impact
        self.events = events
        self.claims: dict[int, dict[int, int]] = {}
        """What each estate still owes, by creditor, in the order of their margin accounts."""
        self._accounts: dict[tuple[int, int], int] = {}
        self._settled: dict[int, int] = {}
        self.bring_in: Callable[[int], None] | None = None
        """Brings into the wallet of an estate what it has outside the ledger."""

    def file(self, estate: int, creditor: int, claim: int, account: int, day: int) -> None:
        """Note that a close-out has ended, and what the creditor still has to get of the estate.

        Args:
            estate: of whom.
            creditor: who books the claim as a loss.
            claim: what is left of it, in money units; 0 for nothing.
            account: the first margin account between the two.
            day: the day.
        """
        self._settled[estate] = self._settled[creditor] = day
        if claim:
            self.standing.lose(creditor, claim)
            if self.standing.insured[creditor]:
                self.ledger.mint(creditor, len(self.ledger.tokens) - 1, claim)
                self._indemnify(creditor, claim, account, day)
        if not (claim and self.rules.recovery):
            return
        self._accounts.setdefault((estate, creditor), account)
        of = self.claims.setdefault(estate, {})
        of[creditor] = of.get(creditor, 0) + claim
        self.claims[estate] = dict(
            sorted(of.items(), key=lambda entry: self._accounts[estate, entry[0]])
        )

    def pay(self, day: int, path: Ints, closing: Collection[int]) -> int:
        """Have the estates pay that can; gives what their creditors recover, in money units.

        Args:
            day: the day, after its close-outs.
            path: prices before any impact.
            closing: participants with a close-out that has not ended, whose estates wait.
        """
        paying = {
            estate: of
            for estate, of in sorted(self.claims.items())
            if estate not in closing and day >= self._settled[estate] + self.rules.recovery_delay
        }
        if not paying:
            return 0
        cash = len(path) - 1
        wallets = self.ledger.wallets
        if self.bring_in is not None:
            for estate in paying:
                self.bring_in(estate)
        self._sell(
            [e for e, of in paying.items() if wallets[e, cash] < sum(of.values())], day, path
        )
        paid = clearing(paying, {estate: max(int(wallets[estate, cash]), 0) for estate in paying})
        change: dict[int, int] = {}
        recovered = 0
        for estate, creditor, amount in _payments(paid):
            self._hand_over(estate, creditor, amount, change)
            account = self._accounts[estate, creditor]
            self.events.add(day, tally.RECOVERY, creditor, account, cash, amount, amount)
            if self.standing.insured[creditor]:
                self._indemnify(creditor, -amount, account, day)
            recovered += amount
        self._move(change)
        return recovered

    def _hand_over(self, estate: int, creditor: int, amount: int, change: dict[int, int]) -> None:
        """Book what an estate pays a creditor; cash of the insured goes on to their agents."""
        change[estate] = change.get(estate, 0) - amount
        insured = self.standing.insured[creditor]
        payee = self.ledger.outside_market if insured else creditor
        change[payee] = change.get(payee, 0) + amount
        self.standing.recover(creditor, amount)
        self.claims[estate][creditor] -= amount
        if not self.claims[estate][creditor]:
            del self.claims[estate][creditor]
        if not self.claims[estate]:
            del self.claims[estate]

    def _indemnify(self, owner: int, amount: int, account: int, day: int) -> None:
        """Note that an agent pays its owner's loss; less than nothing for what goes back to it."""
        cash = len(self.ledger.tokens) - 1
        self.standing.indemnify(owner, amount)
        self.events.add(day, tally.INDEMNITY, owner, account, cash, abs(amount), amount)

    def _sell(self, estates: list[int], day: int, path: Ints) -> None:
        """Sell all tokens of some estates for cash, at one price a token."""
        cash, market = len(path) - 1, self.ledger.outside_market
        goods = np.maximum(self.ledger.wallets[estates], 0)
        goods[:, cash] = 0
        if not goods.any():
            return
        self.impact.trade(goods.sum(axis=0))
        prices = self.impact.applied_to(path)
        for estate, quantities in zip(estates, goods, strict=True):
            sold = {token: int(quantities[token]) for token in np.flatnonzero(quantities).tolist()}
            value = int(quantities @ prices)
            self.ledger.mint(market, cash, value)
            self.ledger.exchange([(estate, market, sold), (market, estate, {cash: value})])
            for token, quantity in sold.items():
                fetched = quantity * int(prices[token])
                self.events.add(day, tally.ESTATE_SALE, estate, -1, token, quantity, fetched)

    def _move(self, change: dict[int, int]) -> None:
        """Move cash such that every wallet changes by so much: debts in a ring are set off."""
        cash = len(self.ledger.tokens) - 1
        givers = [[row, -amount] for row, amount in sorted(change.items()) if amount < 0]
        for row, amount in sorted(change.items()):
            while amount > 0:
                part = min(amount, givers[-1][1])
                self.ledger.transfer(givers[-1][0], row, cash, part)
                amount -= part
                givers[-1][1] -= part
                if not givers[-1][1]:
                    givers.pop()


def _payments(paid: dict[int, dict[int, int]]) -> Iterator[tuple[int, int, int]]:
    for estate, of in paid.items():
        for creditor, amount in of.items():
            if amount:
                yield estate, creditor, amount
