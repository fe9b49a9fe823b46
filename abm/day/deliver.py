"""The deliveries of a day, and what they leave unmet; compiled.

`prices` and quantities are of shape (tokens,), in money units and counts; `a` is the row of a
margin account, `i` that of a loan, and values are in money units.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books import tally
from abm.books.answers import BY_DEFAULT, NOTHING, Answers
from abm.books.books import VALUED_TOGETHER, Books, record
from abm.books.compiled import compiled, inlined, unsigned
from abm.day.call_and_return import is_plain
from abm.day.movements import execute_delivery, execute_part, settlement_lag
from abm.rules.apportion import REUSE, SOURCES, UNDER_WAY, WALLET, Shares
from abm.rules.planning import first_price
from abm.rules.schedules import first_counted_of, has_schedule, plan_any
from abm.rules.trigger import DELIVERY_CALL
from abm.rules.valuation import find_mintable, shortfall

Ints = npt.NDArray[np.int64]
Calls = npt.NDArray[np.int8]


@compiled
def run_deliveries(
    books: Books, prices: Ints, day: int, answers: Answers, calls: Calls, start: int, stop: int
) -> None:
    """Have the borrowers of accounts `start` to `stop` deliver on the calls made to them.

    What a borrower lacks stays as the account's unmet call.

    Args:
        books: the market.
        prices: published ones in money units, shape (tokens,).
        day: the day.
        answers: of borrowers that decide for themselves; those who do so alone are left out.
        calls: the call of each account, shape (accounts,).
        start: first account.
        stop: the account behind the last one.
    """
    if is_plain(books, answers):
        deliver_some(books, prices, day, answers, calls, start, stop)
    else:
        deliver_some(books, prices, day, answers, calls, start, stop)


@inlined
def deliver_some(
    books: Books, prices: Ints, day: int, answers: Answers, calls: Calls, start: int, stop: int
) -> None:
    """Have the borrowers of accounts `start` to `stop` deliver; skips many that are not called."""
    while start < stop:
        end = min(start + VALUED_TOGETHER, stop)
        some = False
        for row in range(start, end):
            some |= calls[unsigned(row)] == DELIVERY_CALL
        if some:
            for row in range(start, end):
                a = unsigned(row)
                alone = len(answers.alone) and answers.alone[books.accounts[a].borrower]
                if calls[a] != DELIVERY_CALL or alone:
                    continue
                if len(answers.decided) and answers.decided[a] != BY_DEFAULT:
                    deliver_decided(books, prices, day, answers, a)
                else:
                    deliver(books, prices, day, a)
        start = end


@inlined
def deliver(books: Books, prices: Ints, day: int, a: int) -> None:
    """Have the borrower of an account deliver what it lacks, as far as it can."""
    account = books.accounts[a]
    borrower = unsigned(account.borrower)
    missing = shortfall(books, prices, a)
    mintable = books.ledger.capacity[borrower]
    if len(books.ledger.arriving):
        mintable = books.scratch[2]
        find_mintable(books, borrower, mintable)
    quantities = books.scratch[0]
    reuses = len(books.reused) > 0
    held, reusable = books.ledger.balance[borrower], books.reusable[borrower if reuses else 0]
    last, _ = plan_any(books, prices, a, held, reusable, reuses, mintable, missing, quantities)
    lag = settlement_lag(books, a)
    missing -= execute_delivery(books, prices, day, a, quantities, last, lag)
    note_unmet(books, prices, a, missing)


@inlined
def deliver_decided(books: Books, prices: Ints, day: int, answers: Answers, a: int) -> None:
    """Have a borrower deliver what it has decided to, as far as it can."""
    missing = shortfall(books, prices, a)
    if answers.decided[a] != NOTHING:
        quantities = books.scratch[0]
        for token in range(len(prices)):
            quantities[token] = answers.chosen[answers.decided[a], token]
        eligible = books.terms[books.accounts[a].agreement].eligible
        lag = settlement_lag(books, a)
        missing -= execute_delivery(books, prices, day, a, quantities, eligible, lag)
    note_unmet(books, prices, a, missing)


@compiled
def deliver_in_order(books: Books, prices: Ints, day: int, answers: Answers, order: Ints) -> None:
    """Have the borrowers of some accounts deliver in this order: all of them have been called."""
    for a in order:
        if len(answers.decided) and answers.decided[a] != BY_DEFAULT:
            deliver_decided(books, prices, day, answers, a)
        else:
            deliver(books, prices, day, a)


@compiled
def deliver_shares(
    books: Books, prices: Ints, day: int, shares: Shares, start: int, stop: int
) -> None:
    """Have borrowers deliver what has been shared among them, for calls `start` to `stop`."""
    for c in range(start, stop):
        deliver_share(books, prices, day, shares, c)


@compiled
def deliver_share(books: Books, prices: Ints, day: int, shares: Shares, c: int) -> None:
    """Have a borrower deliver what a call gets of what it has."""
    a, moved = shares.account[c], shares.moved[c]
    quantities, tokens = books.scratch[0], len(prices)
    for token in range(tokens):
        quantities[token] = 0
        for source in range(SOURCES):
            quantities[token] += moved[source, token]
    lag = settlement_lag(books, a)
    own, again, under_way = moved[WALLET], moved[REUSE], moved[UNDER_WAY]
    eligible = books.terms[books.accounts[a].agreement].eligible
    execute_part(books, prices, day, a, quantities, eligible, lag, own, again, under_way)
    enter_unmet(books, a, shares.unmet[c])


@inlined
def is_rounding(books: Books, prices: Ints, a: int, missing: int) -> bool:
    """Whether what a delivery did not bring is what rounding down leaves open.

    That is less than one of the first token that the borrower could still bring: from its wallet,
    by posting it further, or by minting.
    """
    account, ledger = books.accounts[a], books.ledger
    term, priority = books.terms[account.agreement], books.priority[account.agreement]
    if term.delivery_up:
        return False
    borrower, mintable = account.borrower, books.scratch[2]
    held, reusable = ledger.balance[borrower], books.reusable[borrower if len(books.reused) else 0]
    find_mintable(books, borrower, mintable)
    if has_schedule(books, a):
        return missing < first_counted_of(books, prices, a, held, reusable, mintable)
    price = first_price(prices, priority, term, held)
    if price == 0 and len(books.reused):
        price = first_price(prices, priority, term, reusable)
    if price == 0:
        price = first_price(prices, priority, term, mintable)
    return missing < price


@inlined
def note_unmet(books: Books, prices: Ints, a: int, missing: int) -> None:
    """Enter what a call did not bring; what rounding down leaves open is not an unmet call.

    With a schedule that is what still does not count.
    """
    if has_schedule(books, a):
        missing = shortfall(books, prices, a)
    if missing > 0 and is_rounding(books, prices, a, missing):
        missing = 0
    enter_unmet(books, a, missing)


@inlined
def enter_unmet(books: Books, a: int, missing: int) -> None:
    """Enter an unmet call, or that there is none."""
    account = books.accounts[a]
    if missing > 0:
        account.unmet = missing
        account.unmet_days += 1
        books.totals[tally.UNMET_CALLS] += 1
        books.totals[tally.UNMET_VALUE] += missing
        record(books, tally.UNMET_CALL, a, account.borrower, -1, 0, missing)
    else:
        account.unmet = 0
        account.unmet_days = 0
