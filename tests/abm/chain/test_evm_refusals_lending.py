"""What the lending contract refuses: opening and settling loans, and what the desk alone may do."""

from __future__ import annotations

from typing import Any

import pytest
from evm_refusals import (
    HOUSE,
    LARGE,
    ONLY_HOUSE,
    SOMEBODY,
    ZERO,
    Refusal,
    Setting,
    check_all_covered,
    check_not_deployed,
    check_refused,
    in_order,
    is_insolvent,
    is_offered,
    is_settled,
    is_stopped,
    loan,
    loans,
    now,
)
from evm_world import World, new_world

from abm.chain.artefacts import artefact
from abm.chain.machine import DAY, RevertedError
from abm.chain.platform import UNLIMITED

# Opening


def offered(**changed: Any) -> tuple[Any, ...]:
    """What the lender offers: 950 of cash against ten A."""
    given = {
        "borrower": "borrower",
        "agreement": "agreement",
        "maturity": 0,
        "term": 0,
        "lent": [0, 0, 950],
        "collateral": [10, 0, 0],
    }
    return tuple({**given, **changed}.values())


def refused(reason: str, **changed: Any) -> Refusal:
    """An offer that makes no sense."""
    return Refusal("lender", "offer", offered(**changed), reason)


def is_offered_unfunded(*lent: int) -> Setting:
    """Loan 2 waits for the borrower, whose ten A are missing, as may be what is lent."""

    def before(world: World) -> None:
        p = world.platform
        arguments = [world.borrower, world.agreement, 0, 0, lent, [10, 0, 0]]
        p.machine.send(p.lending, "offer", arguments, world.lender)

    return before


def lender_is_funded(world: World) -> None:
    world.platform.fund(world.lender, 2, 1)


def is_withdrawn(world: World) -> None:
    p = world.platform
    p.machine.send(p.lending, "withdraw", [2], world.lender)


def lender_is_insolvent(world: World) -> None:
    world.platform.declare_insolvent(world.lender)


def next_day(world: World) -> None:
    world.day(1, 100, 200)


def a_is_cheaper(world: World) -> None:
    """Ten A no longer secure the 950."""
    world.platform.machine.advance_to(now(world) + 1)
    world.platform.post([99, 200])


