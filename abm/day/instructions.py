"""What was instructed or asked for on an earlier day, and arrives or is dropped; compiled.

`prices` and quantities are of shape (tokens,), in money units and counts; `a` is the row of a
margin account, `i` that of a loan, and values are in money units.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books import tally
from abm.books.books import Books, record
from abm.books.compiled import compiled, inlined
from abm.books.ledger import account_row, issue, move
from abm.day.movements import hand_back, lender_issues, repay_advance, restore, transit_row

Ints = npt.NDArray[np.int64]


@compiled
def settle_returns(books: Books, prices: Ints, day: int, start: int, stop: int) -> None:
    """Settle the returns of accounts `start` to `stop` that are due today."""
    ledger = books.ledger
    slot = day % len(books.returning)
    for a in range(start, stop):
        account = books.accounts[a]
        t = account.agreement
        for token in range(len(prices)):
            due = books.returning[slot, a, token]
            if due == 0:
                continue
            books.returning[slot, a, token] = 0
            held = ledger.balance[account_row(ledger, a), token]
            if len(books.reused):
                held += books.reused[a, token]
            settled = min(due, held)
            settled -= hand_back(books, prices, a, token, settled)
            if due > held and token == books.priority[t, 0] and books.terms[t].lender_issuance:
                settled += lender_issues(books, prices, a, token, due - held)
            value = settled * prices[token]
            record(books, tally.SETTLEMENT, a, account.lender, token, -settled, -value)


@compiled
def settle_deliveries(books: Books, prices: Ints, day: int, start: int, stop: int) -> None:
    """Settle the deliveries to accounts `start` to `stop` that are due today."""
    ledger = books.ledger
    for a in range(start, stop):
        row = transit_row(books, a, day)
        for token in range(len(prices)):
            if ledger.balance[row, token]:
                arrive(books, prices, a, row, token)


@inlined
def arrive(books: Books, prices: Ints, a: int, row: int, token: int) -> None:
    """Settle what is on its way to an account in a row of the ledger."""
    ledger, account = books.ledger, books.accounts[a]
    due = ledger.balance[row, token]
    move(ledger.balance, row, account_row(ledger, a), token, due)
    if token == books.priority[account.agreement, 0]:
        repay_advance(books, prices, a, due)
    value = due * prices[token]
    record(books, tally.SETTLEMENT, a, account.borrower, token, due, value)


@compiled
def receive_minted(books: Books, day: int) -> None:
    """Mint what was requested long enough ago, and sum up what is still under way."""
    ledger, requested = books.ledger, books.requested
    days = len(ledger.arriving)
    requested[:] = 0
    slot = day % days
    for row in range(ledger.collateral_row):
        for token in range(ledger.balance.shape[1]):
            issue(ledger, row, token, ledger.arriving[slot, row, token])
            ledger.arriving[slot, row, token] = 0
            for other in range(days):
                requested[row, token] += ledger.arriving[other, row, token]


@compiled
def cancel_instructions(books: Books, prices: Ints, a: int) -> None:
    """Undo what is instructed for an account whose loans have ended: deliveries go back.

    In the borrower's wallet they make good first what the borrower had posted further.
    """
    ledger, accounts = books.ledger, books.accounts
    borrower = accounts.borrower[a]
    for slot in range(len(books.returning)):
        row = transit_row(books, a, slot)
        for token in range(ledger.balance.shape[1]):
            books.returning[slot, a, token] = 0
            quantity = ledger.balance[row, token]
            if quantity:
                move(ledger.balance, row, borrower, token, quantity)
                if len(books.reused):
                    restore(books, prices, borrower, token, quantity)


@compiled
def finish_instructions(books: Books, prices: Ints, a: int) -> None:
    """A party is in default: deliveries under way are final and arrive, returns are not made."""
    for slot in range(len(books.returning)):
        row = transit_row(books, a, slot)
        for token in range(books.ledger.balance.shape[1]):
            books.returning[slot, a, token] = 0
            if books.ledger.balance[row, token]:
                arrive(books, prices, a, row, token)
