"""What the close-out desk refuses."""

from __future__ import annotations

import pytest
from evm_refusals import (
    HOUSE,
    ONLY_HOUSE,
    SOMEBODY,
    ZERO,
    Refusal,
    check_all_covered,
    check_not_deployed,
    check_refused,
    in_order,
    is_insolvent,
    is_offered,
    is_settled,
    is_stale,
    is_stopped,
    loan,
    loans,
)
from evm_world import World


def is_unmet(world: World) -> None:
    """The borrower has owed a delivery for a day, which its grace allows."""
    world.day(1, 80, 180)
    world.house("adjust", [world.loan])
    assert world.platform.loan(world.loan).unmet_days == 1


def is_beyond_its_grace(world: World) -> None:
    is_unmet(world)
    world.day(2, 80, 180)
    world.house("adjust", [world.loan])


def is_covered(world: World) -> None:
    """The borrower tops the loan up after the margin run that it could not meet."""
    is_beyond_its_grace(world)
    p = world.platform
    p.fund(world.borrower, 0, 1_000)
    p.top_up(world.loan, 0, 1_000, world.borrower)


def is_not_collected(world: World) -> None:
    """Today's call has been made; what the borrower has in its wallet, nobody has asked for."""
    is_beyond_its_grace(world)
    world.day(3, 80, 180)
    world.platform.fund(world.borrower, 0, 1_000)
    world.house("mark", [world.loan])


def is_called_yesterday(world: World) -> None:
    is_beyond_its_grace(world)
    world.day(3, 80, 180)


EVIDENCE, OTHER, NONE = ("0x" + digit * 64 for digit in "120")


def is_attested(world: World) -> None:
    p = world.platform
    p.machine.send(p.desk, "attest", [world.borrower, EVIDENCE], p.guardian)


DEFAULTS = [
    Refusal("lender", "declare_unmet", (loan,), "covered", is_covered),
    Refusal("lender", "declare_unmet", (loan,), "not called today", is_called_yesterday),
    Refusal("lender", "declare_unmet", (loan,), "call not collected", is_not_collected),
    Refusal("lender", "declare_insolvent", ("borrower", EVIDENCE), ONLY_HOUSE, is_attested),
    Refusal(HOUSE, "declare_insolvent", ("borrower", EVIDENCE), "not attested"),
    Refusal(HOUSE, "declare_insolvent", ("borrower", OTHER), "not attested", is_attested),
    Refusal(HOUSE, "declare_insolvent", (ZERO, EVIDENCE), "zero address"),
    Refusal(
        HOUSE,
        "declare_insolvent",
        ("borrower", EVIDENCE),
        "already in default",
        in_order(is_insolvent, lambda world: is_attested(world)),
    ),
    Refusal(HOUSE, "attest", ("borrower", EVIDENCE), "only the guardian"),
    Refusal("guardian", "attest", ("borrower", NONE), "no evidence"),
    Refusal("lender", "declare_unmet", (loan,), "within the grace period"),
    Refusal("lender", "declare_unmet", (loan,), "within the grace period", is_unmet),
    Refusal("borrower", "declare_unmet", (loan,), "not a party", is_unmet),
    Refusal("lender", "declare_unmet", (loan,), "not open", is_settled),
    Refusal("lender", "declare_unmet", (9,), "no such loan"),
    Refusal(
        "lender",
        "declare_unmet",
        (loan,),
        "already in default",
        in_order(is_beyond_its_grace, is_insolvent),
    ),
]


def outsider_is_insolvent(world: World) -> None:
    world.platform.declare_insolvent(world.outsider)


STOPPING = [
    Refusal("lender", "stop", (loans, "borrower"), ONLY_HOUSE, is_insolvent),
    Refusal(HOUSE, "stop", ([], "borrower"), "no loans", is_insolvent),
    Refusal(HOUSE, "stop", ([9], "borrower"), "no such loan", is_insolvent),
    Refusal(HOUSE, "stop", (loans, "borrower"), "not in default"),
    Refusal(HOUSE, "stop", (loans, "outsider"), "not a party", outsider_is_insolvent),
]


def lender_is_stopped(world: World) -> None:
    world.platform.declare_insolvent(world.lender)
    world.platform.stop([world.loan], world.lender)


