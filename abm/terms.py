"""Collateral agreements as the columns that margining reads."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scenarios.agreement import CollateralAgreement, exact
from scenarios.errors import InputError

LONGEST_FRACTION = 2**31
"""Numerators and denominators stay below this, so that their products with remainders fit int64."""


class Terms(NamedTuple):
    """One row an agreement.

    `required`, `upper` and `lower` are fractions (numerator, denominator) of the loan's value: the
    required collateral value and the band in which no call is made, in market value of collateral.
    """

    required: npt.NDArray[np.int64]
    upper: npt.NDArray[np.int64]
    lower: npt.NDArray[np.int64]
    daily: npt.NDArray[np.bool_]
    """A trigger of zero: a call every day, also when there is nothing to move."""
    minimum_transfer: npt.NDArray[np.int64]
    priority: npt.NDArray[np.int64]
    """Columns of the tokens that calls move, filled up with -1."""
    delivery_up: npt.NDArray[np.bool_]
    return_up: npt.NDArray[np.bool_]
    lag: npt.NDArray[np.int64]
    lender_issuance: npt.NDArray[np.bool_]
    every_call_issues: npt.NDArray[np.bool_]
    reuse: npt.NDArray[np.float64]
    title: npt.NDArray[np.bool_]
    grace_days: npt.NDArray[np.int64]


def terms_of(
    agreements: Sequence[CollateralAgreement], tokens: Sequence[str], cash: str, unit: float
) -> Terms:
    """The columns of some agreements.

    Args:
        agreements: the terms; row numbers are their positions.
        tokens: all tokens, in the order of the ledger's columns.
        cash: the cash token, which is eligible only where a priority names it.
        unit: the smallest money unit, for minimum transfer amounts.

    Raises:
        InputError: a priority names a token without a price, or a ratio has too many decimals.
    """
    priced = tuple(token for token in tokens if token != cash)
    priority = np.full((len(agreements), len(tokens)), -1, np.int64)
    for row, agreement in enumerate(agreements):
        eligible = agreement.priority or priced
        for token in eligible:
            if token not in tokens:
                raise InputError(
                    f"agreement.priority: {token} has no price; priced are {', '.join(priced)}"
                )
        if agreement.adjustment == "single":
            eligible = eligible[:1]
        priority[row, : len(eligible)] = [list(tokens).index(token) for token in eligible]
    ratio = [agreement.collateral_ratio for agreement in agreements]
    beta = [exact(agreement.trigger) for agreement in agreements]
    return Terms(
        required=_fractions(ratio),
        upper=_fractions([r * (1 + b) for r, b in zip(ratio, beta, strict=True)]),
        lower=_fractions([r * (1 - b) for r, b in zip(ratio, beta, strict=True)]),
        daily=np.array([b == 0 for b in beta]),
        minimum_transfer=np.array(
            [round(a.minimum_transfer_amount / unit) for a in agreements], np.int64
        ),
        priority=priority,
        delivery_up=np.array([a.delivery_rounding == "up" for a in agreements]),
        return_up=np.array([a.return_rounding == "up" for a in agreements]),
        lag=np.array([a.settlement_lag for a in agreements], np.int64),
        lender_issuance=np.array([a.lender_issuance for a in agreements]),
        every_call_issues=np.array([a.every_call_issues for a in agreements]),
        reuse=np.array([a.reuse_rate for a in agreements], np.float64),
        title=np.array([a.transfer == "title" for a in agreements]),
        grace_days=np.array([a.grace_days for a in agreements], np.int64),
    )


def _fractions(ratios: Sequence[Fraction]) -> npt.NDArray[np.int64]:
    for ratio in ratios:
        if max(ratio.numerator, ratio.denominator) >= LONGEST_FRACTION:
            raise InputError(
                "agreement: haircut, margin_percentage and trigger have too many decimals together"
                f" (a ratio of {ratio}); six in all are enough"
            )
    return np.array([(r.numerator, r.denominator) for r in ratios], np.int64).reshape(-1, 2)
