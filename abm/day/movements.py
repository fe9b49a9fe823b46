"""How deliveries, returns and issuances move tokens; compiled, one margin account at a time.

`prices` and quantities are of shape (tokens,), in money units and counts; `a` is the row of a
margin account, `i` that of a loan, and values are in money units.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books import tally
from abm.books.books import Books, record
from abm.books.compiled import compiled, inlined, unsigned
from abm.books.ledger import UNLIMITED, LedgerArrays, account_row, issue, move, redeem
from abm.day.reuse import take_reusable
from abm.rules.planning import SMALL_LOAN, whole_tokens_back
from abm.rules.schedules import counts_for

Ints = npt.NDArray[np.int64]


@inlined
def transit_row(books: Books, a: int, day: int) -> int:
    """Ledger row of what settles into an account on a day."""
    accounts = books.accounts
    slot = day % len(books.returning)
    return books.ledger.transit_row + slot * len(accounts.lender) + a


@inlined
def settlement_lag(books: Books, a: int) -> int:
    """Days until what is moved today settles; where nobody has a lag, compiled code knows it."""
    if len(books.returning) == 0:
        return 0
    return books.terms[books.accounts[a].agreement].lag


@inlined
def draw_capacity(ledger: LedgerArrays, row: int, token: int, quantity: int) -> int:
    """How many of the tokens asked for a wallet's owner can have minted; they are used up."""
    capacity = ledger.capacity[row, token]
    quantity = min(quantity, capacity)
    if capacity < UNLIMITED:
        ledger.capacity[row, token] -= quantity
    return quantity


@inlined
def mint_for(
    ledger: LedgerArrays, day: int, owner: int, row: int, token: int, quantity: int
) -> tuple[int, int]:
    """Have tokens minted for an owner: into a row at once, or into its wallet some days later.

    Gives how many there are now, and how many there will be.
    """
    quantity = draw_capacity(ledger, owner, token, quantity)
    days = len(ledger.arriving)
    if days:
        ledger.arriving[day % days, owner, token] += quantity
        return 0, quantity
    issue(ledger, row, token, quantity)
    return quantity, quantity


@inlined
def redeem_issued(books: Books, prices: Ints, a: int, source: int, quantity: int) -> None:
    """Tokens of the first priority in a row make good what the lender of an account issued.

    It redeems them, and can have as many issued again.
    """
    ledger, account = books.ledger, books.accounts[a]
    lender = unsigned(account.lender)
    token = unsigned(books.priority[account.agreement, 0])
    account.advanced -= quantity
    move(ledger.balance, source, lender, token, quantity)
    redeem(ledger, lender, token, quantity)
    if ledger.capacity[lender, token] < UNLIMITED:
        ledger.capacity[lender, token] += quantity
    record(books, tally.BURN, a, lender, token, quantity, quantity * prices[token])


@inlined
def repay_advance(books: Books, prices: Ints, a: int, quantity: int) -> None:
    """Tokens of the first priority that have come into an account go to a lender that issued."""
    repaid = min(quantity, books.accounts[a].advanced)
    if repaid:
        redeem_issued(books, prices, a, account_row(books.ledger, a), repaid)


@compiled
def restore(books: Books, prices: Ints, participant: int, token: int, quantity: int) -> None:
    """Put tokens from a wallet back where their owner had taken them for re-use."""
    ledger = books.ledger
    begin, end = books.lender_start[participant], books.lender_start[participant + 1]
    for a in books.by_lender[begin:end]:
        if quantity == 0:
            break
        back = min(quantity, books.reused[a, token])
        if back:
            move(ledger.balance, participant, account_row(ledger, a), token, back)
            books.reused[a, token] -= back
            quantity -= back
            if token == books.priority[books.accounts.agreement[a], 0]:
                repay_advance(books, prices, a, back)


@inlined
def lender_issues(books: Books, prices: Ints, a: int, token: int, quantity: int) -> int:
    """The lender, out of collateral, has the rest of a return minted; gives how many were."""
    ledger, account = books.ledger, books.accounts[a]
    lender = unsigned(account.lender)
    quantity = draw_capacity(ledger, lender, token, quantity)
    if quantity == 0:
        return 0
    issue(ledger, lender, token, quantity)
    move(ledger.balance, lender, account.borrower, token, quantity)
    account.advanced += quantity
    if not books.terms[account.agreement].every_call_issues:
        books.totals[tally.LENDER_ISSUANCES] += 1
    value = quantity * prices[token]
    books.totals[tally.LENDER_ISSUED_VALUE] += value
    record(books, tally.MINT, a, lender, token, quantity, value)
    if len(books.reused):
        restore(books, prices, account.borrower, token, quantity)
    return quantity


@inlined
def hand_back(
    books: Books, prices: Ints, a: int, token: int, quantity: int, noted: bool = True
) -> int:
    """Give collateral tokens back to the borrower; returns how many were not there to give.

    Tokens that the lender posted further along are replaced from its own wallet, if it can. What
    the borrower gets back makes good first what it had itself posted further along. What was not
    there is a return fail, unless it is not to be `noted` because another try follows today.
    """
    ledger, account = books.ledger, books.accounts[a]
    row = account_row(ledger, a)
    borrower = unsigned(account.borrower)
    here = min(quantity, ledger.balance[row, token])
    move(ledger.balance, row, borrower, token, here)
    rest = quantity - here
    if len(books.reused):
        lender = unsigned(account.lender)
        replaced = min(rest, ledger.balance[lender, token], books.reused[a, token])
        move(ledger.balance, lender, borrower, token, replaced)
        books.reused[a, token] -= replaced
        rest -= replaced
        restore(books, prices, borrower, token, here + replaced)
        if rest and noted:
            value = rest * prices[token]
            books.totals[tally.RETURN_FAILS] += 1
            books.totals[tally.RETURN_FAIL_VALUE] += value
            record(books, tally.RETURN_FAIL, a, lender, token, rest, value)
    return rest


