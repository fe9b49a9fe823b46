"""What the margin process refuses: who may run it, at which prices, and in which order."""

from __future__ import annotations

import pytest
from evm_refusals import (
    HOUSE,
    LARGE,
    Refusal,
    check_all_covered,
    check_refused,
    check_skipped,
    in_order,
    is_offered,
    is_settled,
    is_stale,
    is_stopped,
    loan,
    loans,
)
from evm_world import World, new_world

from abm.chain.machine import DAY
from abm.chain.machines import new_machine
from abm.chain.records import DELIVERY, SKIPPED


def is_called(world: World) -> None:
    """Prices fall, so that the loan has a call that nobody has delivered on yet."""
    world.day(1, 80, 180)
    world.house("mark", [world.loan])


def is_delivered(world: World) -> None:
    world.house("deliver", [world.loan])


def is_marked(world: World) -> None:
    world.day(1, 100, 200)
    world.house("adjust", [world.loan])


def next_day(world: World) -> None:
    world.day(2, 80, 180)


def in_the_morning(world: World) -> None:
    """Before the cut-off the margin process is the clearing house's."""
    p = world.platform
    p.machine.advance_to((p.first_day + 1) * DAY)
    p.post([100, 200])


def in_the_evening(world: World) -> None:
    world.day(1, 80, 180)


def is_paused(world: World) -> None:
    p = world.platform
    p.machine.send(p.lending, "pause", [], p.guardian)


CASES = [
    *(
        Refusal(HOUSE, function, ([],), "no loans")
        for function in ("adjust", "mark", "deliver", "settle_instructions")
    ),
    *(
        Refusal(HOUSE, function, (loans,), "stale prices", is_stale)
        for function in ("adjust", "mark", "deliver")
    ),
    *(
        Refusal(HOUSE, function, (loans,), "paused", is_paused)
        for function in ("adjust", "mark", "deliver")
    ),
]
NONE = [0, 0, 0]


def part(reason: str, held: list[int], issued: list[int] = NONE) -> Refusal:
    """A borrower with ten A in its wallet brings a part of today's call, of 40,000 and more."""
    return Refusal("borrower", "deliver_part", (loan, held, issued), reason, has_ten)


def has_ten(world: World) -> None:
    is_called(world)
    world.platform.fund(world.borrower, 0, 10)


PARTS = [
    Refusal("borrower", "deliver_part", (loan, [1, 0, 0], NONE), "not called today"),
    Refusal("lender", "deliver_part", (loan, [1, 0, 0], NONE), "only the borrower", is_called),
    Refusal(HOUSE, "deliver_part", (loan, [1, 0, 0], NONE), "only the borrower", is_called),
    Refusal("borrower", "deliver_part", (loan, [1, 0, 0], NONE), "not open", is_settled),
    Refusal(
        "borrower",
        "deliver_part",
        (loan, [1, 0, 0], NONE),
        "not called today",
        in_order(is_called, next_day),
    ),
    part("number of tokens", [1]),
    part("number of tokens", [1, 0, 0], [0]),
    part("too large", [LARGE, 0, 0]),
    part("too large", NONE, [0, LARGE, 0]),
    part("not eligible", [0, 0, 1]),
    part("beyond the call", [10_000, 0, 0]),
    part("not moved", [11, 0, 0]),
    part("not issued", NONE, [1, 0, 0]),
    part("nothing to move", NONE),
]
LEFT_OUT = [
    Refusal("borrower", "adjust", (loans,), "not yours in the morning", in_the_morning),
    Refusal("outsider", "mark", (loans,), "not yours"),
    Refusal("borrower", "mark", (loans,), "a party runs all of it", in_the_evening),
    Refusal("outsider", "deliver", (loans,), "not yours", is_called),
    *(
        Refusal(HOUSE, function, ([2],), "not open", is_offered)
        for function in ("adjust", "mark", "deliver", "settle_instructions")
    ),
    Refusal(HOUSE, "adjust", (loans,), "not open", is_settled),
    Refusal(HOUSE, "mark", (loans,), "not open", is_stopped),
    Refusal(HOUSE, "adjust", (loans,), "already marked today", is_marked),
    Refusal(HOUSE, "deliver", (loans,), "no call", is_marked),
    Refusal(HOUSE, "deliver", (loans,), "no call", in_order(is_called, is_delivered)),
    Refusal(HOUSE, "deliver", (loans,), "no call", in_order(is_called, next_day)),
    Refusal(HOUSE, "settle_instructions", (loans,), "no instruction"),
]


def is_instructed(world: World) -> None:
    """A delivery is under way until the next day."""
    world.day(1, 80, 180)
    world.platform.deposit(world.borrower, 0, 10_000)
    world.house("adjust", [world.loan])
    assert world.platform.loan(world.loan).instructed


