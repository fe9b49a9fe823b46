"""What the margin process refuses: who may run it, at which prices, and in which order."""

from __future__ import annotations

import pytest
from evm_refusals import (
    HOUSE,
    LARGE,
    ONLY_HOUSE,
    Refusal,
    check_all_covered,
    check_refused,
    in_order,
    is_offered,
    is_settled,
    is_stale,
    is_stopped,
    loans,
)
from evm_world import World, new_world

from abm.chain.machine import new_machine
from abm.chain.platform import UNLIMITED


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


def twice(world: World) -> list[int]:
    return [world.loan] * 2


CASES = [
    Refusal("borrower", "adjust", (loans,), ONLY_HOUSE),
    Refusal("outsider", "mark", (loans,), ONLY_HOUSE),
    Refusal("lender", "deliver", (loans,), ONLY_HOUSE, is_called),
    Refusal("lender", "settle_instructions", (loans,), ONLY_HOUSE),
    *(
        Refusal(HOUSE, function, ([],), "no loans")
        for function in ("adjust", "mark", "deliver", "settle_instructions")
    ),
    *(
        Refusal(HOUSE, function, (loans,), "stale prices", is_stale)
        for function in ("adjust", "mark", "deliver")
    ),
    *(
        Refusal(HOUSE, function, ([2],), "not open", is_offered)
        for function in ("adjust", "mark", "deliver", "settle_instructions")
    ),
    Refusal(HOUSE, "adjust", (loans,), "not open", is_settled),
    Refusal(HOUSE, "mark", (loans,), "not open", is_stopped),
    Refusal(HOUSE, "adjust", (loans,), "already marked today", is_marked),
    Refusal(HOUSE, "adjust", (twice,), "already marked today"),
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
    Refusal(
        HOUSE, "adjust", (loans,), "instruction not settled", in_order(is_instructed, next_day)
    ),
    Refusal(
        HOUSE,
        "settle_instructions",
        (loans,),
        "no instruction",
        in_order(is_instructed, next_day, is_through),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_refused_with_its_reason_and_nothing_changes(world: World, case: Refusal) -> None:
    check_refused(world, "lending", case)


@pytest.mark.parametrize("case", WITH_A_LAG, ids=str)
def test_an_instruction_settles_once_and_on_the_next_day(case: Refusal) -> None:
    check_refused(new_world(lag=1), "lending", case)


def test_the_margin_run_goes_on_after_the_instruction() -> None:
    world = new_world(lag=1)
    in_order(is_instructed, next_day, is_through)(world)
    world.house("adjust", [world.loan])


def test_every_reason_has_a_case() -> None:
    check_all_covered("margining", [case.reason for case in CASES + WITH_A_LAG])


def test_the_largest_amounts_overflow_nowhere() -> None:
    """At the limits of prices and amounts everything is either computed or refused by name."""
    world = new_world(machine=new_machine())
    p = world.platform
    p.fund(world.lender, 2, LARGE - 1 - 285_000)
    p.deposit(world.borrower, 0, UNLIMITED)
    p.mint(world.borrower, 0, LARGE - 1)
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
