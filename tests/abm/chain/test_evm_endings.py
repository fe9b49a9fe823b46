"""Every loan can end, with any one party absent; and roles change hands."""

from __future__ import annotations

import pytest
from evm_world import World, another_loan, new_world, send

from abm.chain.machine import DAY, RevertedError
from abm.chain.records import DELIVERY, RETURN, SKIPPED

# Every loan can end


def test_an_open_ended_loan_ends_on_recall(world: World) -> None:
    p = world.platform
    loan = another_loan(world)
    p.end_early(loan, world.lender)
    assert p.loan(loan).maturity == p.first_day + 2, "after the notice"
    world.day(1, 100, 200)
    assert p.settle([loan]) == [False]
    world.day(2, 100, 200)
    assert p.settle([loan]) == [True]


def test_a_borrower_returns_an_open_ended_loan_when_it_likes(world: World) -> None:
    loan = another_loan(world)
    world.platform.end_early(loan, world.borrower)
    assert send(world, "settle", [[loan]], world.borrower) == [True]


def test_a_rolling_loan_ends_with_its_term(world: World) -> None:
    p = world.platform
    loan = another_loan(world, maturity=3, term=3)
    world.day(3, 100, 200)
    assert p.settle([loan]) == [True]
    assert p.loan(loan).state == 2 and p.loan(loan).maturity == p.first_day + 6
    p.end_early(loan, world.borrower)
    world.day(6, 100, 200)
    assert p.settle([loan]) == [True]
    assert p.loan(loan).state == 3


def test_both_parties_end_any_loan_at_once(world: World) -> None:
    p = world.platform
    p.end_early(world.loan, world.borrower)
    assert p.loan(world.loan).maturity == p.first_day + 30
    p.end_early(world.loan, world.lender)
    assert send(world, "settle", [[world.loan]], world.lender) == [True]


def test_parties_run_their_margin_where_the_clearing_house_is_gone() -> None:
    """With a lag and daily calls, too; then they settle their loan."""
    world = new_world(lag=1, trigger=0)
    p = world.platform
    p.deposit(world.borrower, 0, 10_000)
    for day, price in ((1, 99), (2, 101), (3, 98)):
        world.day(day, price, 200)
        send(world, "settle_instructions", [[world.loan]], world.borrower)
        outcome = send(world, "adjust", [[world.loan]], world.lender)[0]
        assert outcome[1] in (DELIVERY, RETURN)
    world.day(30, 99, 200)
    assert send(world, "settle", [[world.loan]], world.lender) == [True]


# Roles


@pytest.mark.parametrize("contract", ["lending", "custodian", "oracle"])
def test_a_role_changes_hands_in_two_steps(world: World, contract: str) -> None:
    p, operator = world.platform, 1
    holder = p.machine.read(getattr(p, contract), "operator", [])
    with pytest.raises(RevertedError, match="not the holder"):
        send(world, "offer_role", [operator, world.outsider], world.outsider, contract)
    send(world, "offer_role", [operator, world.outsider], holder, contract)
    assert p.machine.read(getattr(p, contract), "operator", []) == holder
    with pytest.raises(RevertedError, match="not offered to you"):
        send(world, "take_role", [operator], world.lender, contract)
    send(world, "take_role", [operator], world.outsider, contract)
    assert p.machine.read(getattr(p, contract), "operator", []).lower() == world.outsider.lower()
    with pytest.raises(RevertedError, match="unknown role"):
        send(world, "offer_role", [3, world.outsider], p.admin, contract)


def test_the_administrator_replaces_who_is_gone_after_a_delay(world: World) -> None:
    p = world.platform
    send(world, "offer_role", [1, world.outsider], p.admin)
    with pytest.raises(RevertedError, match="not yet"):
        send(world, "take_role", [1], world.outsider)
    p.machine.advance_to(p.machine.now + 2 * DAY)
    send(world, "take_role", [1], world.outsider)
    world.day(3, 100, 200)
    kind = send(world, "adjust", [[world.loan]], world.outsider)[0][1]
    assert kind != SKIPPED


def test_a_pause_ends_and_keeps_nobody_in(world: World) -> None:
    p = world.platform
    with pytest.raises(RevertedError, match="only the guardian"):
        send(world, "pause", [], p.clearing_house)
    with pytest.raises(RevertedError, match="not paused"):
        send(world, "resume", [], p.guardian)
    world.day(29, 100, 200)
    send(world, "pause", [], p.guardian)
    with pytest.raises(RevertedError, match="paused lately"):
        send(world, "pause", [], p.guardian)
    world.day(30, 100, 200)
    with pytest.raises(RevertedError, match="paused"):
        p.adjust([world.loan])
    assert send(world, "settle", [[world.loan]], world.borrower) == [True], "a way out"
    with pytest.raises(RevertedError, match="only the guardian"):
        send(world, "resume", [], world.lender)
    send(world, "resume", [], p.admin)
    another_loan(world)


def test_all_refusals_of_roles_are_here() -> None:
    from evm_refusals import check_all_covered

    here = ["zero address", "unknown role", "not the holder", "not offered to you", "not yet"]
    here += ["only the guardian", "paused lately", "not paused"]
    check_all_covered("roles", here)
