"""What a borrower has too little of is shared among its calls (`docs/rules.md`); compiled.

`prices` and quantities are of shape (tokens,), in money units and counts; `a` is the row of a
margin account, `c` that of a call, and values are in money units.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.books import Books
from abm.books.compiled import compiled, inlined
from abm.books.ledger import ABUNDANT
from abm.rules.planning import first_price, whole_tokens
from abm.rules.valuation import shortfall

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

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
    return room_for_shares(account, start, books.lent.shape[1])


def room_for_shares(account: Ints, start: Ints, tokens: int) -> Shares:
    """Room for calls on these accounts, in groups that begin at `start`."""
    calls = len(account)
    moved, by_call = np.zeros((calls, 4, tokens), np.int64), np.zeros((8, calls), np.int64)
    stock = np.zeros((4, tokens), np.int64)
    return Shares._make([account.astype(np.int64), start, moved, *by_call, stock])


def share(books: Books, prices: Ints, account: Ints, group: Ints) -> tuple[Shares, Ints]:
    """Share what borrowers have among their calls; nothing moves yet.

    Args:
        books: the market.
        prices: published ones in money units.
        account: rows of accounts with a call, in any order, shape (calls,).
        group: a borrower's calls with the same number share, those of a lower one go before.

    Returns:
        The shares, and for each of them the position of its call in `account`.
    """
    order = np.lexsort((account, group, books.accounts.borrower[account]))
    shares = new_shares(books, account[order], group[order])
    plan_shares(books, prices, shares, len(shares.start) - 1)
    return shares, order


def can_be_short(books: Books) -> bool:
    """Whether anybody can ever be short: whether minting is limited or takes days."""
    return bool(len(books.ledger.arriving) or (books.ledger.capacity < ABUNDANT).any())


def short_calls(books: Books, prices: Ints, account: Ints) -> Bools:
    """Which of some calls are on borrowers that cannot give each of them what it asks for first.

    Args:
        books: the market.
        prices: published ones in money units.
        account: rows of accounts with a call, shape (calls,).
    """
    who = books.accounts.borrower[account].astype(np.int64)
    if len(account) < len(books.ledger.capacity):
        _, who = np.unique(who, return_inverse=True)
    wanted = np.zeros((who.max(initial=-1) + 1, SOURCES, books.lent.shape[1]), np.int64)
    state = np.zeros(len(wanted), np.int64)
    find_short(books, prices, account, who, wanted, state)
    return (state == SHORT)[who]


ENDLESS, LIMITED, SHORT = range(3)
"""A borrower that can have enough minted for all its calls, one that cannot, and one that is short.
"""


@compiled
def find_short(
    books: Books, prices: Ints, account: Ints, who: Ints, wanted: Ints, state: Ints
) -> None:
    """Find out who is short, by what each call asks of the first token that is to be had for it.

    Args:
        books: the market.
        prices: published ones in money units.
        account: rows of accounts with a call, shape (calls,).
        who: number of each one's borrower, shape (calls,).
        wanted: zeros; gets what is asked for, shape (borrowers, sources, tokens).
        state: zeros; gets `LIMITED` or `SHORT`, shape (borrowers,).
    """
    ledger = books.ledger
    for c in range(len(account)):
        a = account[c]
        borrower, t = books.accounts[a].borrower, books.accounts[a].agreement
        endless = False
        if len(ledger.arriving) == 0:
            for j in range(books.terms[t].eligible):
                endless |= ledger.capacity[borrower, books.priority[t, j]] >= ABUNDANT
        if not endless:
            state[who[c]] = LIMITED
    for c in range(len(account)):
        missing = shortfall(books, prices, account[c])
        if missing <= 0 or state[who[c]] != LIMITED:
            continue
        if is_short(books, prices, account[c], missing, wanted[who[c]]):
            state[who[c]] = SHORT


@inlined
def stock_of(books: Books, borrower: int, source: int, token: int) -> int:
    """How much of a token a borrower has in a source."""
    if source == WALLET:
        return books.ledger.balance[borrower, token]
    if source == REUSE:
        return books.reusable[borrower, token] if len(books.reused) else 0
    requested = books.requested[borrower, token]
    if source == MINT:
        return books.ledger.capacity[borrower, token] + requested
    return requested


@inlined
def is_short(books: Books, prices: Ints, a: int, missing: int, wanted: Ints) -> bool:
    """Whether there is less of the first token to be had than this call and others ask for.

    What rounding down leaves open ends a search only if one is left: it asks for one more.
    """
    borrower, t = books.accounts[a].borrower, books.accounts[a].agreement
    up = books.terms[t].delivery_up
    for source in range(SOURCES):
        for j in range(books.terms[t].eligible):
            token = books.priority[t, j]
            there = stock_of(books, borrower, source, token)
            if there > 0:
                asked = whole_tokens(missing, prices[token], up) + (not up)
                wanted[source, token] += asked
                return wanted[source, token] > there
    return True


@compiled
def plan_shares(books: Books, prices: Ints, shares: Shares, groups: int) -> None:
    """Write what each call of the first groups gets."""
    last = -1
    for g in range(groups):
        first, stop = shares.start[g], shares.start[g + 1]
        borrower = books.accounts[shares.account[first]].borrower
        if borrower != last:
            for source in range(len(shares.stock)):
                for token in range(len(prices)):
                    there = stock_of(books, borrower, source, token)
                    shares.stock[source, token] = there
            last = borrower
        share_group(books, prices, shares, first, stop)
        find_unmet(books, prices, shares, first, stop)


@inlined
def share_group(books: Books, prices: Ints, shares: Shares, first: int, stop: int) -> None:
    """Serve calls together: source by source, and in each one position of their priorities after
    the other; and again, as long as a search has ended at a token that has been used up since.
    """
    positions, tokens = 0, len(prices)
    for c in range(first, stop):
        a = shares.account[c]
        shares.left[c] = shares.missing[c] = max(shortfall(books, prices, a), 0)
        shares.ended[c] = -1
        positions = max(positions, books.terms[books.accounts[a].agreement].eligible)
    goes_on = True
    while goes_on:
        for source in range(SOURCES):
            for j in range(positions):
                for token in range(tokens):
                    if shares.stock[source, token] > 0:
                        share_token(books, prices, shares, first, stop, source, j, token)
        goes_on = False
        for c in range(first, stop):
            at = shares.ended[c]
            if at >= 0 and shares.left[c] > 0 and shares.stock[at // tokens, at % tokens] == 0:
                shares.ended[c] = -1
                goes_on = True
    if len(books.ledger.arriving):
        for token in range(len(prices)):
            share_under_way(books, shares, first, stop, token)


@inlined
def share_token(
    books: Books,
    prices: Ints,
    shares: Shares,
    first: int,
    stop: int,
    source: int,
    j: int,
    token: int,
) -> None:
    """Share a token among the calls that have it at a position of their priority."""
    price, there = prices[token], shares.stock[source, token]
    wanted = 0
    for c in range(first, stop):
        shares.weight[c] = 0
        t = books.accounts[shares.account[c]].agreement
        if shares.left[c] <= 0 or shares.ended[c] >= 0 or j >= books.terms[t].eligible:
            continue
        if books.priority[t, j] != token:
            continue
        asked = whole_tokens(shares.left[c], price, books.terms[t].delivery_up)
        shares.given[c] = asked
        shares.weight[c] = min(shares.left[c], asked * price)
        wanted += asked
        if asked == 0:
            # It is dearer than what is missing, which ends the search.
            shares.ended[c] = source * len(prices) + token
    if wanted > there:
        apportion(books, shares, first, stop, there, price)
    for c in range(first, stop):
        if shares.weight[c] == 0:
            continue
        given = shares.given[c]
        shares.moved[c, source, token] += given
        shares.stock[source, token] -= given
        shares.left[c] -= given * price
        if source != MINT or len(books.ledger.arriving) == 0:
            shares.missing[c] -= given * price
        if wanted < there:
            shares.ended[c] = source * len(prices) + token


@inlined
def share_under_way(books: Books, shares: Shares, first: int, stop: int, token: int) -> None:
    """Share tokens that were asked for before among the calls for which some are to be minted."""
    minted = 0
    for c in range(first, stop):
        shares.weight[c] = shares.given[c] = shares.moved[c, MINT, token]
        minted += shares.given[c]
    if minted > shares.stock[UNDER_WAY, token]:
        apportion(books, shares, first, stop, shares.stock[UNDER_WAY, token], 1)
    for c in range(first, stop):
        if shares.weight[c]:
            shares.moved[c, UNDER_WAY, token] = shares.given[c]
            shares.stock[UNDER_WAY, token] -= shares.given[c]


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


@inlined
def find_unmet(books: Books, prices: Ints, shares: Shares, first: int, stop: int) -> None:
    """What is not brought, unless it is less than one of the first token still to be had."""
    for c in range(first, stop):
        shares.left[c] = 0
        shares.unmet[c] = max(shares.missing[c], 0)
        t = books.accounts[shares.account[c]].agreement
        if shares.unmet[c] == 0 or books.terms[t].delivery_up:
            continue
        price = 0
        for source in range(SOURCES):
            if price == 0:
                price = first_price(prices, books.priority[t], books.terms[t], shares.stock[source])
        if shares.unmet[c] < price:
            shares.unmet[c] = 0
