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
    check_skipped,
    in_order,
    is_insolvent,
    is_offered,
    is_settled,
    is_stopped,
    loan,
    loans,
    now,
)
from evm_world import ENOUGH, World, new_world

from abm.chain.artefacts import artefact
from abm.chain.machine import DAY
from abm.chain.platform import Platform

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


def borrower_is_funded(world: World) -> None:
    world.platform.fund(world.borrower, 0, 10)


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
    Refusal(
        "borrower",
        "accept",
        (2,),
        "lender cannot give",
        in_order(is_offered_unfunded(0, 0, 1), borrower_is_funded),
    ),
    Refusal(
        "borrower",
        "accept",
        (2,),
        "borrower cannot give",
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


SETTLING = [Refusal("borrower", "settle", ([],), "no loans")]
LEFT_OUT = [
    Refusal("borrower", "settle", (loans,), "not due"),
    Refusal("outsider", "settle", (loans,), "not a party", is_due),
    Refusal("borrower", "settle", (loans,), "not open", is_settled),
]


def is_recalled(world: World) -> None:
    world.platform.end_early(world.loan, world.borrower)


ENDING = [
    Refusal("outsider", "end_early", (loan,), "not a party"),
    Refusal("lender", "end_early", (loan,), "not open", is_settled),
    Refusal("borrower", "end_early", (loan,), "already agreed", is_recalled),
    Refusal("lender", "top_up", (loan, 0, 1), "only the borrower"),
    Refusal("borrower", "top_up", (loan, 0, 1), "not open", is_settled),
    Refusal("borrower", "top_up", (loan, 3, 1), "unknown token"),
    Refusal("borrower", "top_up", (loan, 2, 1), "not eligible"),
    Refusal("borrower", "top_up", (loan, 0, 0), "amount out of range"),
    Refusal("borrower", "top_up", (loan, 0, 1), "not moved"),
    Refusal("borrower", "claim", (0, "borrower"), "nothing to claim"),
    Refusal("borrower", "claim", (3, "borrower"), "unknown token"),
    Refusal("borrower", "exchange", (loan,), "only within"),
]

# What the desk alone may do


def outsider_is_the_desk(world: World) -> None:
    """A lending contract with an account as its desk, for ours asks it for nothing of the kind."""
    p = world.platform
    deploy_lending(world)
    for token in p.tokens:
        for party in (world.lender, world.borrower):
            p.machine.send(token, "approve", [p.lending.address, ENOUGH], party)
    world.house("register_agreement", 500, 0, 200, 0, 0, 0, 2, 0, True, True, True, [0, 1])
    p.fund(world.lender, 2, 950)
    p.fund(world.borrower, 0, 10)
    p.open(world.lender, world.borrower, 1, 30, 0, [0, 0, 950], [10, 0, 0])
    p.machine.send(p.lending, "appoint", [world.outsider], p.admin)


def deploy_lending(world: World) -> None:
    """Put another lending contract in the place of the first; it has no desk."""
    p = world.platform
    shared = (p.custodian.address, p.oracle.address, [token.address for token in p.tokens])
    loans = p.machine.deploy(artefact("Loans"), (*shared, 0), p.admin)
    arguments = [p.admin, p.clearing_house, p.guardian, *shared, loans.address]
    p.lending = p.machine.deploy(artefact("Lending"), arguments, p.admin)


def stopped_by_the_outsider(world: World) -> None:
    outsider_is_the_desk(world)
    p = world.platform
    p.machine.send(p.lending, "stop", [1], world.outsider)


ONE_A, NOTHING = [1, 0, 0], [0, 0, 0]


def lender_is_the_pauser(world: World) -> None:
    is_offered(world)
    p = world.platform
    p.machine.send(p.lending, "pause", [], p.guardian)


def prices_are_of_the_morning(world: World) -> None:
    p = world.platform
    p.machine.advance_to(now(world) + 3_601)


DESK = [
    Refusal(HOUSE, "stop", (loan,), "only the desk"),
    Refusal(HOUSE, "release", (loan, "outsider", ONE_A), "only the desk", is_stopped),
    Refusal("outsider", "end", (loan,), "only the desk", is_stopped),
    Refusal("outsider", "appoint", ("outsider",), "only the administrator"),
    Refusal("admin", "appoint", ("outsider",), "already appointed"),
    Refusal("admin", "appoint", (ZERO,), "zero address"),
    Refusal("outsider", "stop", (1,), "not open", stopped_by_the_outsider),
    Refusal("outsider", "release", (1, "buyer", ONE_A), "not stopped", outsider_is_the_desk),
    Refusal("outsider", "release", (1, "buyer", [1]), "number of tokens", stopped_by_the_outsider),
    Refusal(
        "outsider", "release", (1, "buyer", [11, 0, 0]), "more than held", stopped_by_the_outsider
    ),
    Refusal("outsider", "end", (1,), "not stopped", outsider_is_the_desk),
    Refusal("outsider", "end", (1,), "collateral not sold", stopped_by_the_outsider),
    Refusal("borrower", "accept", (2,), "paused", lender_is_the_pauser),
    Refusal(
        "borrower",
        "accept",
        (2,),
        "prices too old to open",
        in_order(is_offered, prices_are_of_the_morning),
    ),
]
ALL = OPENING + SETTLING + ENDING + DESK


@pytest.mark.parametrize("case", ALL, ids=str)
def test_refused_with_its_reason_and_nothing_changes(world: World, case: Refusal) -> None:
    check_refused(world, "lending", case)


@pytest.mark.parametrize("case", LEFT_OUT, ids=str)
def test_left_out_and_nothing_changes(world: World, case: Refusal) -> None:
    check_skipped(world, case)


def test_settlement_undoes_an_instruction_that_is_under_way() -> None:
    """Daily calls with a lag leave an instruction on every day; the parties settle all the same."""
    world = new_world(lag=1, trigger=0)
    world.day(30, 99, 200)
    world.platform.deposit(world.borrower, 0, 1_000)
    world.house("adjust", [world.loan])
    p = world.platform
    assert p.loan(world.loan).instructed
    assert p.machine.send(p.lending, "settle", [[world.loan]], world.borrower).output == [True]
    assert p.balances([p.lending.address])[0] == [0, 0, 0]
    assert p.balances([world.lender])[0] == [0, 0, 285_000]


NOT_DEPLOYED = [
    ("zero address", [SOMEBODY, ZERO, SOMEBODY, SOMEBODY, SOMEBODY, [SOMEBODY] * 2, SOMEBODY]),
    ("zero address", [*[SOMEBODY] * 3, ZERO, SOMEBODY, [SOMEBODY] * 2, SOMEBODY]),
    ("zero address", [*[SOMEBODY] * 3, SOMEBODY, ZERO, [SOMEBODY] * 2, SOMEBODY]),
    ("zero address", [*[SOMEBODY] * 3, SOMEBODY, SOMEBODY, [SOMEBODY] * 2, ZERO]),
    ("number of tokens", [*[SOMEBODY] * 5, [SOMEBODY], SOMEBODY]),
]


@pytest.mark.parametrize(("reason", "arguments"), NOT_DEPLOYED)
def test_not_deployed(reason: str, arguments: list[Any]) -> None:
    check_not_deployed("Lending", reason, arguments)


def test_not_deployed_with_tokens_that_the_oracle_does_not_know() -> None:
    p = Platform(["A", "B", "cash"])
    shared = [p.custodian.address, p.oracle.address, [token.address for token in p.tokens[:2]]]
    with pytest.raises(RuntimeError, match="number of prices"):
        p.machine.deploy(artefact("Loans"), [*shared, 0], p.admin)


def test_no_loan_is_smaller_than_the_platform_takes() -> None:
    """950 are lent where 951 is the least, and where 950 is."""
    for least in (951, 950):
        world = new_world(platform={"smallest_loan": least})
        is_offered(world)
        case = Refusal("borrower", "accept", (2,), "loan too small")
        if least == 951:
            check_refused(world, "lending", case)
        else:
            world.platform.machine.send(world.platform.lending, "accept", [2], world.borrower)


def test_every_reason_has_a_case() -> None:
    reasons = {case.reason for case in ALL} | {reason for reason, _ in NOT_DEPLOYED}
    reasons |= {"loan too small"}
    check_all_covered("assets", reasons | {"number of prices"})
    check_all_covered("Loans", reasons | {ONLY_HOUSE}, unreachable=[])
    # The margin run's own refusals stand with it.
    check_all_covered("Lending", reasons | {"no loans", "paused"}, unreachable=[])
    # Counted before it is issued.
    check_all_covered("settlement", reasons, unreachable=["beyond the deposit"])
