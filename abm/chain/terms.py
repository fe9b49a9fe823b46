"""Which terms of a scenario the contracts support, and how they are put to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from abm.books.loan_book import AT_MATURITY, Loans
from abm.chain.records import MAX_TOKENS, NO_CAP, AgreementTerms
from scenarios.agreement import CollateralAgreement, exact
from scenarios.errors import InputError
from scenarios.scenario import Scenario

BASIS_POINTS = 10_000
LIMIT = 2**63
"""The first amount that is too large for the contracts."""


NO_REPLACEMENT = "the contracts settle or roll a loan, they do not replace it"
NO_LATER_START = "on contracts all loans open on day 0"


def refuse_loans(name: str, loans: Loans, at_maturity: npt.NDArray[np.int64]) -> None:
    """Check loans that a network file gives, which a scenario does not show.

    Args:
        name: of the scenario.
        loans: all of them.
        at_maturity: for each 0 to settle, 1 to roll, 2 to replace it.

    Raises:
        InputError: naming the first loan with what the contracts do not have.
    """
    for field, found, why in (
        ("at_maturity", at_maturity == AT_MATURITY.index("replace"), NO_REPLACEMENT),
        ("start", loans.opened > 0, NO_LATER_START),
    ):
        if found.any():
            raise InputError(
                f"{name}: loan {loans.loan_id[found.argmax()]}: {field}: {why};"
                ' leave it out, or use ledger = "columns"'
            )


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
        for name, why in _of_agreement(terms, scenario.money.unit):
            yield f"{field}.{name}", why
    loans = {"loan": scenario.loan} if scenario.loan else {}
    loans |= {f"loans: loan {loan.loan_id}": loan for loan in scenario.loans}
    for field, loan in loans.items():
        if loan is not None and loan.at_maturity == "replace":
            yield f"{field}.at_maturity", NO_REPLACEMENT
        if loan is not None and loan.start != 0:
            yield f"{field}.start", NO_LATER_START
    if scenario.rules:
        yield "rules", "the contracts keep the terms with which they are deployed"
    part = scenario.participants
    if part.minting_days:
        yield "participants.minting_days", "the contracts mint at once"
    if part.behaviour:
        yield "participants.behaviour", "the contracts decide, participants do not"
    for given in part.given:
        if given.behaviour:
            yield f"participants.given: {given.name}.behaviour", "the contracts decide"
    if scenario.close_out.recovery:
        yield "close_out.recovery", "the contracts net claims, they do not share out an estate"
    if scenario.recalls.notice > 255:
        yield "recalls.notice", "the contracts count to 255"
    if scenario.balance:
        yield "balance", "the contracts know what is on the ledger, not what is outside"
    if tokens > MAX_TOKENS:
        yield "prices", f"{tokens - 1} tokens beside cash; the contracts take {MAX_TOKENS - 1}"


def _of_agreement(terms: CollateralAgreement, unit: float) -> Iterator[tuple[str, str]]:
    if terms.schedule is not None:
        yield "schedule", "the contracts take all tokens alike, at one haircut and without limits"
    if terms.aggregated:
        yield "aggregated", "the contracts margin loan by loan, so that each is a matter of its own"
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
    margin = terms.margin_percentage
    if margin is not None and not 1 <= margin <= 100:
        yield "margin_percentage", "the contracts take 1 (100 %) at least and 100 at most"
    if terms.minimum_transfer_amount / unit >= LIMIT:
        yield "minimum_transfer_amount", f"the contracts take less than {LIMIT * unit:.3g}"


def contract_terms(
    agreement: CollateralAgreement, eligible: Sequence[int], unit: float, notice: int = 0
) -> AgreementTerms:
    """An agreement as the lending contract takes it.

    Args:
        agreement: one that `refuse_unsupported` lets pass.
        eligible: columns of the tokens that calls move, in order.
        unit: smallest money unit.
        notice: days between a recall and the day on which the loan is due.
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
        notice=notice,
        # Columns know no such limit.
        cap=NO_CAP,
        delivery_up=agreement.delivery_rounding == "up",
        return_up=agreement.return_rounding == "up",
        issuance=agreement.lender_issuance,
        priority=tuple(eligible),
    )


def _basis_points(share: float) -> int:
    points: Fraction = exact(share) * BASIS_POINTS
    return points.numerator
