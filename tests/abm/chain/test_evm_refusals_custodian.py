"""What the custodian refuses."""

from __future__ import annotations

import pytest
from evm_refusals import (
    LARGE,
    ZERO,
    Refusal,
    Setting,
    check_all_covered,
    check_not_deployed,
    check_refused,
    token,
)
from evm_world import World

from abm.chain.platform import UNLIMITED

A, CASH = token(0), token(2)


def borrower_has(amount: int) -> Setting:
    """A deposit of the borrower."""
    return lambda world: world.platform.deposit(world.borrower, 0, amount)


CASES = [
    # Deposits
    Refusal("outsider", "record_deposit", ("outsider", A, 1), "only the operator"),
    Refusal("operator", "record_deposit", ("lender", A, 0), "zero amount"),
    Refusal("operator", "record_deposit", (ZERO, A, 1), "zero address"),
    Refusal("operator", "record_deposit", ("lender", A, LARGE), "too large"),
    Refusal("operator", "record_deposit", ("borrower", A, LARGE - 1), "too large", borrower_has(1)),
    Refusal("operator", "record_deposit", ("lender", "outsider", 1), "unknown token"),
    Refusal(
        "operator",
        "record_deposit",
        ("borrower", A, 1),
        "already unlimited",
        borrower_has(UNLIMITED),
    ),
    # Issuing and redeeming
    Refusal("borrower", "mint", (A, 1), "beyond the deposit"),
    Refusal("borrower", "mint", (A, 0), "zero amount"),
    Refusal("borrower", "mint", (A, LARGE), "too large", borrower_has(UNLIMITED)),
    Refusal("outsider", "mint_up_to", ("borrower", A, "outsider", 1), "only the lending contract"),
    Refusal("outsider", "redeem", (A, 1), "balance too low"),
    Refusal("borrower", "redeem", (CASH, 0), "zero amount"),
    Refusal("borrower", "redeem", ("outsider", 1), "unknown token"),
    # Wiring
    Refusal("outsider", "register", ("outsider",), "only the operator"),
    Refusal("operator", "register", (A,), "already registered"),
    Refusal("operator", "register", (ZERO,), "zero address"),
    Refusal("outsider", "authorise", ("outsider",), "only the operator"),
    Refusal("operator", "authorise", ("outsider",), "already authorised"),
    Refusal("operator", "authorise", (ZERO,), "zero address"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_refused_with_its_reason_and_nothing_changes(world: World, case: Refusal) -> None:
    check_refused(world, "custodian", case)


def test_not_deployed_without_an_operator() -> None:
    check_not_deployed("Custodian", "zero address", [ZERO])


def test_every_reason_has_a_case() -> None:
    check_all_covered("Custodian", [case.reason for case in CASES])
