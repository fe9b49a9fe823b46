"""Which terms of a scenario the contracts support, and how they are put to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from abm.chain.platform import MAX_TOKENS, AgreementTerms
from scenarios.agreement import CollateralAgreement, exact
from scenarios.errors import InputError
from scenarios.scenario import Scenario

BASIS_POINTS = 10_000


def refuse_unsupported(scenario: Scenario, tokens: int) -> None:
    """Check a scenario against what the contracts can do; `tokens` counts cash, too.

    Raises:
        InputError: naming the first term that the contracts do not have.
    """
    for field, why in _unsupported(scenario, tokens):
        raise InputError(
            f'{scenario.name}: {field}: {why}; leave it out, or use ledger = "columns"'
        )


def _unsupported(scenario: Scenario, tokens: int) -> Iterator[tuple[str, str]]:
    """Fields that the contracts do not support, with the reason."""
    agreements = {"agreement": scenario.agreement}
    agreements |= {f"agreements.{name}": terms for name, terms in scenario.agreements.items()}
    for field, terms in agreements.items():
        for name, why in _of_agreement(terms):
            yield f"{field}.{name}", why
    loans = {"loan": scenario.loan} if scenario.loan else {}
    loans |= {f"loans: loan {loan.loan_id}": loan for loan in scenario.loans}
    for field, loan in loans.items():
        if loan is not None and loan.at_maturity == "replace":
            yield (
                f"{field}.at_maturity",
                "the contracts settle or roll a loan, they do not replace it",
            )
    part = scenario.participants
    if part.minting_days:
        yield "participants.minting_days", "the contracts mint at once"
    if part.behaviour:
        yield "participants.behaviour", "the contracts decide, participants do not"
    for given in part.given:
        if given.behaviour:
            yield f"participants.given: {given.name}.behaviour", "the contracts decide"
    if scenario.recalls.daily_rate or scenario.recalls.scheduled:
        yield "recalls", "the contracts know no recall"
    if scenario.close_out.impact is not None:
        yield "close_out.impact", "the contracts sell at the oracle's prices"
    if scenario.oracle.delay or scenario.oracle.outages:
        field = "oracle.delay" if scenario.oracle.delay else "oracle.outages"
        yield field, "the contracts refuse stale prices"
    if tokens > MAX_TOKENS:
        yield "prices", f"{tokens - 1} tokens beside cash; the contracts take {MAX_TOKENS - 1}"


def _of_agreement(terms: CollateralAgreement) -> Iterator[tuple[str, str]]:
    if terms.aggregated:
        yield "aggregated", "the contracts margin loan by loan"
    if terms.transfer == "title":
        yield "transfer", "the contracts hold the collateral, which a lender cannot re-use"
    if terms.settlement_lag > 1:
        yield "settlement_lag", "the contracts settle on the day or on the next"
    if terms.grace_days > 65_535:
        yield "grace_days", "the contracts count to 65535"
    for name in ("haircut", "margin_percentage", "trigger"):
        number = getattr(terms, name)
        if number is not None and (exact(number) * BASIS_POINTS).denominator != 1:
            yield name, f"the contracts take whole basis points (it is {number})"
    if terms.margin_percentage is not None and terms.margin_percentage > 100:
        yield "margin_percentage", "the contracts take 100 (10,000 %) at most"


def contract_terms(
    agreement: CollateralAgreement, eligible: Sequence[int], unit: float
) -> AgreementTerms:
    """An agreement as the lending contract takes it.

    Args:
        agreement: one that `refuse_unsupported` lets pass.
        eligible: columns of the tokens that calls move, in order.
        unit: smallest money unit.
    """
    margin = agreement.margin_percentage
    haircut = agreement.haircut if agreement.haircut is not None else 0.05
    return AgreementTerms(
        haircut=_basis_points(haircut) if margin is None else 0,
        margin=_basis_points(margin) if margin is not None else 0,
        trigger=_basis_points(agreement.trigger),
        minimum=round(agreement.minimum_transfer_amount / unit),
        lag=agreement.settlement_lag,
        grace=agreement.grace_days,
        delivery_up=agreement.delivery_rounding == "up",
        return_up=agreement.return_rounding == "up",
        issuance=agreement.lender_issuance,
        priority=tuple(eligible),
    )


def _basis_points(share: float) -> int:
    points: Fraction = exact(share) * BASIS_POINTS
    return points.numerator
