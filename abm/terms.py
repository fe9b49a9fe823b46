"""Collateral agreements as the columns that margining reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from scenarios.agreement import CollateralAgreement, exact
from scenarios.errors import InputError

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LONGEST_FRACTION = 2**31
"""Numerators and denominators stay below this, so that their products with remainders fit int64."""


class Terms(Protocol):
    """One row an agreement.

    `required`, `upper` and `lower` are fractions of the loan's value: the required collateral value
    and the band in which no call is made, in market value of collateral.
    """

    required_numerator: Ints
    required_denominator: Ints
    upper_numerator: Ints
    upper_denominator: Ints
    lower_numerator: Ints
    lower_denominator: Ints
    minimum_transfer: Ints
    lag: Ints
    grace_days: Ints
    reuse: npt.NDArray[np.float64]
    daily: Bools
    """A trigger of zero: a call every day, also when there is nothing to move."""
    delivery_up: Bools
    return_up: Bools
    lender_issuance: Bools
    every_call_issues: Bools

    def __len__(self) -> int: ...


def terms_of(agreements: Sequence[CollateralAgreement], unit: float) -> Terms:
    """The columns of some agreements; `unit` is the smallest money unit.

    Raises:
        InputError: a ratio has too many decimals.
    """
    columns = [
        (name, {"Ints": "i8", "Bools": "?"}.get(kind, "f8"))
        for name, kind in Terms.__annotations__.items()
    ]
    terms = cast(Terms, np.zeros(len(agreements), np.dtype(columns, align=True)).view(np.recarray))
    for row, agreement in enumerate(agreements):
        ratio, beta = agreement.collateral_ratio, exact(agreement.trigger)
        bounds = {"required": ratio, "upper": ratio * (1 + beta), "lower": ratio * (1 - beta)}
        for name, bound in bounds.items():
            if max(bound.numerator, bound.denominator) >= LONGEST_FRACTION:
                raise InputError(
                    "agreement: haircut, margin_percentage and trigger have too many decimals"
                    f" together (a ratio of {bound}); four each are enough"
                )
            getattr(terms, f"{name}_numerator")[row] = bound.numerator
            getattr(terms, f"{name}_denominator")[row] = bound.denominator
        terms.daily[row] = beta == 0
        terms.minimum_transfer[row] = round(min(agreement.minimum_transfer_amount / unit, 2.0**62))
        terms.delivery_up[row] = agreement.delivery_rounding == "up"
        terms.return_up[row] = agreement.return_rounding == "up"
        terms.lag[row] = agreement.settlement_lag
        terms.lender_issuance[row] = agreement.lender_issuance
        terms.every_call_issues[row] = agreement.every_call_issues
        terms.reuse[row] = agreement.reuse_rate
        terms.grace_days[row] = agreement.grace_days
    return terms


def priorities(agreements: Sequence[CollateralAgreement], tokens: Sequence[str], cash: str) -> Ints:
    """Columns of the tokens that calls move, in order, filled up with -1; one row an agreement.

    Raises:
        InputError: a priority names a token without a price.
    """
    priority = np.full((len(agreements), len(tokens)), -1, np.int64)
    for row, agreement in enumerate(agreements):
        eligible = agreement.eligible(tokens, cash)
        for token in eligible:
            if token not in tokens:
                priced = ", ".join(token for token in tokens if token != cash)
                raise InputError(f"agreement.priority: {token} has no price; priced are {priced}")
        if agreement.adjustment == "single":
            eligible = eligible[:1]
        priority[row, : len(eligible)] = [list(tokens).index(token) for token in eligible]
    return priority
