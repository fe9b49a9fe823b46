"""How loans end: repayment, rolling, recall, release of the collateral; compiled.

`prices` and quantities are of shape (tokens,), in money units and counts; `a` is the row of a
margin account, `i` that of a loan, and values are in money units.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books import tally
from abm.books.books import Books, loan_at, record
from abm.books.calendar import DUE, NOTHING, WAITING, enter, flag_of, next_flagged, set_flag
from abm.books.compiled import compiled, inlined, unsigned
from abm.books.ledger import account_row, move
from abm.books.loan_book import ACTIVE, NEVER, OPEN_LOAN, PENDING, SETTLED
from abm.day.instructions import cancel_instructions
from abm.day.movements import hand_back, redeem_issued
from abm.day.open import complete_wallet, has_means
from abm.rules.requirement import set_requirement

Ints = npt.NDArray[np.int64]


@inlined
def repay(books: Books, prices: Ints, day: int, i: int) -> bool:
    """The borrower returns what was lent, minting what it lacks; all of it or nothing.

    With the last loan of an account goes what the lender has issued beyond its collateral, which is
    redeemed.
    """
    ledger, loans, accounts = books.ledger, books.loans, books.accounts
    a = unsigned(loans.account[i])
    lender, borrower = unsigned(accounts.lender[a]), unsigned(accounts.borrower[a])
    first = unsigned(books.priority[accounts.agreement[a], 0])
    issued = accounts.advanced[a] if accounts.open_loans[a] == 1 else 0
    needed = books.scratch[1]
    for token in range(len(prices)):
        needed[token] = books.lent[i, token]
    needed[first] += issued
    if not has_means(books, borrower, needed):
        return False
    minted = complete_wallet(books, prices, day, a, borrower, needed)
    if minted:
        books.totals[tally.BORROWER_ISSUANCES] += 1
        books.totals[tally.BORROWER_ISSUED_VALUE] += minted
    for token in range(len(prices)):
        quantity = books.lent[i, token]
        if quantity:
            value = quantity * prices[token]
            move(ledger.balance, borrower, lender, token, quantity)
            accounts.exposure[a] -= value
            books.totals[tally.TRANSFERS] += 1
            record(books, tally.TRANSFER, a, borrower, token, quantity, value)
    if issued:
        redeem_issued(books, prices, a, borrower, issued)
    return True


@compiled
def release_collateral(books: Books, prices: Ints, day: int, a: int, noted: bool) -> None:
    """Give back everything that an account holds.

    What the lender cannot give back, because it posted it further along, stays due and is tried
    again every day.
    """
    ledger, accounts = books.ledger, books.accounts
    cancel_instructions(books, prices, a)
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
def settle_loans(
    books: Books,
    prices: Ints,
    day: int,
    since: int,
    at_maturity: Ints,
    next_id: int,
    start: int,
    stop: int,
) -> int:
    """Settle or roll loans that are `DUE` since a day, account by account; gives the next
    free id.

    A loan to be replaced settles, and its replacement is left to `open_replacements`.

    What was lent goes back against the collateral. A borrower that cannot return it keeps the loan
    overdue, which counts as a failed recall on each day. In an account with further loans the
    collateral that is no longer required goes back with the day's margin run.

    Args:
        books: the market.
        prices: of the day.
        day: the day.
        since: the day since which they are due: those due for longest are settled first.
        at_maturity: for each loan 0 to settle it, 1 to roll it over, 2 to replace it.
        next_id: identifier of the next loan that replaces one.
        start: first position in `books.by_account`.
        stop: the position behind the last one.
    """
    loans, accounts, calendar = books.loans, books.accounts, books.calendar
    changed, position = -1, next_flagged(calendar.status, start, stop)
    while position < stop:
        here, position = position, next_flagged(calendar.status, position + 1, stop)
        i = loan_at(books, here)
        if flag_of(calendar.status, here) != DUE or loans.maturity[i] != since:
            continue
        set_flag(calendar.status, here, NOTHING)
        a = unsigned(loans.account[i])
        if at_maturity[i] == 1:
            loans.maturity[i] = day + loans.tenor[i]
            loans.recall_fails[i] = 0
            enter(calendar, i, loans.maturity[i])
            books.totals[tally.LOANS_ROLLED] += 1
            record(books, tally.ROLL, a, accounts.lender[a], -1, loans.loan_id[i], 0)
            continue
        if not repay(books, prices, day, i):
            loans.recall_fails[i] += 1
            enter(calendar, i, day + 1)
            books.totals[tally.RECALL_FAILS] += 1
            record(books, tally.RECALL_FAIL, a, accounts.borrower[a], -1, loans.loan_id[i], 0)
            continue
        loans.state[i] = SETTLED
        set_flag(calendar.running, i, 0)
        loans.recall_fails[i] = 0
        accounts.open_loans[a] -= 1
        books.totals[tally.LOANS_SETTLED] += 1
        record(books, tally.SETTLE, a, accounts.lender[a], -1, loans.loan_id[i], 0)
        if accounts.open_loans[a] == 0:
            accounts.exposure[a] = 0
            # Where re-use is allowed `retry_releases` follows, and notes what still fails.
            release_collateral(books, prices, day, a, len(books.reused) == 0)
        if changed >= 0 and changed != a:
            set_requirement(accounts, books.terms, changed)
        changed = a  # its other loans follow, and its requirement is found once
        if at_maturity[i] == 2:
            loans.loan_id[i] = next_id
            next_id += 1
            loans.opened[i] = day
            loans.maturity[i] = day + loans.tenor[i]
            loans.state[i] = PENDING
            set_flag(calendar.status, here, WAITING)
            calendar.waiting[0] += 1
    if changed >= 0:
        set_requirement(accounts, books.terms, changed)
    return next_id


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
        a = unsigned(loans.account[i])
        running = loans.state[i] == OPEN_LOAN and books.accounts.state[a] == ACTIVE
        if chosen[i] and running and loans.maturity[i] == NEVER:
            loans.maturity[i] = day + notice
            enter(books.calendar, i, max(day + notice, day + 1))
            books.totals[tally.RECALLS] += 1
            record(books, tally.RECALL, a, books.accounts.lender[a], -1, loans.loan_id[i], 0)
