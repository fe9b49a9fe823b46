"""How loans begin and end: opening, settlement, rolling, recall; compiled.

The four steps of the paper's section 2.1.1; margin maintenance is in `abm.day.margining`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books import tally
from abm.books.books import Books, record
from abm.books.compiled import compiled, inlined
from abm.books.ledger import account_row, issue, move, redeem
from abm.books.loan_book import ACTIVE, NEVER, OPEN_LOAN, PENDING, SETTLED
from abm.day.margining import (
    collateral_value,
    means,
    set_requirement,
    value_in_transit,
    value_tokens,
)
from abm.day.movements import (
    execute_delivery,
    hand_back,
    mint_for,
    restore_capacity,
    transit_row,
)
from abm.rules.planning import plan_delivery

Ints = npt.NDArray[np.int64]


@inlined
def lend(books: Books, prices: Ints, i: int) -> None:
    """Move what a loan lends from the lender to the borrower, and enter it as open."""
    ledger, loans, accounts = books.ledger, books.loans, books.accounts
    a = loans.account[i]
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
    accounts.open_loans[a] += 1
    accounts.exposure[a] += worth
    set_requirement(accounts, books.terms, a)
    books.totals[tally.LOANS_OPENED] += 1
    record(books, tally.OPEN, a, accounts.lender[a], -1, loans.loan_id[i], worth)


@compiled
def open_at_start(books: Books, prices: Ints, posted: Ints, start: int, stop: int) -> None:
    """Open loans `start` to `stop` on day 0 against tokens issued for the purpose.

    Both parties deposit assets with the custodian, which mints what is lent and `posted`; then the
    two legs change hands together.
    """
    ledger, loans, accounts = books.ledger, books.loans, books.accounts
    for i in range(start, stop):
        a = loans.account[i]
        lender, borrower = accounts.lender[a], accounts.borrower[a]
        for token in range(len(prices)):
            lent = books.lent[i, token]
            if lent:
                issue(ledger, lender, token, lent)
                record(books, tally.MINT, a, lender, token, lent, lent * prices[token])
            pledged = posted[i, token]
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
        lacking = quantities[token] - ledger.balance[row, token]
        if lacking > 0 and (len(ledger.arriving) or lacking > ledger.capacity[row, token]):
            return False
    return True


@inlined
def complete_wallet(books: Books, prices: Ints, day: int, a: int, row: int, needed: Ints) -> None:
    """Mint what a wallet lacks of these tokens; `has_means` has said that it can be done."""
    for token in range(len(needed)):
        lacking = needed[token] - books.ledger.balance[row, token]
        if lacking > 0:
            mint_for(books.ledger, day, row, row, token, lacking)
            record(books, tally.MINT, a, row, token, lacking, lacking * prices[token])


@inlined
def reopen(books: Books, prices: Ints, day: int, i: int, quantities: Ints) -> bool:
    """Open a loan in the course of the simulation; both legs or neither.

    The collateral required at today's prices is delivered as on a margin call.
    """
    ledger, loans, accounts, terms = books.ledger, books.loans, books.accounts, books.terms
    a = loans.account[i]
    lender, borrower = accounts.lender[a], accounts.borrower[a]
    if not has_means(books, lender, books.lent[i]):
        return False
    before = accounts.exposure[a]
    for token in range(len(prices)):
        accounts.exposure[a] += books.lent[i, token] * prices[token]
    set_requirement(accounts, terms, a)
    held, mintable = books.scratch[1], books.scratch[2]
    means(books, borrower, held, mintable)
    # The account's value is still yesterday's, before the day's margin run.
    value_tokens(books, prices, a, a + 1)
    missing = accounts.required[a] - collateral_value(books, prices, a, books.worth[0])
    if len(books.returning):
        missing -= value_in_transit(books, prices, a)
    t = accounts.agreement[a]
    last = plan_delivery(prices, books.priority[t], terms[t], held, mintable, missing, quantities)
    for token in range(len(prices)):
        missing -= quantities[token] * prices[token]
    accounts.exposure[a] = before
    if missing > 0 or (len(ledger.arriving) and not has_means(books, borrower, quantities)):
        set_requirement(accounts, terms, a)
        quantities[:] = 0
        return False
    complete_wallet(books, prices, day, a, lender, books.lent[i])
    execute_delivery(books, prices, day, a, quantities, last, 0)
    lend(books, prices, i)
    return True


@inlined
def give_back_lent(books: Books, prices: Ints, day: int, i: int) -> bool:
    """The borrower returns what was lent, minting what it lacks; all of it or nothing."""
    ledger, loans, accounts = books.ledger, books.loans, books.accounts
    a = loans.account[i]
    lender, borrower = accounts.lender[a], accounts.borrower[a]
    needed = books.lent[i]
    if not has_means(books, borrower, needed):
        return False
    complete_wallet(books, prices, day, a, borrower, needed)
    for token in range(len(prices)):
        quantity = needed[token]
        if quantity:
            value = quantity * prices[token]
            move(ledger.balance, borrower, lender, token, quantity)
            accounts.exposure[a] -= value
            books.totals[tally.TRANSFERS] += 1
            record(books, tally.TRANSFER, a, borrower, token, quantity, value)
    return True


@compiled
def release_collateral(books: Books, prices: Ints, day: int, a: int, noted: bool) -> None:
    """Give back everything an account holds; what the lender issued is redeemed first.

    What the lender cannot give back, because it posted it further along, stays due and is tried
    again every day.
    """
    ledger, accounts = books.ledger, books.accounts
    borrower = accounts.borrower[a]
    if accounts.advanced[a]:
        token = books.priority[accounts.agreement[a], 0]
        due = accounts.advanced[a]
        lacking = due - ledger.balance[borrower, token]
        if lacking > 0:
            issue(ledger, borrower, token, lacking)
            record(books, tally.MINT, a, borrower, token, lacking, lacking * prices[token])
        move(ledger.balance, borrower, accounts.lender[a], token, due)
        redeem(ledger, accounts.lender[a], token, due)
        restore_capacity(ledger, accounts.lender[a], token, due)
        accounts.advanced[a] = 0
        record(books, tally.BURN, a, accounts.lender[a], token, due, due * prices[token])
    cancel_instructions(books, a)
    for token in range(len(prices)):
        due = ledger.balance[account_row(ledger, a), token]
        if len(books.reused):
            due += books.reused[a, token]
        if due:
            quantity = due - hand_back(books, prices, a, token, due, noted)
            value = quantity * prices[token]
            accounts.value[a] -= value
            if quantity:
                books.totals[tally.TRANSFERS] += 1
                record(books, tally.TRANSFER, a, accounts.lender[a], token, quantity, value)


@compiled
def cancel_instructions(books: Books, a: int) -> None:
    """Undo what is instructed and not yet settled: deliveries go back to the borrower's wallet."""
    ledger, accounts = books.ledger, books.accounts
    for slot in range(len(books.returning)):
        row = transit_row(books, a, slot)
        for token in range(ledger.balance.shape[1]):
            books.returning[slot, a, token] = 0
            move(ledger.balance, row, accounts.borrower[a], token, ledger.balance[row, token])


