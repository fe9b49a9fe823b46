"""What tokens refuse."""

from __future__ import annotations

import pytest
from evm_refusals import (
    SOMEBODY,
    ZERO,
    Refusal,
    check_all_covered,
    check_not_deployed,
    check_refused,
)
from evm_world import World, new_world

from abm.chain.artefacts import artefact
from abm.chain.machine import WORD, RevertedError

CASES = [
    Refusal("outsider", "mint", ("outsider", 1), "only the custodian"),
    Refusal("operator", "mint", ("outsider", 1), "only the custodian"),
    Refusal("outsider", "burn", ("borrower", 1), "only the custodian"),
    Refusal("outsider", "transfer", ("lender", 1), "balance too low"),
    Refusal("borrower", "transfer", (ZERO, 1), "zero address"),
    Refusal("outsider", "transferFrom", ("borrower", "outsider", 1), "allowance too low"),
]
OF_THE_CUSTODIAN = [
    ("mint", (ZERO, 1), "zero address"),
    ("mint", (SOMEBODY, WORD - 1), "too large"),
    ("burn", (SOMEBODY, 2), "balance too low"),
]


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("case", CASES, ids=str)
def test_refused_with_its_reason_and_nothing_changes(
    world: World, number: int, case: Refusal
) -> None:
    check_refused(world, number, case)


@pytest.mark.parametrize(("function", "arguments", "reason"), OF_THE_CUSTODIAN)
def test_refused_to_the_custodian(
    world: World, function: str, arguments: tuple[str, int], reason: str
) -> None:
    """An account is the custodian here, for ours asks a token for nothing of the kind."""
    machine, custodian = world.platform.machine, world.outsider
    token = machine.deploy(artefact("Token"), ["gold", custodian], custodian)
    machine.send(token, "mint", [SOMEBODY, 1], custodian)
    with pytest.raises(RevertedError) as refusal:
        machine.send(token, function, arguments, custodian)
    assert str(refusal.value) == reason
    assert machine.read(token, "totalSupply", []) == 1


def test_not_deployed_without_a_custodian() -> None:
    check_not_deployed("Token", "zero address", ["gold", ZERO])


def test_every_reason_has_a_case() -> None:
    check_all_covered("Token", [c.reason for c in CASES] + [c[-1] for c in OF_THE_CUSTODIAN])


def test_numbers_that_are_no_words_never_reach_the_machine() -> None:
    """The machine would answer with worse than an error."""
    world = new_world()
    p = world.platform
    for number in (-1, WORD):
        with pytest.raises(ValueError, match="256 bits"):
            p.machine.send(p.tokens[2], "transfer", [world.lender, number], world.borrower)
