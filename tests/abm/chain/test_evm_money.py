"""Deposits, issuances, allowances, and a lender's tokens that come back."""

from __future__ import annotations

import pytest
from evm_world import World, new_world, send

from abm.chain.machine import RevertedError


def test_what_a_lender_issued_is_on_its_deposit_again() -> None:
    """1,000 A go back and 1,000 are issued; all 2,000 come back, and 1,000 of them are redeemed."""
    world = new_world(priority=(0,))
    p = world.platform
    p.deposit(world.lender, 0, 1_000)
    world.day(1, 100, 400)
    assert p.adjust([world.loan])[0].issued == 100_000
    assert p.deposited(world.lender, 0) == 0
    world.day(2, 100, 200)
    assert p.adjust([world.loan])[0].moved == 200_000
    assert p.loan(world.loan).advanced == 0
    assert p.deposited(world.lender, 0) == 1_000


def test_settlement_restores_the_deposit() -> None:
    world = new_world(priority=(0,))
    p = world.platform
    p.deposit(world.lender, 0, 1_000)
    world.day(1, 100, 400)
    p.adjust([world.loan])
    world.day(30, 100, 400)
    assert p.settle([world.loan]) == [True]
    assert p.deposited(world.lender, 0) == 1_000
    assert p.balances([world.borrower])[0] == [1_000, 1_000, 0]


def test_deposits_and_tokens_never_exceed_what_is_in_custody(world: World) -> None:
    p = world.platform
    token = p.tokens[0].address
    send(world, "set_limit", [token, 1_500], p.guardian, "custodian")
    p.deposit(world.lender, 0, 500)
    with pytest.raises(RevertedError, match="beyond the custody"):
        p.deposit(world.lender, 0, 1)
    p.mint(world.lender, 0, 500)
    p.redeem(world.lender, 0, 200)
    p.deposit(world.lender, 0, 200)
    assert p.machine.read(p.custodian, "backed", [token]) == 1_500


def test_issuance_on_a_return_has_its_cap() -> None:
    """200,000 are too much, 100,000 are there; a tenth of the loan of 285,000 may be issued."""
    world = new_world(priority=(0,), cap=10)
    p = world.platform
    p.deposit(world.lender, 0, 10_000)
    world.day(1, 100, 400)
    assert p.adjust([world.loan])[0].issued == 28_500


def test_an_allowance_is_the_most_that_can_be_taken() -> None:
    """With 50 A allowed, a call for more takes 50, and the rest is unmet."""
    world = new_world()
    p = world.platform
    p.fund(world.borrower, 0, 1_000)
    p.machine.send(p.tokens[0], "approve", [p.lending.address, 50], world.borrower)
    world.day(1, 80, 200)
    outcome = p.adjust([world.loan])[0]
    assert (outcome.moved, outcome.unmet) == (50 * 80, 20_000 - 50 * 80)


def test_donations_change_nothing(world: World) -> None:
    p = world.platform
    for pool in (p.lending.address, p.desk.address):
        p.fund(world.outsider, 2, 7)
        p.machine.send(p.tokens[2], "transfer", [pool, 7], world.outsider)
    world.day(30, 100, 200)
    assert p.settle([world.loan]) == [True]
    assert p.balances([p.lending.address, p.desk.address]) == [[0, 0, 7], [0, 0, 7]]
