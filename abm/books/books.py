"""Everything that a compiled pass reads and changes, in one tuple."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.before import Before
from abm.books.calendar import Calendar, flags
from abm.books.compiled import inlined, unsigned
from abm.books.ledger import LedgerArrays
from abm.books.loan_book import Accounts, Loans
from abm.books.schedules import Schedules
from abm.books.tally import Log
from abm.books.terms import Terms, Tokens

Ints = npt.NDArray[np.int64]

VALUED_TOGETHER = 128
"""Accounts that a pass values, or finds uncalled, at once, in vector registers."""


class Books(NamedTuple):
    """The market's state. There is no other copy of it."""

    ledger: LedgerArrays
    loans: Loans
    lent: Ints
    """Quantity lent of each token, shape (loans, tokens)."""
    accounts: Accounts
    returning: Ints
    """Tokens instructed to go back and not yet settled, shape (lag, accounts, tokens)."""
    reused: Ints
    """Tokens that the lender of an account posted further along, or cash that it invested outside
    the ledger, and owes back, shape (accounts, tokens); no rows if nobody may."""
    reusable: Ints
    """Tokens that a participant may still post further today, shape (participants, tokens); one row
    of zeros if nobody may."""
    free: Ints
    """Of which account they are, shape as `reused`."""
    by_lender: Ints
    """Accounts of lenders that borrow, too, sorted by lender, where any may be re-used; else
    empty."""
    lender_start: Ints
    """Where each lender's accounts begin in `by_lender`."""
    by_account: npt.NDArray[np.uint32]
    """Loans sorted by account; empty where each account has one, and they are in order anyway."""
    calendar: Calendar
    """When each loan is due."""
    terms: Terms
    priority: Tokens
    """Columns of the tokens that calls of an agreement move, in order: its first `eligible`."""
    schedules: Schedules
    """What the schedules that agreements name say today."""
    requested: Ints
    """Tokens that each wallet asked to be minted and has not received, (wallets, tokens)."""
    totals: npt.NDArray[np.float64]
    """What the day counted so far, at the positions that `abm.books.tally` names."""
    before: Before
    """What lenders stood to lose before the day's movements."""
    scratch: Ints
    """Room for a pass to work in, shape (3, tokens)."""
    worth: Ints
    """Market values of the collateral of some accounts in a row, for a pass to work in."""
    log: Log
    logged: Ints
    """Number of events in the log, shape (1,)."""

    def eligible(self, agreement: int) -> list[int]:
        """Columns of the tokens that calls of an agreement move, in the order of delivery."""
        return self.priority[agreement, : self.terms.eligible[agreement]].tolist()

    def all_eligible(self) -> npt.NDArray[np.bool_]:
        """Whether calls of an agreement move a token, shape (agreements, tokens)."""
        eligible = np.zeros(self.priority.shape, np.bool_)
        for t in range(len(eligible)):
            eligible[t, self.eligible(t)] = True
        return eligible


def reinvested(books: Books) -> Ints:
    """Cash collateral of each account that its lender has invested outside the ledger.

    What dealers have taken out of accounts they have posted further.
    """
    taken = books.reused[:, -1].copy()
    taken[books.by_lender] = 0
    return taken


@inlined
def loan_at(books: Books, position: int) -> int:
    """The loan at a position of the order in which loans settle: account by account."""
    return unsigned(books.by_account[position]) if len(books.by_account) else position


def rows_with(status: int, books: Books) -> Ints:
    """Loans that have a status in the calendar, in the order of their rows."""
    positions = np.flatnonzero(flags(books.calendar.status, len(books.loans)) == status)
    order = books.by_account
    return np.sort(order[positions]).astype(np.int64) if len(order) else positions


@inlined
def record(
    books: Books, kind: int, account: int, party: int, token: int, quantity: int, value: int
) -> None:
    """Add an event to the log, if anybody listens."""
    log = books.log
    if len(log):
        at = books.logged[0]
        log.kind[at] = kind
        log.account[at] = account
        log.party[at] = party
        log.token[at] = token
        log.quantity[at] = quantity
        log.value[at] = value
        books.logged[0] = at + 1
