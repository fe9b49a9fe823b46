"""What an account holds, and what its parties can bring or give back; compiled.

`prices` and quantities are of shape (tokens,), in money units and counts; `a` is the row of a
margin account, `i` that of a loan, and values are in money units.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books.books import Books
from abm.books.compiled import inlined, unsigned
from abm.books.ledger import account_row
from abm.rules.schedules import counted, has_schedule

Ints = npt.NDArray[np.int64]


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
def value_delivering(books: Books, prices: Ints, a: int) -> int:
    """Market value of deliveries that have left the borrower's wallet and not yet settled."""
    ledger, value = books.ledger, 0
    for slot in range(len(books.returning)):
        row = ledger.transit_row + slot * len(books.accounts) + a
        for token in range(len(prices)):
            value += prices[token] * ledger.balance[row, token]
    return value


@inlined
def effective_value(books: Books, prices: Ints, a: int, value: int) -> int:
    """What is compared with the requirement of an account whose collateral is worth a value."""
    if has_schedule(books, a):
        return counted(books, prices, a, True)
    if len(books.returning):
        value += value_in_transit(books, prices, a)
    return value


@inlined
def shortfall(books: Books, prices: Ints, a: int) -> int:
    """Market value of collateral that an account lacks, what is in transit counted in."""
    if has_schedule(books, a):
        return books.accounts[a].required - counted(books, prices, a, True)
    missing = books.accounts[a].required - books.accounts[a].value
    if len(books.returning):
        missing -= value_in_transit(books, prices, a)
    return missing


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
def find_mintable(books: Books, borrower: int, mintable: Ints) -> None:
    """Tokens that a borrower can have minted, or has asked for already."""
    for token in range(len(mintable)):
        capacity, requested = books.ledger.capacity[borrower, token], books.requested
        mintable[token] = capacity + requested[borrower, token]
