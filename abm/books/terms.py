"""Collateral agreements as the columns that margining reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar, cast

import numpy as np
import numpy.typing as npt

from abm.books.compiled import inlined
from scenarios.agreement import CollateralAgreement, exact
from scenarios.errors import InputError, named, refuse_unpriced

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Tokens = npt.NDArray[np.uint32]
"""Columns of tokens; without a sign, so that compiled code need not ask for one."""

LONGEST_FRACTION = 2**31
"""Numerators and denominators stay below this, so that their products with remainders fit int64."""


Whole = TypeVar("Whole")
Real = TypeVar("Real")
Flag = TypeVar("Flag")


class TermColumns(Protocol[Whole, Real, Flag]):
    """What margining reads of an agreement.

    `required`, `upper` and `lower` are fractions of the loan's value: the required collateral value
    and the band in which no call is made, in market value of collateral.
    """

    required_numerator: Whole
    required_denominator: Whole
    upper_numerator: Whole
    upper_denominator: Whole
    lower_numerator: Whole
    lower_denominator: Whole
    minimum_transfer: Whole
    eligible: Whole
    """Number of tokens that calls may move."""
    lag: Whole
    grace_days: Whole
    reuse: Real
    daily: Flag
    """A trigger of zero: a call every day, also when there is nothing to move."""
    delivery_up: Flag
    return_up: Flag
    lender_issuance: Flag
    every_call_issues: Flag


class Term(TermColumns[int, float, bool], Protocol):
    """One agreement: a handle on its row."""


class Terms(TermColumns[Ints, npt.NDArray[np.float64], Bools], Protocol):
    """One row an agreement."""

    def __len__(self) -> int: ...
    def __getitem__(self, t: int) -> Term: ...


@inlined
def fraction_of(amount: int, numerator: int, denominator: int) -> tuple[int, int]:
    """`amount · numerator / denominator` as quotient and remainder, without overflow on the way."""
    whole, rest = amount // denominator, amount % denominator
    return whole * numerator + (rest * numerator) // denominator, (rest * numerator) % denominator


def terms_of(
    agreements: Sequence[CollateralAgreement], tokens: Sequence[str], cash: str, unit: float
) -> tuple[Terms, Tokens]:
    """Some agreements as columns, and the order in which their calls move tokens.

    Args:
        agreements: one a row.
        tokens: names of the ledger's columns.
        cash: the one that is money.
        unit: the smallest money unit.

    Returns:
        The terms, and the columns of the tokens that calls move, shape (agreements, tokens), of
        which the first `eligible` of a row count.

    Raises:
        InputError: a ratio has too many decimals, or a priority names a token without a price.
    """
    columns = [
        (name, {"Whole": "i8", "Real": "f8", "Flag": "?"}[kind])
        for name, kind in TermColumns.__annotations__.items()
    ]
    terms = cast(Terms, np.zeros(len(agreements), np.dtype(columns, align=True)).view(np.recarray))
    priority = np.zeros((len(agreements), len(tokens)), np.uint32)
    for row, agreement in enumerate(agreements):
        order = _order(agreement, tokens, cash)
        terms.eligible[row] = len(order)
        priority[row, : len(order)] = order
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
    return terms, priority


def _order(agreement: CollateralAgreement, tokens: Sequence[str], cash: str) -> list[int]:
    eligible = agreement.eligible(tokens, cash)
    priced = [token for token in tokens if token != cash]
    with named("agreement.priority"):
        for token in eligible:
            if token != cash:
                refuse_unpriced(token, priced)
    if agreement.adjustment == "single":
        eligible = eligible[:1]
    return [list(tokens).index(token) for token in eligible]
