"""The margin run over the loan book: mark, trigger, plan, return, deliver; compiled.

Pure functions of arrays, no agents. The rules are those of the paper's section 2.2, made exact in
`docs/replication.md`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm import tally
from abm.books import Books, record
from abm.compiled import compiled, inlined
from abm.loan_book import ACTIVE, OPEN_LOAN, Accounts
from abm.movements import execute_delivery, execute_return, whole_tokens
from abm.terms import Terms

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
    t = accounts.agreement[a]
    exposure = accounts.exposure[a]
    numerator, denominator = terms.required_numerator[t], terms.required_denominator[t]
    required, rest = fraction_of(exposure, numerator, denominator)
    accounts.slack[a] = (denominator - rest) / numerator if rest else 0.0
    accounts.required[a] = required + (rest > 0)
    accounts.upper[a] = fraction_of(exposure, terms.upper_numerator[t], terms.upper_denominator[t])[
        0
    ]
    lower, rest = fraction_of(exposure, terms.lower_numerator[t], terms.lower_denominator[t])
    accounts.lower[a] = lower + (rest > 0)


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
def collateral_value(books: Books, prices: Ints, a: int) -> int:
    """Market value of the collateral that the lender holds, less what it issued beyond it."""
    ledger, accounts = books.ledger, books.accounts
    row = ledger.collateral_row + a
    value = 0
    for token in range(len(prices)):
        value += prices[token] * ledger.balance[row, token]
    if accounts.advanced[a]:
        value -= prices[books.priority[accounts.agreement[a], 0]] * accounts.advanced[a]
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
def called(accounts: Accounts, terms: Terms, a: int, effective: int) -> int:
    """Which call, if any, a collateral value (in transit included) gives rise to (section 2.1.2).

    A call that was not met in full stands until it is.
    """
    t = accounts.agreement[a]
    missing = accounts.required[a] - effective
    if abs(missing) < terms.minimum_transfer[t]:
        return NO_CALL
    if terms.daily[t]:
        if missing > 0:
            return DELIVERY_CALL
        return RETURN_CALL if missing < 0 else NOTHING_TO_MOVE
    if effective < accounts.lower[a] or (accounts.unmet_days[a] and missing > 0):
        return DELIVERY_CALL
    return RETURN_CALL if effective > accounts.upper[a] else NO_CALL


@inlined
def plan_return(
    prices: Ints, priority: Ints, held: Ints, excess: int, up: bool, quantities: Ints
) -> int:
    """Which tokens return an excess: last priority first, the next when one is exhausted.

    Adds to the quantities, none above `held`, and gives the value that is left over.
    """
    for j in range(len(prices) - 1, -1, -1):
        token = priority[j]
        if token < 0:
            continue
        if excess <= 0:
            break
        wanted = whole_tokens(excess, prices[token], up)
        quantity = max(min(wanted, held[token]), 0)
        quantities[token] += quantity
        excess -= quantity * prices[token]
        if quantity < held[token]:
            return 0
    return max(excess, 0)


@inlined
def plan_delivery(
    prices: Ints,
    priority: Ints,
    held: Ints,
    mintable: Ints,
    missing: int,
    up: bool,
    quantities: Ints,
) -> None:
    """Which tokens meet a shortfall: held ones in priority order, then newly minted ones.

    Adds to the quantities.
    """
    for source in (held, mintable):
        for j in range(len(prices)):
            token = priority[j]
            if token < 0 or missing <= 0:
                break
            wanted = whole_tokens(missing, prices[token], up)
            quantity = min(wanted, source[token])
            quantities[token] += quantity
            missing -= quantity * prices[token]
            if quantity == wanted:
                return


@compiled
def run_returns(
    books: Books, prices: Ints, day: int, asked: Bools, calls: Calls, start: int, stop: int
) -> None:
    """Value accounts `start` to `stop`, trigger calls, and make the returns.

    Writes the call of each account into `calls`. Accounts whose lender is `asked` (a participant
    with a behaviour of its own) are valued and called, and left for it to return.
    """
    accounts, terms = books.accounts, books.terms
    quantities = books.scratch[0]
    for a in range(start, stop):
        calls[a] = NO_CALL
        if accounts.state[a] != ACTIVE:
            continue
        value = collateral_value(books, prices, a)
        accounts.value[a] = value
        if accounts.open_loans[a] == 0:
            continue
        effective = value
        if len(books.returning):
            effective += value_in_transit(books, prices, a)
        call = called(accounts, terms, a, effective)
        if call == NO_CALL:
            continue
        calls[a] = call
        excess = effective - accounts.required[a]
        count_call(books, a, call, excess)
        if call == RETURN_CALL and not asked[accounts.lender[a]]:
            held = books.ledger.balance[books.ledger.collateral_row + a]
            if len(books.returning) or len(books.reused):
                held = books.scratch[1]
                holdings(books, a, held)
            t = accounts.agreement[a]
            priority, up = books.priority[t], terms.return_up[t]
            left_over = plan_return(prices, priority, held, excess, up, quantities)
            execute_return(books, prices, day, a, quantities, left_over)


@inlined
def count_call(books: Books, a: int, call: int, excess: int) -> None:
    """Enter a call into the day's totals and the log; its value is signed as the excess is."""
    accounts, totals = books.accounts, books.totals
    accounts.calls[a] += 1
    totals[tally.MARGIN_CALLS] += 1
    if call == DELIVERY_CALL:
        totals[tally.DELIVERY_CALLS] += 1
        totals[tally.DELIVERY_CALL_VALUE] -= excess
    elif call == RETURN_CALL:
        totals[tally.RETURN_CALLS] += 1
        totals[tally.RETURN_CALL_VALUE] += excess
    totals[tally.LENDER_ISSUANCES] += books.terms.every_call_issues[accounts.agreement[a]]
    record(books, tally.CALL, a, accounts.lender[a], -1, 0, excess)


