"""How cash collateral is invested, by default; in columns over participants or accounts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


MILLION = 1_000_000


def part_of(rates: Floats, quantities: Ints) -> Ints:
    """Rates of six decimals times quantities, rounded down: in integers, as 0.29 · 100 is 29."""
    millionths = np.rint(rates * MILLION).astype(np.int64)
    whole, rest = np.divmod(quantities, MILLION)
    return whole * millionths + rest * millionths // MILLION


def tokens_for(money: Ints, shares: Floats, prices: Ints) -> Ints:
    """Whole tokens for some money, each share rounded down, shape (participants, tokens).

    Args:
        money: in money units, shape (participants,).
        shares: by value, cash last with none, shape (participants, tokens).
        prices: in money units, shape (tokens,).
    """
    spent = np.floor(money[:, None] * shares).astype(np.int64)
    spent[:, -1] = 0
    return spent // prices


def in_turn(wanted: Ints, owner: Ints, money: Ints) -> Ints:
    """What each gets of its owner's money, which goes to the first before the next.

    Args:
        wanted: by each, in their order.
        owner: of each, a row of `money`.
        money: of each owner.
    """
    order = np.argsort(owner, kind="stable")
    asked, owners = wanted[order], owner[order]
    before = np.cumsum(asked) - asked
    first = np.searchsorted(owners, owners)
    got = np.zeros_like(wanted)
    got[order] = np.clip(money[owners] - (before - before[first]), 0, asked)
    return got
