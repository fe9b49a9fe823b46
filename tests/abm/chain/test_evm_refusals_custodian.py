"""What the custodian refuses."""

from __future__ import annotations

import pytest
from evm_refusals import (
    LARGE,
    SOMEBODY,
    ZERO,
    Refusal,
    Setting,
    check_all_covered,
    check_not_deployed,
    check_refused,
    token,
)
from evm_world import World

A, CASH = token(0), token(2)


def borrower_has(amount: int) -> Setting:
    """A deposit of the borrower."""
    return lambda world: world.platform.deposit(world.borrower, 0, amount)


def is_full(world: World) -> None:
    """As many A are in custody as there are said to be: the borrower's collateral."""
    p = world.platform
    p.machine.send(p.custodian, "set_limit", [p.tokens[0].address, 1_000], p.guardian)


CUSTODY = 2**95 - 1
CASES = [
    # Deposits
    Refusal("outsider", "record_deposit", ("outsider", A, 1), "only the operator"),
    Refusal("guardian", "record_deposit", ("outsider", A, 1), "only the operator"),
    Refusal("operator", "record_deposit", ("lender", A, 0), "zero amount"),
    Refusal("operator", "record_deposit", (ZERO, A, 1), "zero address"),
    Refusal("operator", "record_deposit", ("lender", A, LARGE), "too large"),
    Refusal("operator", "record_deposit", ("lender", "outsider", 1), "unknown token"),
    Refusal("operator", "record_deposit", ("lender", A, 1), "beyond the custody", is_full),
    Refusal("outsider", "take_out", ("borrower", A, 1), "only the operator", borrower_has(1)),
    Refusal("operator", "take_out", ("borrower", A, 2), "beyond the deposit", borrower_has(1)),
    Refusal("operator", "take_out", ("borrower", A, 0), "zero amount"),
    # Issuing and redeeming
    Refusal("borrower", "mint", (A, 1), "beyond the deposit"),
    Refusal("borrower", "mint", (A, 0), "zero amount"),
    Refusal("borrower", "mint", (A, LARGE), "too large"),
    Refusal("outsider", "mint_up_to", ("borrower", A, "outsider", 1), "only the lending contract"),
    Refusal("outsider", "restore", ("outsider", A, 1), "only the lending contract"),
    Refusal("outsider", "redeem", (A, 1), "balance too low"),
    Refusal("borrower", "redeem", (CASH, 0), "zero amount"),
    Refusal("borrower", "redeem", ("outsider", 1), "unknown token"),
    # Wiring
    Refusal("operator", "set_limit", (A, CUSTODY), "only the guardian"),
    Refusal("guardian", "set_limit", (ZERO, 1), "zero address"),
    Refusal("guardian", "set_limit", (A, 0), "limit out of range"),
    Refusal("guardian", "set_limit", (A, CUSTODY + 1), "limit out of range"),
    Refusal("guardian", "set_limit", (A, 999), "more in custody"),
    Refusal("operator", "authorise", ("outsider",), "only the administrator"),
    Refusal("admin", "authorise", ("outsider",), "already authorised"),
    Refusal("admin", "authorise", (ZERO,), "zero address"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_refused_with_its_reason_and_nothing_changes(world: World, case: Refusal) -> None:
    check_refused(world, "custodian", case)


def test_not_deployed_without_an_operator() -> None:
    check_not_deployed("Custodian", "zero address", [SOMEBODY, ZERO, SOMEBODY])


def test_every_reason_has_a_case() -> None:
    check_all_covered("Custodian", [case.reason for case in CASES])