@compiled
def settle_loans(
    books: Books,
    prices: Ints,
    day: int,
    at_maturity: Ints,
    next_id: int,
    start: int,
    stop: int,
) -> int:
    """Settle or roll loans `start` to `stop` that are due; gives the next free loan id.

    A loan to be replaced settles, and its replacement is left to `open_replacements`.

    What was lent goes back against the collateral. A borrower that cannot return it keeps the loan
    overdue, which counts as a failed recall on each day. In an account with further loans the
    collateral that is no longer required goes back with the day's margin run.

    Args:
        books: the market.
        prices: of the day.
        day: the day.
        at_maturity: for each loan 0 to settle it, 1 to roll it over, 2 to replace it.
        next_id: identifier of the next loan that replaces one.
        start: first loan.
        stop: the loan behind the last one.
    """
    loans, accounts = books.loans, books.accounts
    for i in range(start, stop):
        a = loans.account[i]
        if accounts.state[a] != ACTIVE:
            continue
        if loans.state[i] != OPEN_LOAN or loans.maturity[i] > day:
            continue
        if at_maturity[i] == 1:
            loans.maturity[i] = day + loans.term[i]
            books.totals[tally.LOANS_ROLLED] += 1
            record(books, tally.ROLL, a, accounts.lender[a], -1, loans.loan_id[i], 0)
            continue
        if not give_back_lent(books, prices, day, i):
            loans.recall_fails[i] += 1
            books.totals[tally.RECALL_FAILS] += 1
            record(books, tally.RECALL_FAIL, a, accounts.borrower[a], -1, loans.loan_id[i], 0)
            continue
        loans.state[i] = SETTLED
        loans.recall_fails[i] = 0
        accounts.open_loans[a] -= 1
        books.totals[tally.LOANS_SETTLED] += 1
        record(books, tally.SETTLE, a, accounts.lender[a], -1, loans.loan_id[i], 0)
        if accounts.open_loans[a] == 0:
            accounts.exposure[a] = 0
            # Where re-use is allowed `retry_releases` follows, and notes what still fails.
            release_collateral(books, prices, day, a, len(books.reused) == 0)
        set_requirement(accounts, books.terms, a)
        if at_maturity[i] == 2:
            loans.loan_id[i] = next_id
            next_id += 1
            loans.opened[i] = day
            loans.maturity[i] = day + loans.term[i]
            loans.state[i] = PENDING
    return next_id


@compiled
def open_replacements(books: Books, prices: Ints, day: int, start: int, stop: int) -> None:
    """Open the loans among `start` to `stop` that replace others, once all others have settled.

    One whose parties lack the means stays pending, and is tried again every day.
    """
    loans, quantities = books.loans, books.scratch[0]
    for i in range(start, stop):
        if loans.state[i] != PENDING or books.accounts.state[loans.account[i]] != ACTIVE:
            continue
        if reopen(books, prices, day, i, quantities):
            loans.opened[i] = day
            loans.maturity[i] = day + loans.term[i]


@compiled
def retry_releases(books: Books, prices: Ints, day: int, start: int, stop: int) -> None:
    """Give back the collateral of settled loans, as far as it is not posted further.

    It follows the settlements, so that what comes back from one can go back on another; what is
    still missing is tried again every day.
    """
    accounts = books.accounts
    for a in range(start, stop):
        if accounts.state[a] == ACTIVE and accounts.open_loans[a] == 0:
            for token in range(len(prices)):
                # What was put back after its re-use is here again, and still due.
                here = books.ledger.balance[account_row(books.ledger, a), token]
                if books.reused[a, token] or here:
                    release_collateral(books, prices, day, a, True)
                    break


@compiled
def recall_loans(books: Books, day: int, notice: int, chosen: npt.NDArray[np.bool_]) -> None:
    """Recall the chosen loans that are open-ended: they are due when the notice ends."""
    loans = books.loans
    for i in range(len(chosen)):
        if chosen[i] and loans.state[i] == OPEN_LOAN and loans.maturity[i] == NEVER:
            loans.maturity[i] = day + notice
            a = loans.account[i]
            books.totals[tally.RECALLS] += 1
            record(books, tally.RECALL, a, books.accounts.lender[a], -1, loans.loan_id[i], 0)