ONE_A = [1, 0, 0]
ALL = [1_000, 1_000, 0]
SELLING = [
    Refusal("buyer", "liquidate", (loan, "buyer", ONE_A), ONLY_HOUSE, is_stopped),
    Refusal(HOUSE, "liquidate", (9, "buyer", ONE_A), "no such loan"),
    Refusal(HOUSE, "liquidate", (loan, "buyer", ONE_A), "not stopped"),
    Refusal(HOUSE, "liquidate", (loan, "outsider", ONE_A), "not a buyer", is_stopped),
    Refusal(HOUSE, "liquidate", (loan, "lender", ALL), "beyond the claim", is_stopped),
    Refusal(HOUSE, "liquidate", (loan, "buyer", [1_001, 0, 0]), "more than held", is_stopped),
    Refusal(HOUSE, "liquidate", (loan, "buyer", [0, 0, 0]), "nothing to sell", is_stopped),
    Refusal(HOUSE, "liquidate", (loan, "buyer", [1, 0]), "number of tokens", is_stopped),
    Refusal(HOUSE, "liquidate", (loan, "buyer", ONE_A), "allowance too low", is_stopped),
    Refusal(
        HOUSE, "liquidate", (loan, "buyer", ONE_A), "borrower not in default", lender_is_stopped
    ),
    Refusal(
        HOUSE, "liquidate", (loan, "buyer", ONE_A), "stale prices", in_order(is_stopped, is_stale)
    ),
    Refusal("buyer", "register_buyer", (True,), "already so"),
    Refusal("outsider", "register_buyer", (False,), "already so"),
]


def second_loan(world: World) -> None:
    """Loan 2 like the first, of the same pair."""
    p = world.platform
    p.fund(world.lender, 2, 950)
    p.fund(world.borrower, 0, 10)
    p.open(world.lender, world.borrower, world.agreement, 0, 0, [0, 0, 950], [10, 0, 0])


def loan_of_another(world: World) -> None:
    """Loan 2 of the borrower, from another lender."""
    p = world.platform
    p.fund(world.borrower, 0, 10)
    lender = world.lender_two()
    p.open(lender, world.borrower, world.agreement, 0, 0, [0, 0, 950], [10, 0, 0])


def both_are_stopped(world: World) -> None:
    """Loans 1 and 2 are those of the borrower's estate."""
    is_insolvent(world)
    world.platform.stop([1, 2], world.borrower)


def second_is_the_lenders(world: World) -> None:
    """Loan 1 is of the borrower's estate, loan 2 of the lender's."""
    is_stopped(world)
    world.platform.declare_insolvent(world.lender)
    world.platform.stop([2], world.lender)


DEAREST_FIRST = [1, 0, 2]
ESTATE = (loans, "borrower", "lender", DEAREST_FIRST)
CLOSING = [
    Refusal("lender", "close_out", ESTATE, ONLY_HOUSE, is_stopped),
    Refusal(HOUSE, "close_out", ([], "borrower", "lender", DEAREST_FIRST), "no loans", is_stopped),
    Refusal(HOUSE, "close_out", ESTATE, "not stopped"),
    Refusal(HOUSE, "close_out", ESTATE, "collateral not sold", is_stopped),
    Refusal(HOUSE, "close_out", ESTATE, "stale prices", in_order(is_stopped, is_stale)),
    *(
        Refusal(HOUSE, "close_out", (loans, "lender", "borrower", order), reason, lender_is_stopped)
        for order, reason in (
            ([0, 1, 2], "order of tokens"),
            ([1, 1, 2], "order of tokens"),
            ([1, 0], "number of tokens"),
            ([3, 1, 0], "unknown token"),
            ([1, 0, 3], "unknown token"),
        )
    ),
    Refusal(
        HOUSE,
        "close_out",
        ([2], "borrower", "lender", DEAREST_FIRST),
        "not stopped",
        in_order(is_offered, is_stopped),
    ),
    Refusal(
        HOUSE,
        "close_out",
        (loans, "lender", "borrower", DEAREST_FIRST),
        "not of this estate",
        in_order(second_loan, second_is_the_lenders),
    ),
    Refusal(
        HOUSE,
        "close_out",
        ([2], "borrower", "lender", DEAREST_FIRST),
        "not of this pair",
        in_order(loan_of_another, both_are_stopped),
    ),
]
TAKING = [
    Refusal("lender", "take", ("lender",), "nothing to take", is_stopped),
    Refusal("lender", "pay_debt", ("borrower", 1), "not owed", is_stopped),
    Refusal(
        HOUSE,
        "close_out",
        ([2, 1], "borrower", "lender", DEAREST_FIRST),
        "borrowed loans come first",
        lambda world: is_stopped_both_ways(world),
    ),
]


def is_stopped_both_ways(world: World) -> None:
    """Loan 1 is what the borrower owes, loan 2 what it has lent to its lender."""
    p = world.platform
    p.fund(world.lender, 0, 10)
    p.open(world.borrower, world.lender, world.agreement, 0, 0, [0, 0, 950], [10, 0, 0])
    both_are_stopped(world)


CASES = TAKING + DEFAULTS + STOPPING + SELLING + CLOSING


@pytest.mark.parametrize("case", CASES, ids=str)
def test_refused_with_its_reason_and_nothing_changes(world: World, case: Refusal) -> None:
    check_refused(world, "desk", case)


@pytest.mark.parametrize("missing", range(2))
def test_not_deployed_without(missing: int) -> None:
    given = [SOMEBODY] * 2
    given[missing] = ZERO
    check_not_deployed("CloseOut", "zero address", given)


def test_every_reason_has_a_case() -> None:
    # Our tokens never answer false.
    reasons = [case.reason for case in CASES]
    check_all_covered("CloseOut", reasons, unreachable=["not transferred"])
