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


def pool(world: World) -> str:
    return str(world.platform.lending.address)


def is_frozen(world: World) -> None:
    p = world.platform
    for token in p.tokens:
        p.machine.send(token, "setFrozenTokens", [world.outsider, 1], p.enforcer)


WORD_1 = "0x" + "00" * 31 + "01"
SIGNED = ("borrower", "outsider", 1, 0)
LATER = ("borrower", "outsider", 1, 2**40)
CASES = [
    Refusal("outsider", "mint", ("outsider", 1), "only the custodian"),
    Refusal("operator", "mint", ("outsider", 1), "only the custodian"),
    Refusal("outsider", "burn", ("borrower", 1), "only the custodian"),
    Refusal("outsider", "transfer", ("lender", 1), "balance too low"),
    Refusal("borrower", "transfer", (ZERO, 0), "zero address"),
    Refusal("outsider", "transferFrom", ("borrower", "outsider", 1), "allowance too low"),
    Refusal("admin", "setFrozenTokens", ("borrower", 1), "only the enforcer"),
    Refusal("enforcer", "setFrozenTokens", ("borrower", 2**96), "too large"),
    Refusal("enforcer", "setFrozenTokens", (pool, 1), "a pool"),
    Refusal("outsider", "permit_account", ("outsider", True), "only the enforcer"),
    Refusal("enforcer", "permit_account", (pool, False), "a pool"),
    Refusal("outsider", "forcedTransfer", ("borrower", "outsider", 0), "only the enforcer"),
    Refusal("enforcer", "forcedTransfer", (pool, "outsider", 1), "a pool"),
    Refusal("enforcer", "forcedTransfer", ("outsider", "lender", 1), "balance too low"),
    Refusal("enforcer", "forcedTransfer", ("borrower", ZERO, 0), "zero address"),
    Refusal("enforcer", "name_pool", ("outsider",), "only the administrator"),
    Refusal("admin", "name_pool", (ZERO,), "zero address"),
    Refusal("admin", "name_pool", ("outsider",), "tokens frozen", is_frozen),
    Refusal("outsider", "permit", (*SIGNED, 27, WORD_1, WORD_1), "expired"),
    Refusal("outsider", "permit", (*LATER, 27, WORD_1, "0x" + "ff" * 32), "signature malleable"),
    Refusal("outsider", "permit", (*LATER, 27, WORD_1, WORD_1), "not signed by the owner"),
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
    parties = [custodian] * 4
    token = machine.deploy(artefact("Token"), ["gold", *parties, False], custodian)
    machine.send(token, "mint", [SOMEBODY, 1], custodian)
    with pytest.raises(RevertedError) as refusal:
        machine.send(token, function, arguments, custodian)
    assert str(refusal.value) == reason
    assert machine.read(token, "totalSupply", []) == 1


def test_not_deployed_without_a_custodian() -> None:
    check_not_deployed("Token", "zero address", ["gold", ZERO, *[SOMEBODY] * 3, False])


def test_every_reason_has_a_case() -> None:
    reasons = [c.reason for c in CASES] + [c[-1] for c in OF_THE_CUSTODIAN]
    # Frozen and restricted tokens have their own tests.
    elsewhere = ["tokens frozen", "sender not permitted", "receiver not permitted"]
    check_all_covered("Token", reasons, unreachable=set(elsewhere) - set(reasons))


def test_numbers_that_are_no_words_never_reach_the_machine() -> None:
    """The machine would answer with worse than an error."""
    world = new_world()
    p = world.platform
    for number in (-1, WORD):
        with pytest.raises(ValueError, match="256 bits"):
            p.machine.send(p.tokens[2], "transfer", [world.lender, number], world.borrower)
