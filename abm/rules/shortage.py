"""What a borrower has too little of is shared among its calls (`docs/rules.md`); compiled.

`prices` and quantities are of shape (tokens,), in money units and counts; `a` is the row of a
margin account, `c` that of a call, and values are in money units.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books.books import Books
from abm.books.compiled import compiled, inlined, unsigned
from abm.books.ledger import ABUNDANT, UNLIMITED
from abm.rules.apportion import (
    MINT,
    REUSE,
    SOURCES,
    UNDER_WAY,
    WALLET,
    Shares,
    apportion,
    new_shares,
    part_of_whole,
)
from abm.rules.planning import first_price, whole_tokens
from abm.rules.schedules import (
    admitted,
    count,
    counts_for,
    first_counted,
    has_schedule,
    is_eligible,
    is_limited,
    take_room,
)
from abm.rules.valuation import shortfall

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


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
                token = unsigned(books.priority[t, j])
                counts = not has_schedule(books, a) or (
                    is_eligible(books, prices, a, token) and not is_limited(books, a, token)
                )
                endless |= counts and ledger.capacity[borrower, token] >= ABUNDANT
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

    What rounding down leaves open ends a search only if one is left: it asks for one more. Whom a
    limit sends on to another token counts as short: shared among, what is enough is the same.
    """
    borrower, t = books.accounts[a].borrower, books.accounts[a].agreement
    up, most = books.terms[t].delivery_up, int(UNLIMITED)
    number, used = books.schedules.number, books.schedules.used
    if has_schedule(books, a):
        count(books, prices, a, True, number, used)
    for source in range(SOURCES):
        for j in range(books.terms[t].eligible):
            token = unsigned(books.priority[t, j])
            there = stock_of(books, borrower, source, token)
            if there > 0 and has_schedule(books, a):
                most = admitted(books, prices, a, token, number, used)
            if there > 0 and most > 0:
                asked = whole_tokens(missing, counts_for(books, prices, a, token), up) + (not up)
                if asked > most:
                    return True
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
        if has_schedule(books, a):
            count(books, prices, a, True, shares.number[c], shares.used[c])
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
        a, most, left = shares.account[c], int(UNLIMITED), int(shares.left[c])
        if has_schedule(books, a):
            most = admitted(books, prices, a, token, shares.number[c], shares.used[c])
            if most == 0:
                continue
        one = counts_for(books, prices, a, token)
        asked = whole_tokens(left, one, books.terms[t].delivery_up)
        if asked == 0:
            # It is dearer than what is missing, which ends the search.
            shares.ended[c] = source * len(prices) + token
        if one != price:
            left = max(left // one * price + part_of_whole(left % one, price, one)[0], 1)
        shares.given[c] = asked = min(asked, most)
        shares.weight[c] = min(left, asked * price)
        wanted += asked
    if wanted > there:
        apportion(books, shares, first, stop, there, price)
    for c in range(first, stop):
        if shares.weight[c] == 0:
            continue
        given, a, most = shares.given[c], shares.account[c], 1
        value = given * counts_for(books, prices, a, token)
        shares.moved[c, source, token] += given
        shares.stock[source, token] -= given
        shares.left[c] -= value
        if source != MINT or len(books.ledger.arriving) == 0:
            shares.missing[c] -= value
        if has_schedule(books, a):
            shares.number[c, token] += given
            take_room(books, a, token, value, shares.used[c])
            most = admitted(books, prices, a, token, shares.number[c], shares.used[c])
        if wanted < there and most > 0:
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
def find_unmet(books: Books, prices: Ints, shares: Shares, first: int, stop: int) -> None:
    """What is not brought, unless it is less than one of the first token still to be had."""
    for c in range(first, stop):
        shares.left[c] = 0
        shares.unmet[c] = max(shares.missing[c], 0)
        t = books.accounts[shares.account[c]].agreement
        if shares.unmet[c] == 0 or books.terms[t].delivery_up:
            continue
        price, a = 0, shares.account[c]
        for source in range(SOURCES):
            if price == 0 and has_schedule(books, a):
                number, used = shares.number[c], shares.used[c]
                price = first_counted(books, prices, a, shares.stock[source], number, used)
            elif price == 0:
                price = first_price(prices, books.priority[t], books.terms[t], shares.stock[source])
        if shares.unmet[c] < price:
            shares.unmet[c] = 0
