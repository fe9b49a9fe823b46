"""The calls of a day and the returns: value, trigger, count, return; compiled.

Pure functions of arrays, no agents. The rules are those of the paper's section 2.2, made exact in
`docs/replication.md`.

`prices` and quantities are of shape (tokens,), in money units and counts; `a` is the row of a
margin account, `i` that of a loan, and values are in money units.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books import tally
from abm.books.answers import BY_DEFAULT, NOTHING, Answers
from abm.books.before import note_before
from abm.books.books import VALUED_TOGETHER, Books, record
from abm.books.compiled import compiled, inlined, unsigned
from abm.books.ledger import account_row
from abm.books.loan_book import ACTIVE
from abm.books.terms import Term
from abm.day.movements import complete_return, return_token
from abm.rules.planning import SMALL_LOAN, choose_return
from abm.rules.schedules import counted, counts_for, has_schedule, plan_counted_return
from abm.rules.trigger import DELIVERY_CALL, NO_CALL, RETURN_CALL, called
from abm.rules.valuation import collateral_value, effective_value, holdings, value_tokens

Ints = npt.NDArray[np.int64]
Calls = npt.NDArray[np.int8]


@inlined
def is_plain(books: Books, answers: Answers) -> bool:
    """Whether everything happens at once, by default, with tokens of one's own, unheard and
    without schedules.

    Passes ask this first and call the same code in both cases: LLVM knows the answer in each, and
    leaves out of the first what it does not need.
    """
    if len(books.returning) or len(books.ledger.arriving):
        return False
    if len(answers.alone) or len(answers.decided):
        return False
    return len(books.reused) == 0 and len(books.log) == 0 and len(books.schedules.of) == 0


@compiled
def run_returns(
    books: Books, prices: Ints, day: int, answers: Answers, calls: Calls, start: int, stop: int
) -> None:
    """Value accounts `start` to `stop`, trigger calls, and make the returns.

    Args:
        books: the market.
        prices: published ones in money units, shape (tokens,).
        day: the day.
        answers: of lenders that decide for themselves. Accounts of those who decide alone are
            valued and called, and left for them to return.
        calls: gets the call of each account, shape (accounts,).
        start: first account.
        stop: the account behind the last one.
    """
    if is_plain(books, answers):
        return_some(books, prices, day, answers, calls, start, stop, VALUED_TOGETHER)
    else:
        # One by one: with re-use, a return can put tokens back into the accounts that follow.
        return_some(books, prices, day, answers, calls, start, stop, 1)


@inlined
def return_some(
    books: Books,
    prices: Ints,
    day: int,
    answers: Answers,
    calls: Calls,
    start: int,
    stop: int,
    together: int,
) -> None:
    """Make the returns of accounts `start` to `stop`, of which some are valued together."""
    while start < stop:
        end = min(start + together, stop)
        value_tokens(books, prices, start, end)
        for row in range(start, end):
            a, tokens = unsigned(row), books.worth[unsigned(row - start)]
            calls[a] = value_and_return(books, prices, day, answers, a, tokens)
        start = end


@inlined
def give_back(target: tuple[Books, Ints, int, int], token: int, quantity: int) -> int:
    """Make a movement back to the borrower; gives its value."""
    books, prices, day, a = target
    return return_token(books, prices, day, a, token, quantity)


@inlined
def value_and_return(
    books: Books, prices: Ints, day: int, answers: Answers, a: int, tokens: int
) -> int:
    """Value an account, and make the return that it gives rise to; gives the call."""
    account = books.accounts[a]
    if account.state != ACTIVE:
        return NO_CALL
    term = books.terms[account.agreement]
    effective = account.value = collateral_value(books, prices, a, tokens)
    call = NO_CALL
    if account.open_loans:
        counts = effective
        if has_schedule(books, a):
            counts = counted(books, prices, a, False)
        note_before(books.before, account, effective, counts)
        effective = effective_value(books, prices, a, effective)
        call = called(account, term, effective)
    if call != DELIVERY_CALL:
        account.unmet = 0
        account.unmet_days = 0
    if call == NO_CALL:
        return NO_CALL
    excess = effective - account.required
    count_call(books, a, term, call, excess)
    if call != RETURN_CALL or (len(answers.alone) and answers.alone[account.lender]):
        return call
    return_excess(books, prices, day, answers, a, excess)
    return call


@inlined
def return_excess(
    books: Books, prices: Ints, day: int, answers: Answers, a: int, excess: int
) -> None:
    """Make a return that is called for."""
    account = books.accounts[a]
    if len(answers.decided) and answers.decided[a] != BY_DEFAULT:
        return_decided(books, prices, day, answers, a)
    elif has_schedule(books, a):
        return_counted(books, prices, day, a, excess)
    else:
        held = books.ledger.balance[account_row(books.ledger, a)]
        if len(books.returning) or len(books.reused):
            held = books.scratch[1]
            holdings(books, a, held)
        priority, target = books.priority[account.agreement], (books, prices, day, a)
        spare = account.required // SMALL_LOAN
        returned, left_over, tokens = choose_return(
            prices, priority, books.terms[account.agreement], held, excess, spare, give_back, target
        )
        if tokens == 0 and left_over == 0:
            books.totals[tally.BLOCKED_RETURNS] += 1
        complete_return(books, prices, day, a, returned, left_over)


@inlined
def return_counted(books: Books, prices: Ints, day: int, a: int, excess: int) -> None:
    """Return an excess from an account with a schedule."""
    held, quantities = books.scratch[1], books.scratch[0]
    holdings(books, a, held)
    left_over, tokens = plan_counted_return(books, prices, a, held, excess, quantities)
    if tokens == 0 and left_over == 0:
        books.totals[tally.BLOCKED_RETURNS] += 1
    returned = 0
    for j in range(len(prices)):
        token = books.schedules.order[books.accounts[a].agreement, len(prices) - 1 - j]
        if quantities[token]:
            returned += return_token(books, prices, day, a, token, quantities[token])
            quantities[token] = 0
    complete_return(books, prices, day, a, returned, left_over)


@inlined
def return_decided(books: Books, prices: Ints, day: int, answers: Answers, a: int) -> None:
    """Return what a lender has decided; beyond what it holds it issues, of the first priority."""
    if answers.decided[a] == NOTHING:
        return
    chosen, first = (
        answers.chosen[answers.decided[a]],
        unsigned(books.priority[books.accounts[a].agreement, 0]),
    )
    held = books.scratch[1]
    holdings(books, a, held)
    returned = 0
    for token in range(len(prices)):
        quantity = min(chosen[token], held[token])
        if quantity:
            returned += return_token(books, prices, day, a, token, quantity)
    beyond = max(chosen[first] - held[first], 0) * counts_for(books, prices, a, first)
    complete_return(books, prices, day, a, returned, beyond)


@inlined
def count_call(books: Books, a: int, term: Term, call: int, excess: int) -> None:
    """Enter a call into the day's totals and the log; its value is signed as the excess is."""
    account, totals = books.accounts[a], books.totals
    account.calls += 1
    totals[tally.MARGIN_CALLS] += 1
    if call == DELIVERY_CALL:
        totals[tally.DELIVERY_CALLS] += 1
        totals[tally.DELIVERY_CALL_VALUE] -= excess
    elif call == RETURN_CALL:
        totals[tally.RETURN_CALLS] += 1
        totals[tally.RETURN_CALL_VALUE] += excess
    if term.every_call_issues:
        totals[tally.LENDER_ISSUANCES] += 1
    record(books, tally.CALL, a, account.lender, -1, 0, excess)
