"""Which tokens a call moves; compiled (paper, section 2.2.2).

`prices` and quantities are of shape (tokens,), in money units and counts; `a` is the row of a
margin account, `i` that of a loan, and values are in money units.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from abm.books.compiled import inlined, unsigned
from abm.books.terms import Term, Tokens

Ints = npt.NDArray[np.int64]
Target = TypeVar("Target")

SMALL_LOAN = 4
"""Rounding a return up takes at most one part in so many of what is required."""


@inlined
def whole_tokens(value: int, price: int, up: bool) -> int:
    """Number of tokens that a value, not below zero, comes to.

    Divided unsigned: the signed division of Python's rules costs as much as the rest of a call.
    """
    if up:
        value += price - 1
    return np.int64(np.uint64(value) // np.uint64(price))  # type: ignore[return-value]


@inlined
def whole_tokens_back(value: int, price: int, up: bool, spare: int) -> int:
    """Number of tokens that go back for a value, not below zero.

    Rounded up, they may be worth more than the value by at most `spare`: a quarter of what is
    required, so that rounding never returns the last token of a small loan.
    """
    quantity = whole_tokens(value, price, False)
    rest = value - quantity * price
    if up and rest > 0 and price - rest <= spare:
        quantity += 1
    return quantity


@inlined
def choose_return(
    prices: Ints,
    priority: Tokens,
    term: Term,
    held: Ints,
    excess: int,
    spare: int,
    give: Callable[[Target, int, int], int],
    target: Target,
) -> tuple[int, int, int]:
    """Return an excess: tokens of the last priority first, the next when one is exhausted.

    What is done with each of them, `give(target, token, quantity)` says: plan or move them. Gives
    the sum of what it gives, the value that is left over when all are exhausted, and the number of
    tokens: none with nothing left over if a token dearer than the excess blocks the return.
    Rounding up is limited by `spare`, as in `whole_tokens_back`.
    """
    given, tokens = 0, 0
    j = term.eligible
    while excess > 0 and j > 0:
        j -= 1
        token = unsigned(priority[j])
        price, quantity = prices[token], held[token]
        worth = quantity * price
        if excess < worth:
            quantity = whole_tokens_back(excess, price, term.return_up, spare)
            worth = excess
        excess -= worth
        tokens += quantity
        given += give(target, token, quantity)
    return given, max(excess, 0), tokens


@inlined
def plan(quantities: Ints, token: int, quantity: int) -> int:
    """Write a movement down."""
    quantities[token] += quantity
    return quantity


@inlined
def plan_delivery(
    prices: Ints,
    priority: Tokens,
    term: Term,
    held: Ints,
    reusable: Ints,
    reuses: bool,
    mintable: Ints,
    missing: int,
    quantities: Ints,
) -> tuple[int, bool]:
    """Which tokens meet a shortfall: those of each source in turn, in the order of the priority.

    Args:
        prices: in money units, shape (tokens,), as are the other arrays.
        priority: columns of the tokens that may move, of which the first `term.eligible` count.
        term: the agreement.
        held: tokens in the wallet, the first source.
        reusable: tokens that may be posted further, the second.
        reuses: whether anybody may; `reusable` is not read otherwise.
        mintable: tokens that can be minted, the third.
        missing: shortfall in money units.
        quantities: zeros; gets what is to be delivered.

    Returns:
        The position of the priority behind the last token that moves, and whether the shortfall is
        met but for what rounding down leaves open.
    """
    last = 0
    if missing <= 0:
        return last, True
    for j in range(term.eligible):
        token = unsigned(priority[j])
        here = held[token]
        if here == 0:
            continue
        price = prices[token]
        if missing <= here * price:
            quantities[token] = whole_tokens(missing, price, term.delivery_up)
            return j + 1, True
        quantities[token] = here
        missing -= here * price
        last = j + 1
    if reuses:
        last, missing, met = plan_from(prices, priority, term, reusable, missing, quantities, last)
        if met:
            return last, True
    last, _, met = plan_from(prices, priority, term, mintable, missing, quantities, last)
    return last, met


@inlined
def plan_from(
    prices: Ints,
    priority: Tokens,
    term: Term,
    source: Ints,
    missing: int,
    quantities: Ints,
    last: int,
) -> tuple[int, int, bool]:
    """Add what one source gives to a delivery; gives `last`, `missing` and whether it is met."""
    for j in range(term.eligible):
        token = unsigned(priority[j])
        wanted = whole_tokens(missing, prices[token], term.delivery_up)
        quantity = min(wanted, source[token])
        quantities[token] += quantity
        missing -= quantity * prices[token]
        if quantity:
            last = max(last, j + 1)
        if missing <= 0 or quantity < source[token]:
            return last, missing, True
    return last, missing, False


@inlined
def first_price(prices: Ints, priority: Tokens, term: Term, source: Ints) -> int:
    """Price of the first token of the priority that a source has; 0 if it has none."""
    for j in range(term.eligible):
        if source[priority[j]] > 0:
            return prices[priority[j]]
    return 0
