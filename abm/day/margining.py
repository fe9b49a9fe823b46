"""The margin run over the loan book: mark, trigger, plan, return, deliver; compiled.

Pure functions of arrays, no agents. The rules are those of the paper's section 2.2, made exact in
`docs/replication.md`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books import tally
from abm.books.books import VALUED_TOGETHER, Books, record
from abm.books.compiled import compiled, inlined, unsigned
from abm.books.ledger import account_row
from abm.books.loan_book import ACTIVE, OPEN_LOAN, Account, Accounts
from abm.books.terms import Term, Terms
from abm.day.movements import complete_return, execute_delivery, return_token, settlement_lag
from abm.rules.planning import SMALL_LOAN, choose_return, plan_delivery

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Calls = npt.NDArray[np.int8]

NO_CALL, DELIVERY_CALL, RETURN_CALL, NOTHING_TO_MOVE = range(4)


@inlined
def fraction_of(amount: int, numerator: int, denominator: int) -> tuple[int, int]:
    """`amount · numerator / denominator` as quotient and remainder, without overflow on the way."""
    whole, rest = amount // denominator, amount % denominator
    return whole * numerator + (rest * numerator) // denominator, (rest * numerator) % denominator


@compiled
def set_requirement(accounts: Accounts, terms: Terms, a: int) -> None:
    """Required collateral and trigger band of an account, from its exposure (section 2.2.1)."""
    account = accounts[a]
    term = terms[account.agreement]
    exposure = account.exposure
    numerator, denominator = term.required_numerator, term.required_denominator
    required, rest = fraction_of(exposure, numerator, denominator)
    account.slack = (denominator - rest) / numerator if rest else 0.0
    account.required = required + (rest > 0)
    account.upper, _ = fraction_of(exposure, term.upper_numerator, term.upper_denominator)
    lower, rest = fraction_of(exposure, term.lower_numerator, term.lower_denominator)
    account.lower = lower + (rest > 0)


@compiled
def mark_exposures(books: Books, prices: Ints) -> None:
    """Value what is lent at today's prices, and set the requirements from it."""
    loans, accounts = books.loans, books.accounts
    accounts.exposure[:] = 0
    for i in range(len(loans.account)):
        if loans.state[i] == OPEN_LOAN:
            value = 0
            for token in range(len(prices)):
                value += prices[token] * books.lent[i, token]
            accounts.exposure[loans.account[i]] += value
    for a in range(len(accounts.lender)):
        if accounts.state[a] == ACTIVE:
            set_requirement(accounts, books.terms, a)


@inlined
def value_tokens(books: Books, prices: Ints, start: int, stop: int) -> None:
    """Write the market value of the tokens in the accounts `start` to `stop` into `books.worth`."""
    worth = books.worth
    first = account_row(books.ledger, start)
    count = unsigned(stop - start)
    worth[:count] = 0
    for token in range(len(prices)):
        price, balance = prices[token], books.ledger.balance[:, token]
        for i in range(count):
            worth[i] += price * balance[first + i]


@inlined
def collateral_value(books: Books, prices: Ints, a: int, tokens: int) -> int:
    """Market value of an account's collateral.

    What its tokens are worth, and those posted further along, less what the lender issued beyond.
    """
    account = books.accounts[a]
    value = tokens
    if account.advanced:
        value -= prices[books.priority[account.agreement, 0]] * account.advanced
    if len(books.reused):
        for token in range(len(prices)):
            value += prices[token] * books.reused[a, token]
    return value


@inlined
def value_in_transit(books: Books, prices: Ints, a: int) -> int:
    """Market value of what is instructed and not yet settled: deliveries less returns."""
    ledger, accounts = books.ledger, books.accounts
    value = 0
    for slot in range(len(books.returning)):
        row = ledger.transit_row + slot * len(accounts.lender) + a
        for token in range(len(prices)):
            pending = ledger.balance[row, token] - books.returning[slot, a, token]
            value += prices[token] * pending
    return value


@inlined
def called(account: Account, term: Term, effective: int) -> int:
    """Which call, if any, a collateral value (in transit included) gives rise to (section 2.1.2).

    A call that was not met in full stands until it is.
    """
    missing = account.required - effective
    if abs(missing) < term.minimum_transfer:
        return NO_CALL
    if term.daily:
        if missing > 0:
            return DELIVERY_CALL
        return RETURN_CALL if missing < 0 else NOTHING_TO_MOVE
    if effective < account.lower or (account.unmet_days and missing > 0):
        return DELIVERY_CALL
    return RETURN_CALL if effective > account.upper else NO_CALL


@inlined
def give_back(target: tuple[Books, Ints, int, int], token: int, quantity: int) -> int:
    """Make a movement back to the borrower; gives its value."""
    books, prices, day, a = target
    return return_token(books, prices, day, a, token, quantity)


@inlined
def is_plain(books: Books, asked: Bools) -> bool:
    """Whether everything happens at once, by default, with tokens of one's own, and unheard.

    Passes ask this first and call the same code in both cases: LLVM knows the answer in each, and
    leaves out of the first what it does not need.
    """
    if len(books.returning) or len(books.ledger.arriving):
        return False
    return len(asked) == 0 and len(books.reused) == 0 and len(books.log) == 0


