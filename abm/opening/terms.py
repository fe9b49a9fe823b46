"""From collateral agreements to the columns that margining reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from abm.books.schedules import LONGEST_FRACTION
from abm.books.terms import Terms, Tokens, new_terms
from scenarios.agreement import CollateralAgreement, exact
from scenarios.errors import InputError, named, refuse_unpriced


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
    terms = new_terms(len(agreements))
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


def terms_row(
    agreement: CollateralAgreement, tokens: Sequence[str], cash: str, unit: float
) -> Terms:
    """The columns of one agreement, shape (1,); see `terms_of`."""
    return terms_of([agreement], tokens, cash, unit)[0]


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