@inlined
def return_token(books: Books, prices: Ints, day: int, a: int, token: int, quantity: int) -> int:
    """Give tokens of the collateral back to the borrower, or instruct it; gives their value."""
    lag = settlement_lag(books, a)
    if lag:
        books.returning[(day + lag) % len(books.returning), a, token] += quantity
    else:
        quantity -= hand_back(books, prices, a, token, quantity)
    return note_return(books, prices, a, token, quantity)


@inlined
def complete_return(
    books: Books, prices: Ints, day: int, a: int, returned: int, left_over: int
) -> None:
    """Have the lender issue what is left over of a return, if it may, and count the return.

    The account's value is that before the issuance: the paper measures there (section 2.3.4).
    """
    account = books.accounts[a]
    term = books.terms[account.agreement]
    lag = settlement_lag(books, a)
    if lag == 0:
        account.value -= returned
    if left_over > 0 and term.lender_issuance:
        token = unsigned(books.priority[account.agreement, 0])
        spare = account.required // SMALL_LOAN
        one = max(counts_for(books, prices, a, token), 1)
        quantity = whole_tokens_back(left_over, one, term.return_up, spare)
        if lag:
            returned += return_token(books, prices, day, a, token, quantity)
        else:
            quantity = lender_issues(books, prices, a, token, quantity)
            returned += note_return(books, prices, a, token, quantity)
    if returned:
        books.totals[tally.RETURNS] += 1
        books.totals[tally.RETURNED_VALUE] += returned
        account.returns += 1


@compiled
def execute_return(
    books: Books, prices: Ints, day: int, a: int, quantities: Ints, left_over: int
) -> None:
    """Make a return of these quantities of each token; what is `left_over` is to be issued."""
    returned = 0
    for token in range(len(prices)):
        if quantities[token]:
            returned += return_token(books, prices, day, a, token, quantities[token])
    complete_return(books, prices, day, a, returned, left_over)


@inlined
def note_return(books: Books, prices: Ints, a: int, token: int, quantity: int) -> int:
    """Enter a movement back to the borrower; gives its value."""
    if quantity == 0:
        return 0
    value = quantity * prices[token]
    books.totals[tally.TRANSFERS] += 1
    record(books, tally.RETURN, a, books.accounts[a].lender, token, quantity, value)
    return value


@inlined
def execute_delivery(
    books: Books, prices: Ints, day: int, a: int, quantities: Ints, last: int, lag: int
) -> int:
    """Deliver tokens as far as there are any; gives the value. See `execute_part`."""
    borrower = books.accounts[a].borrower
    return execute_part(
        books,
        prices,
        day,
        a,
        quantities,
        last,
        lag,
        books.ledger.balance[borrower],
        books.reusable[borrower if len(books.reused) else 0],
        books.requested[borrower],
    )


@inlined
def execute_part(
    books: Books,
    prices: Ints,
    day: int,
    a: int,
    quantities: Ints,
    last: int,
    lag: int,
    held: Ints,
    reusable: Ints,
    under_way: Ints,
) -> int:
    """Deliver tokens from the wallet, re-used ones next, newly minted ones last; gives the value.

    They arrive `lag` days later. Uses up the quantities of the tokens before position `last` of the
    priority; there are none behind it.

    What the wallet has already asked to be minted and not yet received counts against what is
    asked for now, so that nobody asks twice for the same shortage. `held`, `reusable` and
    `under_way` are how much the delivery may take of what the borrower has in its wallet, may post
    further, and has asked for before.
    """
    ledger, account = books.ledger, books.accounts[a]
    priority, borrower = books.priority[account.agreement], unsigned(account.borrower)
    target = transit_row(books, a, day + lag) if lag else account_row(ledger, a)
    delivered = 0
    issued = 0
    for j in range(last):
        token = unsigned(priority[j])
        quantity = quantities[token]
        if quantity == 0:
            continue
        quantities[token] = 0
        price = prices[token]
        again = 0
        own = min(quantity, held[token])
        if own:
            move(ledger.balance, borrower, target, token, own)
        if own < quantity and len(books.reused):
            most = min(quantity - own, reusable[token])
            again = take_reusable(books, borrower, token, most, target)
            if again:
                books.totals[tally.REUSED_VALUE] += again * price
                record(books, tally.REUSE, a, borrower, token, again, again * price)
        lacking = quantity - own - again
        if lacking:
            if len(ledger.arriving):
                expected = min(lacking, under_way[token])
                books.requested[borrower, token] -= expected
                lacking -= expected
            minted, promised = mint_for(ledger, day, borrower, target, token, lacking)
            own += minted
            if promised:
                issued += promised * price
                record(books, tally.MINT, a, borrower, token, promised, promised * price)
        if j == 0 and not lag:
            repay_advance(books, prices, a, own + again)
        if own + again:
            value = (own + again) * price
            delivered += value
            books.totals[tally.TRANSFERS] += 1
            record(books, tally.DELIVERY, a, borrower, token, own + again, value)
    if issued:
        books.totals[tally.BORROWER_ISSUANCES] += 1
        books.totals[tally.BORROWER_ISSUED_VALUE] += issued
    if delivered:
        books.totals[tally.DELIVERIES] += 1
        books.totals[tally.DELIVERED_VALUE] += delivered
        account.deliveries += 1
        if not lag:
            account.value += delivered
    return delivered