def is_through(world: World) -> None:
    world.house("settle_instructions", [world.loan])


WITH_A_LAG = [
    Refusal(HOUSE, "settle_instructions", (loans,), "not due", is_instructed),
    Refusal(HOUSE, "mark", (loans,), "already marked today", is_instructed),
    Refusal(HOUSE, "adjust", (loans,), "instruction open", in_order(is_instructed, next_day)),
    Refusal(
        HOUSE,
        "settle_instructions",
        (loans,),
        "no instruction",
        in_order(is_instructed, next_day, is_through),
    ),
]


@pytest.mark.parametrize("case", CASES + PARTS, ids=str)
def test_refused_with_its_reason_and_nothing_changes(world: World, case: Refusal) -> None:
    check_refused(world, "lending", case)


@pytest.mark.parametrize("case", LEFT_OUT, ids=str)
def test_left_out_and_nothing_changes(world: World, case: Refusal) -> None:
    check_skipped(world, case)


@pytest.mark.parametrize("case", WITH_A_LAG, ids=str)
def test_an_instruction_settles_once_and_on_the_next_day(case: Refusal) -> None:
    check_skipped(new_world(lag=1), case)


def test_a_loan_twice_in_a_batch_is_run_once(world: World) -> None:
    world.day(1, 80, 180)
    first, second = world.platform.adjust([world.loan] * 2)
    assert (first.kind, second.kind) == (DELIVERY, SKIPPED)


def test_the_margin_run_goes_on_after_the_instruction() -> None:
    world = new_world(lag=1)
    in_order(is_instructed, next_day, is_through)(world)
    world.house("adjust", [world.loan])


def test_every_reason_has_a_case() -> None:
    check_all_covered("margining", {case.reason for case in PARTS})


@pytest.mark.parametrize("lag", [0, 1])
def test_a_borrower_brings_a_part_and_the_house_collects_the_rest(lag: int) -> None:
    """At 80 and 180, 40,000 are missing: 100 A of its own, 50 issued, then 350 that are left."""
    world = new_world(lag=lag)
    is_called(world)
    p = world.platform
    p.fund(world.borrower, 0, 110)
    p.deposit(world.borrower, 0, 60)
    p.deliver_part(world.loan, [100, 0, 0], [50, 0, 0], world.borrower)
    assert (p.instructed if lag else p.collateral)(world.loan)[0] == 150 + 1_000 * (not lag)
    outcome = p.deliver([world.loan])[0]
    assert (outcome.excess, outcome.moved) == (-28_000, 20 * 80)
    assert outcome.unmet == 40_000 - 170 * 80
    if lag:
        world.day(2, 80, 180)
        assert p.settle_instructions([world.loan]) == [0]
    assert p.collateral(world.loan)[0] == 1_170


def test_a_part_redeems_first_what_the_lender_has_issued() -> None:
    """B rises: 1,000 A go back and 200 are issued. When it falls, 1,200 A are called for again."""
    world = new_world(trigger=0, priority=(0,))
    p = world.platform
    p.deposit(world.lender, 0, 10_000)
    world.day(1, 100, 320)
    p.adjust([world.loan])
    assert p.loan(world.loan).advanced == 200 and p.deposited(world.lender, 0) == 9_800
    world.day(2, 100, 200)
    p.mark([world.loan])
    p.deliver_part(world.loan, [700, 0, 0], NONE, world.borrower)
    assert p.loan(world.loan).advanced == 0 and p.deposited(world.lender, 0) == 10_000
    assert p.collateral(world.loan)[0] == 500
    outcome = p.deliver([world.loan])[0]
    assert (outcome.moved, outcome.unmet) == (50_000, 0)


def test_the_largest_amounts_overflow_nowhere() -> None:
    """At the limits of prices and amounts everything is either computed or refused by name."""
    world = new_world(machine=new_machine())
    p = world.platform
    p.fund(world.lender, 2, LARGE - 1 - 285_000)
    p.fund(world.borrower, 0, LARGE - 1)
    p.deposit(world.borrower, 0, LARGE - 1)
    p.allow(world.lender, 2, LARGE)
    p.allow(world.borrower, 0, 2 * LARGE)
    p.go_to(1)
    p.post([2, 1])
    big = p.open(world.lender, world.borrower, 1, 0, 0, [0, 0, 2**62], [LARGE - 1, 0, 0])
    p.go_to(2)
    p.post([LARGE - 1, LARGE - 1])
    outcome = p.adjust([big])[0]
    assert outcome.kind == 2 and outcome.worth >= 0
    p.go_to(3)
    p.post([1, 1])
    assert p.adjust([big])[0].kind == 1
