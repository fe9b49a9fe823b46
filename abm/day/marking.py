"""Marks of balance sheets, by what is known of the margin accounts since they last changed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books import tally
from abm.books.sheet import COLLATERAL_OWED, POSTED, Sheet
from abm.day.day import Setting
from abm.rules.balance_sheet import mark_accounts, mark_own, sum_collateral, sum_exposures

Ints = npt.NDArray[np.int64]


class Marking:
    """Marks the balance sheets of a market.

    Between an evening and the next morning prices change, and no margin account does. Where
    collateral is pledged, stays where it is posted, and moves at once, the tokens that each
    borrower has posted say what it is worth at any price: the accounts are gone over once a day.
    """

    def __init__(self, market: Setting, sheet: Sheet):
        """Mark the sheets of a market whose loans are open."""
        self._market, self._sheet = market, sheet
        given = (market.scenario.agreement, *market.scenario.agreements.values())
        rows, accounts = range(len(market.books.terms)), market.books.accounts
        self.titled = np.array([given[t % len(given)].transfer == "title" for t in rows], np.bool_)
        """Whether title to the collateral passes, shape (agreements,)."""
        # Parties never change; side by side they are read faster than in their records.
        self._borrower = accounts.borrower.copy()
        self._posted = np.zeros_like(sheet.allowed)
        self._issued = bool(accounts.advanced.any())
        self._moved = self._lent_changed = True

    def note_day(self) -> None:
        """Margin accounts have changed as the day's passes have counted."""
        totals = self._market.books.totals
        self._moved = True
        self._issued |= bool(totals[tally.LENDER_ISSUED_VALUE] > 0)
        self._lent_changed |= bool(totals[tally.LOANS_OPENED] or totals[tally.LOANS_SETTLED])

    def note_close_outs(self) -> None:
        """Margin accounts have been closed out."""
        self._moved = self._lent_changed = True

    def mark(self, prices: Ints) -> None:
        """Write what each line is worth at these prices, at which exposures are marked already."""
        books, lines = self._market.books, self._sheet.lines
        if self._one_by_one:
            mark_accounts(books, prices, self.titled, lines)
        else:
            if self._moved:
                sum_collateral(books.ledger, self._borrower, self._posted)
                self._moved = False
            lines[:, POSTED] = self._posted @ prices
            lines[:, COLLATERAL_OWED] = 0  # of close-outs under way, which are entered afterwards
            if self._lent_changed or self._market.lent_moves:
                sum_exposures(books.accounts, lines)
                self._lent_changed = False
        mark_own(books, self._sheet, prices)

    @property
    def _one_by_one(self) -> bool:
        """Whether more than the borrower's tokens in an account makes up what it is worth."""
        books = self._market.books
        elsewhere = len(books.reused) or len(books.returning)
        return bool(elsewhere or self._issued or self.titled.any())
