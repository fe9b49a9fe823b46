"""Collateral received under title transfer and posted further along; compiled.

A token is in one account at a time. What a lender took out of a collateral account to post it
elsewhere is that account's `reused`: it still owes it back.
"""

from __future__ import annotations

from abm.books.books import Books
from abm.books.compiled import compiled, inlined
from abm.books.ledger import account_row, move
from abm.books.loan_book import ACTIVE


@inlined
def part_of(rate: float, quantity: int) -> int:
    """A rate of six decimals times a quantity, rounded down: in integers, as 0.29 · 100 is 29."""
    millionths = int(rate * 1_000_000 + 0.5)
    whole, rest = quantity // 1_000_000, quantity % 1_000_000
    return whole * millionths + rest * millionths // 1_000_000


@compiled
def find_reusable(books: Books) -> None:
    """Fix at the start of the deliveries what each participant may post further today.

    What arrives during the deliveries can be used tomorrow, so that their order does not matter.
    """
    ledger, accounts = books.ledger, books.accounts
    books.reusable[:] = 0
    books.free[:] = 0
    for a in range(len(books.reused)):
        rate = books.terms.reuse[accounts.agreement[a]]
        if rate > 0 and accounts.state[a] == ACTIVE:
            for token in range(books.reused.shape[1]):
                here = ledger.balance[account_row(ledger, a), token]
                reused = books.reused[a, token]
                free = min(part_of(rate, here + reused) - reused, here)
                if free > 0:
                    books.free[a, token] = free
                    books.reusable[accounts.lender[a], token] += free


@compiled
def take_reusable(books: Books, participant: int, token: int, quantity: int, target: int) -> int:
    """Post received collateral further along, oldest account first; returns how much was there."""
    ledger = books.ledger
    found = 0
    begin, end = books.lender_start[participant], books.lender_start[participant + 1]
    for a in books.by_lender[begin:end]:
        if found == quantity:
            break
        taken = min(quantity - found, books.free[a, token])
        if taken:
            move(ledger.balance, account_row(ledger, a), target, token, taken)
            books.reused[a, token] += taken
            books.free[a, token] -= taken
            found += taken
    books.reusable[participant, token] -= found
    return found