@compiled
def run_returns(
    books: Books, prices: Ints, day: int, asked: Bools, calls: Calls, start: int, stop: int
) -> None:
    """Value accounts `start` to `stop`, trigger calls, and make the returns.

    Writes the call of each account into `calls`. Accounts whose lender is `asked` (a participant
    with a behaviour of its own) are valued and called, and left for it to return; an empty `asked`
    stands for nobody.
    """
    if is_plain(books, asked):
        return_some(books, prices, day, asked, calls, start, stop, VALUED_TOGETHER)
    else:
        # One by one: with re-use, a return can put tokens back into the accounts that follow.
        return_some(books, prices, day, asked, calls, start, stop, 1)


@inlined
def return_some(
    books: Books,
    prices: Ints,
    day: int,
    asked: Bools,
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
            calls[a] = value_and_return(books, prices, day, asked, a, tokens)
        start = end


@inlined
def value_and_return(
    books: Books, prices: Ints, day: int, asked: Bools, a: int, tokens: int
) -> int:
    """Value an account, and make the return that it gives rise to; gives the call."""
    account = books.accounts[a]
    if account.state != ACTIVE:
        return NO_CALL
    term = books.terms[account.agreement]
    effective = account.value = collateral_value(books, prices, a, tokens)
    call = NO_CALL
    if account.open_loans:
        if len(books.returning):
            effective += value_in_transit(books, prices, a)
        call = called(account, term, effective)
    if call != DELIVERY_CALL:
        account.unmet = 0
        account.unmet_days = 0
    if call == NO_CALL:
        return NO_CALL
    excess = effective - account.required
    count_call(books, a, term, call, excess)
    if call == RETURN_CALL and not (len(asked) and asked[account.lender]):
        held = books.ledger.balance[account_row(books.ledger, a)]
        if len(books.returning) or len(books.reused):
            held = books.scratch[1]
            holdings(books, a, held)
        priority, target = books.priority[account.agreement], (books, prices, day, a)
        spare = account.required // SMALL_LOAN
        returned, left_over = choose_return(
            prices, priority, term, held, excess, spare, give_back, target
        )
        complete_return(books, prices, day, a, returned, left_over)
    return call


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


@inlined
def holdings(books: Books, a: int, held: Ints) -> None:
    """Tokens that the lender still has to give back and has not instructed to go back."""
    row = account_row(books.ledger, a)
    for token in range(len(held)):
        held[token] = books.ledger.balance[row, token]
        if len(books.reused):
            held[token] += books.reused[a, token]
        for slot in range(len(books.returning)):
            held[token] -= books.returning[slot, a, token]
        held[token] = max(held[token], 0)


@inlined
def means(books: Books, borrower: int, held: Ints, mintable: Ints) -> None:
    """Tokens that a borrower has at hand, and that it can have minted."""
    ledger = books.ledger
    for token in range(len(held)):
        held[token] = ledger.balance[borrower, token]
        mintable[token] = ledger.capacity[borrower, token] + books.requested[borrower, token]
        if len(books.reused):
            held[token] += books.reusable[borrower, token]


@inlined
def shortfall(books: Books, prices: Ints, a: int) -> int:
    """Market value of collateral that an account lacks, what is in transit counted in."""
    missing = books.accounts[a].required - books.accounts[a].value
    if len(books.returning):
        missing -= value_in_transit(books, prices, a)
    return missing


@compiled
def run_deliveries(
    books: Books, prices: Ints, day: int, asked: Bools, calls: Calls, start: int, stop: int
) -> None:
    """Have the borrowers of accounts `start` to `stop` deliver on the calls made to them.

    What a borrower lacks stays as the account's unmet call. Borrowers that are `asked` are left
    out.
    """
    if is_plain(books, asked):
        deliver_some(books, prices, day, asked, calls, start, stop)
    else:
        deliver_some(books, prices, day, asked, calls, start, stop)


@inlined
def deliver_some(
    books: Books, prices: Ints, day: int, asked: Bools, calls: Calls, start: int, stop: int
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
                left_out = len(asked) and asked[books.accounts[a].borrower]
                if calls[a] == DELIVERY_CALL and not left_out:
                    deliver(books, prices, day, a)
        start = end


@inlined
def deliver(books: Books, prices: Ints, day: int, a: int) -> None:
    """Have the borrower of an account deliver what it lacks, as far as it can."""
    account = books.accounts[a]
    borrower = account.borrower
    missing = shortfall(books, prices, a)
    held, mintable = books.ledger.balance[borrower], books.ledger.capacity[borrower]
    if len(books.ledger.arriving) or len(books.reused):
        held, mintable = books.scratch[1], books.scratch[2]
        means(books, borrower, held, mintable)
    term, priority = books.terms[account.agreement], books.priority[account.agreement]
    quantities = books.scratch[0]
    last = plan_delivery(prices, priority, term, held, mintable, missing, quantities)
    lag = settlement_lag(books, a)
    missing -= execute_delivery(books, prices, day, a, quantities, last, lag)
    note_unmet(books, prices, a, missing)


@inlined
def note_unmet(books: Books, prices: Ints, a: int, missing: int) -> None:
    """Enter what a call did not bring; what rounding down leaves open is not an unmet call."""
    account = books.accounts[a]
    term = books.terms[account.agreement]
    if missing > 0 and not term.delivery_up:
        dearest = 0
        for j in range(term.eligible):
            dearest = max(dearest, prices[books.priority[account.agreement, j]])
        missing = missing if missing >= dearest else 0
    if missing > 0:
        account.unmet = missing
        account.unmet_days += 1
        books.totals[tally.UNMET_CALLS] += 1
        books.totals[tally.UNMET_VALUE] += missing
        record(books, tally.UNMET_CALL, a, account.borrower, -1, 0, missing)
    else:
        account.unmet = 0
        account.unmet_days = 0
