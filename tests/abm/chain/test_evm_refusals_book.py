"""What the loan book refuses: terms that no agreement can have, and loans that are none."""

from __future__ import annotations

from typing import Any

import pytest
from evm_refusals import HOUSE, LARGE, ONLY_HOUSE, Refusal, check_all_covered, check_refused
from evm_world import World

from abm.chain.machine import RevertedError
from abm.chain.records import AgreementTerms

TERMS = AgreementTerms(500, 0, 200, 0, 0, 0, 2, 100, True, True, True, (0, 1))


def refused(reason: str, **changed: Any) -> Refusal:
    """Terms of which some make no sense."""
    return Refusal(HOUSE, "register_agreement", tuple(TERMS._replace(**changed)), reason)


CASES = [
    Refusal("outsider", "register_agreement", tuple(TERMS), ONLY_HOUSE),
    refused("haircut out of range", haircut=10_000),
    refused("margin out of range", haircut=0, margin=9_999),
    refused("margin out of range", haircut=0, margin=1_000_001),
    refused("haircut and margin", margin=10_200),
    refused("trigger out of range", trigger=10_000),
    refused("too large", minimum=LARGE),
    refused("lag out of range", lag=2),
    refused("grace out of range", grace=65_536),
    refused("notice out of range", notice=256),
    refused("cap out of range", cap=2**20),
    refused("number of tokens", priority=()),
    refused("number of tokens", priority=(0, 1, 2, 0)),
    refused("unknown token", priority=(3,)),
    refused("token twice", priority=(1, 1)),
    # Loans that are none
    Refusal("borrower", "accept", (9,), "no such loan"),
    Refusal("lender", "withdraw", (9,), "no such loan"),
    Refusal("lender", "settle", ([9],), "no such loan"),
    *(
        Refusal(HOUSE, function, ([9],), "no such loan")
        for function in ("adjust", "mark", "deliver", "settle_instructions")
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_refused_with_its_reason_and_nothing_changes(world: World, case: Refusal) -> None:
    check_refused(world, "lending", case)


@pytest.mark.parametrize("function", ["loan", "measure"])
def test_nothing_is_told_of_a_loan_that_is_none(world: World, function: str) -> None:
    with pytest.raises(RevertedError, match="no such loan"):
        world.platform.machine.read(world.platform.lending, function, [9])


def test_every_reason_has_a_case() -> None:
    reasons = [case.reason for case in CASES]
    check_all_covered("book", reasons)