OPENING = [
    refused("no such borrower", borrower=ZERO),
    refused("no such borrower", borrower="lender"),
    refused("unknown agreement", agreement=0),
    refused("unknown agreement", agreement=2),
    refused("maturity out of range", maturity=lambda world: now(world) // DAY),
    refused("maturity out of range", maturity=2**31),
    refused("term out of range", term=65_536),
    refused("number of tokens", lent=[1, 1]),
    refused("number of tokens", collateral=[1, 1]),
    refused("nothing lent", lent=[0, 0, 0]),
    refused("no collateral", collateral=[0, 0, 0]),
    refused("too large", lent=[0, 0, LARGE]),
    refused("too large", collateral=[LARGE, 0, 0]),
    Refusal("outsider", "accept", (2,), "only the borrower", is_offered),
    Refusal("borrower", "accept", (loan,), "not offered"),
    Refusal("borrower", "accept", (2,), "not offered", in_order(is_offered, is_withdrawn)),
    Refusal("borrower", "accept", (2,), "offer expired", in_order(is_offered, next_day)),
    Refusal(
        "borrower", "accept", (2,), "not enough collateral", in_order(is_offered, a_is_cheaper)
    ),
    Refusal("borrower", "accept", (2,), "too large", is_offered_unfunded(*[LARGE - 1] * 3)),
    Refusal("borrower", "accept", (2,), "balance too low", is_offered_unfunded(0, 0, 1)),
    Refusal(
        "borrower",
        "accept",
        (2,),
        "balance too low",
        in_order(is_offered_unfunded(0, 0, 1), lender_is_funded),
    ),
    Refusal("borrower", "accept", (2,), "party in default", in_order(is_offered, is_insolvent)),
    Refusal(
        "borrower", "accept", (2,), "party in default", in_order(is_offered, lender_is_insolvent)
    ),
    Refusal("borrower", "withdraw", (2,), "only the lender", is_offered),
    Refusal("lender", "withdraw", (loan,), "not offered"),
]

# Settlement


def is_due(world: World) -> None:
    world.day(30, 100, 200)


def is_tried(world: World) -> None:
    """The borrower has redeemed the cash that it owes."""
    is_due(world)
    world.platform.redeem(world.borrower, 2, 285_000)
    assert world.platform.settle([world.loan]) == [False]


SETTLING = [
    Refusal("borrower", "settle", (loans,), "not due"),
    Refusal("outsider", "settle", (loans,), "not a party", is_due),
    Refusal("borrower", "settle", ([],), "no loans"),
    Refusal("borrower", "settle", (loans,), "not open", is_settled),
    Refusal("lender", "settle", (loans,), "already tried today", is_tried),
]

# What the desk alone may do


def outsider_is_the_desk(world: World) -> None:
    """A lending contract with an account as its desk, for ours asks it for nothing of the kind."""
    p = world.platform
    deploy_lending(world, len(p.tokens))
    for token in p.tokens:
        for party in (world.lender, world.borrower):
            p.machine.send(token, "approve", [p.lending.address, UNLIMITED], party)
    world.house("register_agreement", 500, 0, 200, 0, 0, 0, True, True, True, [0, 1])
    p.fund(world.lender, 2, 950)
    p.fund(world.borrower, 0, 10)
    p.open(world.lender, world.borrower, 1, 30, 0, [0, 0, 950], [10, 0, 0])
    world.house("appoint", world.outsider)


def deploy_lending(world: World, tokens: int) -> None:
    """Put another lending contract in the place of the first; it has no desk."""
    p = world.platform
    addresses = [token.address for token in p.tokens[:tokens]]
    arguments = [p.clearing_house, p.custodian.address, p.oracle.address, addresses]
    p.lending = p.machine.deploy(artefact("Lending"), arguments, p.clearing_house)


def stopped_by_the_outsider(world: World) -> None:
    outsider_is_the_desk(world)
    p = world.platform
    p.machine.send(p.lending, "stop", [1], world.outsider)


def knows_fewer_tokens(world: World) -> None:
    """The oracle has a price more than the lending contract takes."""
    deploy_lending(world, len(world.platform.tokens) - 1)


DESK = [
    Refusal(HOUSE, "stop", (loan,), "only the desk"),
    Refusal(HOUSE, "release", (loan, 0, "outsider", 1), "only the desk", is_stopped),
    Refusal("outsider", "end", (loan,), "only the desk", is_stopped),
    Refusal("outsider", "appoint", ("outsider",), ONLY_HOUSE),
    Refusal(HOUSE, "appoint", ("outsider",), "already appointed"),
    Refusal(HOUSE, "appoint", (ZERO,), "zero address"),
    Refusal("outsider", "stop", (1,), "not open", stopped_by_the_outsider),
    Refusal("outsider", "release", (1, 0, "buyer", 1), "not stopped", outsider_is_the_desk),
    Refusal("outsider", "release", (1, 3, "buyer", 1), "unknown token", stopped_by_the_outsider),
    Refusal("outsider", "release", (1, 0, "buyer", 0), "zero amount", stopped_by_the_outsider),
    Refusal("outsider", "release", (1, 0, "buyer", 11), "more than held", stopped_by_the_outsider),
    Refusal("outsider", "end", (1,), "not stopped", outsider_is_the_desk),
    Refusal("outsider", "end", (1,), "collateral not sold", stopped_by_the_outsider),
    Refusal(HOUSE, "adjust", ([1],), "number of prices", knows_fewer_tokens),
]


@pytest.mark.parametrize("case", OPENING + SETTLING + DESK, ids=str)
def test_refused_with_its_reason_and_nothing_changes(world: World, case: Refusal) -> None:
    check_refused(world, "lending", case)


def test_maturity_waits_for_the_instruction() -> None:
    world = new_world(lag=1)
    world.day(29, 120, 210)
    world.house("adjust", [world.loan])
    world.day(30, 120, 210)
    with pytest.raises(RevertedError, match="instruction not settled"):
        world.platform.settle([world.loan])
    world.house("settle_instructions", [world.loan])
    assert world.platform.settle([world.loan]) == [True]


NOT_DEPLOYED = [
    ("zero address", [ZERO, SOMEBODY, SOMEBODY, [SOMEBODY] * 2]),
    ("zero address", [SOMEBODY, ZERO, SOMEBODY, [SOMEBODY] * 2]),
    ("zero address", [SOMEBODY, SOMEBODY, ZERO, [SOMEBODY] * 2]),
    ("number of tokens", [SOMEBODY] * 3 + [[SOMEBODY]]),
]


@pytest.mark.parametrize(("reason", "arguments"), NOT_DEPLOYED)
def test_not_deployed(reason: str, arguments: list[Any]) -> None:
    check_not_deployed("Lending", reason, arguments)


def test_every_reason_has_a_case() -> None:
    reasons = {case.reason for case in OPENING + SETTLING + DESK}
    reasons |= {reason for reason, _ in NOT_DEPLOYED}
    # Our tokens never answer false, and what is collected was counted before.
    check_all_covered("assets", reasons, unreachable=["not transferred", "beyond the deposit"])
    # A lag has its own world, above; batches of the margin run stand with it.
    check_all_covered("Lending", reasons, unreachable=["instruction not settled"])
    check_all_covered("settlement", reasons)
