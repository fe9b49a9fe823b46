"""Which tokens a call moves; compiled (paper, section 2.2.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from abm.books.compiled import inlined
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
) -> tuple[int, int]:
    """Return an excess: tokens of the last priority first, the next when one is exhausted.

    What is done with each of them, `give(target, token, quantity)` says: plan or move them. Gives
    the sum of what it gives, and the value that is left over when all are exhausted. Rounding up is
    limited by `spare`, as in `whole_tokens_back`.
    """
    given = 0
    j = term.eligible
    while excess > 0 and j > 0:
        j -= 1
        token = priority[j]
        price, quantity = prices[token], held[token]
        worth = quantity * price
        if excess < worth:
            quantity = whole_tokens_back(excess, price, term.return_up, spare)
            worth = excess
        excess -= worth
        given += give(target, token, quantity)
    return given, max(excess, 0)


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
    mintable: Ints,
    missing: int,
    quantities: Ints,
) -> int:
    """Which tokens meet a shortfall: held ones in priority order, then newly minted ones.

    Writes them into `quantities`, zeros until then; gives the position of the priority behind the
    last that moves.
    """
    last = 0
    if missing <= 0:
        return last
    up = term.delivery_up
    for j in range(term.eligible):
        token = priority[j]
        here = held[token]
        if up and here == 0:
            continue
        price = prices[token]
        if missing <= here * price + (0 if up else price - 1):
            quantities[token] = whole_tokens(missing, price, up)
            return j + 1
        quantities[token] = here
        missing -= here * price
        last = j + 1
    for j in range(term.eligible):
        token = priority[j]
        wanted = whole_tokens(missing, prices[token], up)
        quantity = min(wanted, mintable[token])
        quantities[token] += quantity
        missing -= quantity * prices[token]
        if quantity:
            last = max(last, j + 1)
        if quantity == wanted:
            break
    return last
