"""What participants sell and buy outside the ledger, by default; in columns over participants."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books.sheet import Policies, Sheet

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def sales_worth(values: Floats, positions: Ints, prices: Ints, places: Ints) -> Ints:
    """Tokens to sell for what is to be raised, or all there are, shape (participants, tokens).

    Args:
        values: to be raised, in money units, shape (participants,).
        positions: what there is, of the same shape as the result; cash, the last, is not sold.
        prices: in money units, shape (tokens,).
        places: of each token in the order of sale; tokens of the same place are sold in proportion
            to their value, rounded up to whole tokens.
    """
    sold = np.zeros_like(positions)
    left = np.maximum(values, 0.0)
    for place in range(int(places.max(initial=0)) + 1):
        now = np.where(places == place, positions, 0)
        now[:, -1] = 0
        there = now @ prices.astype(np.float64)
        part = np.divide(left, there, out=np.zeros_like(left), where=there > 0)
        # What floats add to a whole number is no reason to sell one more.
        chosen = np.ceil(np.minimum(part, 1.0)[:, None] * now * (1 - 1e-12))
        sold += np.minimum(chosen.astype(np.int64), now)
        left = np.maximum(left - there, 0.0)
    return sold


def deleveraging(sheet: Sheet, policies: Policies) -> Floats:
    """What is to be sold to come down to the target, in money units, shape (participants,).

    Greenwood, Landier and Thesmar (2015): who is above its limit `A > λ·E` sells `A - λ*·E`.
    """
    above = sheet.leverage > policies.leverage_limit
    keeps = np.zeros(len(above))
    np.multiply(policies.leverage_target, np.maximum(sheet.equity, 0), out=keeps, where=above)
    return np.where(above, sheet.risky - keeps, 0.0)


def raising(need: Ints, at_hand: Ints, position: Ints, prices: Ints, credit: Floats) -> Orders:
    """What is bought and what has to be raised by sales, to have what is needed.

    Args:
        need: tokens that are to be there, cash last, shape (participants, tokens).
        at_hand: those that are there or under way, likewise.
        position: outside the ledger, likewise.
        prices: in money units, shape (tokens,).
        credit: cash that can still be drawn, shape (participants,).

    Returns:
        Tokens to buy; money to be raised; tokens that can be sold for it.
    """
    lacking = np.maximum(need - at_hand, 0)
    lacking[:, -1] = 0
    cost = lacking @ prices.astype(np.float64)
    raised = np.maximum(need[:, -1] + cost - at_hand[:, -1] - credit, 0.0)
    spare = np.maximum(np.minimum(position, at_hand - need), 0)
    spare[:, -1] = 0
    return lacking, raised, spare


Orders = tuple[Ints, Floats, Ints]
