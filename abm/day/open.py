"""How loans begin: anew, and in place of others; compiled (paper, section 2.1.1).

`prices` and quantities are of shape (tokens,), in money units and counts; `a` is the row of a
margin account, `i` that of a loan, and values are in money units.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books import tally
from abm.books.books import Books, loan_at, record
from abm.books.calendar import NOTHING, WAITING, enter, flag_of, next_flagged, set_flag
from abm.books.compiled import compiled, inlined, unsigned
from abm.books.ledger import account_row, issue, move
from abm.books.loan_book import ACTIVE, OPEN_LOAN, PENDING
from abm.day.movements import execute_delivery, mint_for
from abm.rules.requirement import set_requirement
from abm.rules.schedules import plan_any
from abm.rules.valuation import collateral_value, effective_value, find_mintable, value_tokens

Ints = npt.NDArray[np.int64]


@inlined
def lend(books: Books, prices: Ints, i: int) -> None:
    """Move what a loan lends from the lender to the borrower, and enter it as open."""
    ledger, loans, accounts = books.ledger, books.loans, books.accounts
    a = unsigned(loans.account[i])
    worth = 0
    for token in range(len(prices)):
        quantity = books.lent[i, token]
        if quantity:
            value = quantity * prices[token]
            worth += value
            move(ledger.balance, accounts.lender[a], accounts.borrower[a], token, quantity)
            books.totals[tally.TRANSFERS] += 1
            record(books, tally.TRANSFER, a, accounts.lender[a], token, quantity, value)
    loans.state[i] = OPEN_LOAN
    set_flag(books.calendar.running, i, 1)
    accounts.open_loans[a] += 1
    accounts.exposure[a] += worth
    set_requirement(accounts, books.terms, a)
    books.totals[tally.LOANS_OPENED] += 1
    record(books, tally.OPEN, a, accounts.lender[a], -1, loans.loan_id[i], worth)


@compiled
def open_anew(books: Books, prices: Ints, rows: Ints, posted: Ints, start: int, stop: int) -> None:
    """Open loans at positions `start` to `stop` of `rows` against tokens issued for the purpose.

    Both parties deposit assets with the custodian, which mints what is lent and `posted`, shape
    (rows, tokens); then the two legs change hands together. A loan of an account in close-out does
    not open.
    """
    ledger, loans, accounts = books.ledger, books.loans, books.accounts
    for position in range(start, stop):
        i = rows[position]
        a = unsigned(loans.account[i])
        if accounts.state[a] != ACTIVE:
            continue
        lender, borrower = unsigned(accounts.lender[a]), unsigned(accounts.borrower[a])
        for token in range(len(prices)):
            lent = books.lent[i, token]
            if lent:
                issue(ledger, lender, token, lent)
                record(books, tally.MINT, a, lender, token, lent, lent * prices[token])
            pledged = posted[position, token]
            if pledged:
                value = pledged * prices[token]
                issue(ledger, borrower, token, pledged)
                record(books, tally.MINT, a, borrower, token, pledged, value)
                move(ledger.balance, borrower, account_row(ledger, a), token, pledged)
                books.totals[tally.TRANSFERS] += 1
                record(books, tally.TRANSFER, a, borrower, token, pledged, value)
                accounts.value[a] += value
        lend(books, prices, i)


@inlined
def has_means(books: Books, row: int, quantities: Ints) -> bool:
    """Whether an owner holds these tokens, or can have the rest minted today."""
    ledger = books.ledger
    for token in range(len(quantities)):
        if quantities[token] == 0:
            continue
        lacking = quantities[token] - ledger.balance[row, token]
        if lacking > 0 and (len(ledger.arriving) or lacking > ledger.capacity[row, token]):
            return False
    return True


@inlined
def complete_wallet(books: Books, prices: Ints, day: int, a: int, row: int, needed: Ints) -> int:
    """Mint what a wallet lacks of these tokens; `has_means` has said that it can be done.

    Gives the value of what was minted.
    """
    minted = 0
    for token in range(len(needed)):
        if needed[token] == 0:
            continue
        lacking = needed[token] - books.ledger.balance[row, token]
        if lacking > 0:
            value = lacking * prices[token]
            minted += value
            mint_for(books.ledger, day, row, row, token, lacking)
            record(books, tally.MINT, a, row, token, lacking, value)
    return minted


@inlined
def reopen(books: Books, prices: Ints, day: int, i: int, quantities: Ints) -> bool:
    """Open a loan in the course of the simulation; both legs or neither.

    The collateral required at today's prices is delivered as on a margin call.
    """
    ledger, loans, accounts, terms = books.ledger, books.loans, books.accounts, books.terms
    a = unsigned(loans.account[i])
    lender, borrower = unsigned(accounts.lender[a]), unsigned(accounts.borrower[a])
    if not has_means(books, lender, books.lent[i]):
        return False
    before = accounts.exposure[a]
    for token in range(len(prices)):
        accounts.exposure[a] += books.lent[i, token] * prices[token]
    set_requirement(accounts, terms, a)
    mintable, reuses = books.scratch[2], len(books.reused) > 0
    find_mintable(books, borrower, mintable)
    # The account's value is still yesterday's, before the day's margin run.
    value_tokens(books, prices, a, a + 1)
    value = collateral_value(books, prices, a, books.worth[0])
    missing = accounts.required[a] - effective_value(books, prices, a, value)
    held, reusable = ledger.balance[borrower], books.reusable[borrower if reuses else 0]
    last, met = plan_any(books, prices, a, held, reusable, reuses, mintable, missing, quantities)
    if met and len(ledger.arriving):
        for token in range(len(prices)):
            at_hand = held[token] + (reusable[token] if reuses else 0)
            met = met and quantities[token] <= at_hand
    accounts.exposure[a] = before
    if not met:
        set_requirement(accounts, terms, a)
        quantities[:] = 0
        return False
    complete_wallet(books, prices, day, a, lender, books.lent[i])
    execute_delivery(books, prices, day, a, quantities, last, 0)
    lend(books, prices, i)
    return True


@compiled
def open_replacements(
    books: Books, prices: Ints, day: int, since: int, start: int, stop: int
) -> None:
    """Open the loans at positions `start` to `stop` that have been pending since a day.

    One whose parties lack the means stays pending, and is tried again every day.
    """
    loans, quantities, calendar = books.loans, books.scratch[0], books.calendar
    position = next_flagged(calendar.status, start, stop)
    while position < stop:
        here, position = position, next_flagged(calendar.status, position + 1, stop)
        if flag_of(calendar.status, here) != WAITING:
            continue
        i = loan_at(books, here)
        if loans.state[i] != PENDING:  # closed out meanwhile
            set_flag(calendar.status, here, NOTHING)
            calendar.waiting[0] -= 1
            continue
        if loans.opened[i] != since:
            continue
        if books.accounts.state[loans.account[i]] != ACTIVE:
            continue
        if reopen(books, prices, day, i, quantities):
            loans.opened[i] = day
            loans.maturity[i] = day + loans.tenor[i]
            enter(calendar, i, loans.maturity[i])
            set_flag(calendar.status, here, NOTHING)
            calendar.waiting[0] -= 1
