"""Shares of what is too little for all, by largest remainder (`docs/rules.md`); compiled.

`a` is the row of a margin account, `c` that of a call, and values are in money units.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.books import Books
from abm.books.compiled import inlined

Ints = npt.NDArray[np.int64]

WALLET, REUSE, MINT, UNDER_WAY = range(4)
"""Where tokens come from, in this order; last, which of those minted were asked for before."""
SOURCES = 3


class Shares(NamedTuple):
    """What some calls get of what their borrowers have.

    Calls that share are next to one another; so are the groups of one borrower, of which the first
    is served before the second.
    """

    account: Ints
    """Row of each call's account, shape (calls,)."""
    start: Ints
    """Where each group of calls begins, and the end, shape (groups + 1,)."""
    moved: Ints
    """What moves, shape (calls, 4, tokens): from the wallet, posted further, minted, and how much
    of the last had been asked for before."""
    missing: Ints
    """Value that does not come today, shape (calls,)."""
    unmet: Ints
    """The same where it is more than rounding leaves open, else 0."""
    left: Ints
    """Room to work in, as are the following: value that is still sought, 0 at the end."""
    weight: Ints
    given: Ints
    remainder: Ints
    order: Ints
    ended: Ints
    """Source and token, as one number, at which rounding down has ended a search; -1 if none."""
    stock: Ints
    """What a borrower has, shape (4, tokens)."""
    number: Ints
    """Tokens in each call's account, shape (calls, tokens); no rows without schedules."""
    used: Ints
    """What they use of its limits, shape (calls, limits)."""


def new_shares(books: Books, account: Ints, group: Ints) -> Shares:
    """Room for calls on these accounts, which are sorted by borrower and then by group.

    Args:
        books: the market.
        account: rows, shape (calls,).
        group: calls of a borrower with the same number share, shape (calls,).
    """
    borrower = books.accounts.borrower[account]
    begins = np.ones(len(account), np.bool_)
    begins[1:] = (borrower[1:] != borrower[:-1]) | (group[1:] != group[:-1])
    start = np.append(np.flatnonzero(begins), len(account))
    return room_for_shares(books, account, start)


def room_for_shares(books: Books, account: Ints, start: Ints) -> Shares:
    """Room for calls on these accounts, in groups that begin at `start`."""
    calls, tokens, schedules = len(account), books.lent.shape[1], books.schedules
    moved, by_call = np.zeros((calls, 4, tokens), np.int64), np.zeros((8, calls), np.int64)
    stock = np.zeros((4, tokens), np.int64)
    number = np.zeros((calls if len(schedules.of) else 0, tokens), np.int64)
    used = np.zeros((calls, len(schedules.used)), np.int64)
    return Shares._make([account.astype(np.int64), start, moved, *by_call, stock, number, used])


@inlined
def apportion(books: Books, shares: Shares, first: int, stop: int, there: int, price: int) -> None:
    """Give out fewer tokens than are asked for, in proportion to weights, by largest remainder.

    Where their value is enough and only whole tokens are too few, each call gets what it comes to.
    """
    total, calls, rest = 0, 0, there
    for c in range(first, stop):
        total += shares.weight[c]
    scarce = there <= total // price
    for c in range(first, stop):
        weight = shares.weight[c]
        if weight == 0:
            continue
        if scarce:
            shares.given[c], shares.remainder[c] = part_of_whole(weight, there, total)
        else:
            shares.given[c], shares.remainder[c] = weight // price, weight % price
        rest -= shares.given[c]
        shares.order[first + calls] = c
        calls += 1
    for root in range(calls // 2 - 1, -1, -1):
        sift(books, shares, first, root, calls)
    while rest > 0:
        shares.given[shares.order[first]] += 1
        rest -= 1
        calls -= 1
        shares.order[first] = shares.order[first + calls]
        sift(books, shares, first, 0, calls)


@inlined
def part_of_whole(weight: int, there: int, total: int) -> tuple[int, int]:
    """`weight · there / total` as quotient and remainder, bit by bit where it would overflow."""
    if weight <= 2**62 // there:
        return weight * there // total, weight * there % total
    quotient, remainder = 0, 0
    for bit in range(62, -1, -1):
        quotient, remainder = 2 * quotient, 2 * remainder
        for half in range(2):
            if remainder >= total:
                remainder -= total
                quotient += 1
            if half == 0 and (there >> bit) & 1:
                remainder += weight
    return quotient, remainder


@inlined
def goes_before(books: Books, shares: Shares, one: int, other: int) -> bool:
    """Which of two calls gets the token that is left over: what names have no part in comes first.

    The larger remainder, the larger part asked for, the larger loan, the longer unmet; and only of
    calls that are alike in all of that the account that comes first.
    """
    if shares.remainder[one] != shares.remainder[other]:
        return shares.remainder[one] > shares.remainder[other]
    if shares.weight[one] != shares.weight[other]:
        return shares.weight[one] > shares.weight[other]
    a, b = books.accounts[shares.account[one]], books.accounts[shares.account[other]]
    if a.exposure != b.exposure:
        return a.exposure > b.exposure
    if a.unmet_days != b.unmet_days:
        return a.unmet_days > b.unmet_days
    return shares.account[one] < shares.account[other]


@inlined
def sift(books: Books, shares: Shares, first: int, root: int, calls: int) -> None:
    """Let a call sink in the heap of those that wait for what is left over."""
    order = shares.order
    while 2 * root + 1 < calls:
        child = 2 * root + 1
        if child + 1 < calls and goes_before(
            books, shares, order[first + child + 1], order[first + child]
        ):
            child += 1
        if goes_before(books, shares, order[first + root], order[first + child]):
            return
        order[first + root], order[first + child] = order[first + child], order[first + root]
        root = child