@inlined
def holdings(books: Books, a: int, held: Ints) -> None:
    """Tokens that the lender still has to give back and has not instructed to go back."""
    row = books.ledger.collateral_row + a
    for token in range(len(held)):
        held[token] = books.ledger.balance[row, token]
        if len(books.reused):
            held[token] += books.reused[a, token]
        for slot in range(len(books.returning)):
            held[token] -= books.returning[slot, a, token]


@inlined
def means(books: Books, borrower: int, held: Ints, mintable: Ints) -> None:
    """Tokens that a borrower has at hand, and that it can have minted."""
    ledger, _accounts = books.ledger, books.accounts
    for token in range(len(held)):
        held[token] = ledger.balance[borrower, token]
        mintable[token] = ledger.capacity[borrower, token] + books.requested[borrower, token]
        if len(books.reused):
            held[token] += books.reusable[borrower, token]


@inlined
def shortfall(books: Books, prices: Ints, a: int) -> int:
    """Market value of collateral that an account lacks, what is in transit counted in."""
    missing = books.accounts.required[a] - books.accounts.value[a]
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
    accounts, terms = books.accounts, books.terms
    quantities = books.scratch[0]
    for a in range(start, stop):
        if accounts.state[a] != ACTIVE:
            continue
        if calls[a] != DELIVERY_CALL:
            accounts.unmet[a] = 0
            accounts.unmet_days[a] = 0
            continue
        borrower = accounts.borrower[a]
        if asked[borrower]:
            continue
        missing = shortfall(books, prices, a)
        held, mintable = books.ledger.balance[borrower], books.ledger.capacity[borrower]
        if len(books.ledger.arriving) or len(books.reused):
            held, mintable = books.scratch[1], books.scratch[2]
            means(books, borrower, held, mintable)
        t = accounts.agreement[a]
        priority, up = books.priority[t], terms.delivery_up[t]
        plan_delivery(prices, priority, held, mintable, missing, up, quantities)
        missing -= execute_delivery(books, prices, day, a, quantities, terms.lag[t])
        note_unmet(books, prices, a, missing)


@inlined
def note_unmet(books: Books, prices: Ints, a: int, missing: int) -> None:
    """Enter what a call did not bring; what rounding down leaves open is not an unmet call."""
    accounts, terms = books.accounts, books.terms
    t = accounts.agreement[a]
    if missing > 0 and not terms.delivery_up[t]:
        dearest = 0
        for token in books.priority[t]:
            if token >= 0:
                dearest = max(dearest, prices[token])
        missing = missing if missing >= dearest else 0
    if missing > 0:
        accounts.unmet[a] = missing
        accounts.unmet_days[a] += 1
        books.totals[tally.UNMET_CALLS] += 1
        books.totals[tally.UNMET_VALUE] += missing
        record(books, tally.UNMET_CALL, a, accounts.borrower[a], -1, 0, missing)
    else:
        accounts.unmet[a] = 0
        accounts.unmet_days[a] = 0
