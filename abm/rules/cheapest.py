"""The cheapest tokens to deliver on all calls of a participant; compiled.

`prices`, `costs` and quantities are of shape (tokens,), in money units and counts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books.compiled import compiled, inlined

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@inlined
def finish(prices: Ints, costs: Floats, order: Ints, left: Ints, rest: int, taken: Ints) -> bool:
    """Bring what is missing of a call in the asset that costs least for it; gives whether one can.

    Less than a token of the cheapest asset is missing, or none of it is left: one of another may be
    nearer to what is missing.
    """
    best, least = -1, 0.0
    for token in order:
        number = -(-rest // prices[token])
        cost = number * costs[token]
        if number <= left[token] and (best < 0 or cost < least):
            best, least = token, cost
    if best < 0:
        return False
    number = -(-rest // prices[best])
    taken[best] += number
    left[best] -= number
    return True


@compiled
def plan_cheapest(
    prices: Ints,
    costs: Floats,
    order: Ints,
    missing: Ints,
    left: Ints,
    quantities: Ints,
) -> None:
    """Meet calls that all accept the same tokens: whole tokens of the cheapest, then a last piece.

    In parts of tokens that is the optimum: it does not matter which call gets which asset. In whole
    ones each call ends within a token of it.

    Args:
        prices: of all tokens.
        costs: of delivering one token of each.
        order: columns of the tokens that are accepted, the cheapest for their value first.
        missing: shortfalls in money units, shape (calls,).
        left: tokens that there are; used up.
        quantities: zeros, shape (calls, tokens); gets what is to be delivered.
    """
    for call in range(len(missing)):
        rest = missing[call]
        for token in order:
            number = min(rest // prices[token], left[token])
            quantities[call, token] += number
            left[token] -= number
            rest -= number * prices[token]
            if rest == 0:
                break
            if left[token] and finish(prices, costs, order, left, rest, quantities[call]):
                rest = 0
                break
