"""Whole numbers times fractions, without a rounding that nobody asked for on the way."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

import numpy as np
import numpy.typing as npt

from scenarios.agreement import exact

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Rounding = Literal["down", "up", "nearest"]

LARGEST = 2**62
"""Results are cut to this; the market refuses what had to be cut."""


def times(amounts: Ints, ratio: Fraction, rounding: Rounding = "down") -> Ints:
    """`amounts · ratio` in whole numbers, exactly rounded.

    Args:
        amounts: not negative, of any shape.
        ratio: not negative.
        rounding: `nearest` takes a half to the even number.

    Returns:
        As `amounts`, at most `LARGEST`.
    """
    numerator, denominator = ratio.numerator, ratio.denominator
    largest = int(amounts.max(initial=0)) * max(numerator, 1) * 2 + denominator
    if largest >= 2**63 or denominator >= 2**62:
        # Python's integers have no end.
        amounts = amounts.astype(object)
    product = amounts * numerator
    whole = product // denominator
    if rounding == "up":
        whole = -(-product // denominator)
    elif rounding == "nearest":
        over = 2 * (product - whole * denominator) - denominator
        whole = whole + ((over > 0) | ((over == 0) & (whole % 2 == 1)))
    return np.minimum(whole, LARGEST).astype(np.int64)


def product_over(amounts: Ints, factors: Ints | int, divisors: Ints | int, prices: Ints) -> Ints:
    """`amounts · factors / (divisors · prices)`, rounded down; none below zero, divisors above it.

    The arguments are of shapes that go together; factors and divisors may be beyond 64 bits.
    """
    factors, divisors = np.asarray(factors), np.asarray(divisors)
    product = int(amounts.max(initial=0)) * int(factors.max(initial=0))
    if max(product, int(divisors.max(initial=0)) * int(prices.max(initial=0))) >= 2**63:
        # Python's integers have no end.
        amounts, prices = amounts.astype(object), prices.astype(object)
    return np.minimum(amounts * factors // (divisors * prices), LARGEST).astype(np.int64)


def scaled(amounts: Ints, ratio: Fraction, sizes: Floats, rounding: Rounding) -> Ints:
    """`amounts · ratio · sizes`, rounded `down` or to the `nearest`.

    Sizes are drawn, or decimals that a user wrote. Where the floats leave a doubt of how to round,
    the exact product decides.

    Args:
        amounts: not negative.
        ratio: not negative.
        sizes: of the shape of `amounts`.

    Returns:
        As `amounts`, at most `LARGEST`.
    """
    if (sizes == 1).all():
        return times(amounts, ratio, rounding)
    with np.errstate(over="ignore", invalid="ignore"):
        values = amounts * (_nearest_float(ratio) * sizes)
    values[(amounts == 0) | (ratio == 0)] = 0
    edge = np.floor(values) + 0.5 if rounding == "nearest" else np.rint(values)
    whole = np.rint(values) if rounding == "nearest" else np.floor(values)
    result = np.minimum(whole, float(LARGEST)).astype(np.int64)
    doubt = (values > 0) & (values < LARGEST) & (np.abs(values - edge) <= values * 2.0**-48)
    for index in map(tuple, np.argwhere(doubt)):
        product = int(amounts[index]) * ratio * exact(sizes[index])
        near = round(product) if rounding == "nearest" else product.__floor__()
        result[index] = min(near, LARGEST)
    return result


def _nearest_float(ratio: Fraction) -> float:
    try:
        return float(ratio)
    except OverflowError:
        return float("inf")
