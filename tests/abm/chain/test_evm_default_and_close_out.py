"""Nobody is in default who has what it owes; and nobody can stop a close-out."""

from __future__ import annotations

import pytest
from evm_world import World, another_loan, new_world, send
from worlds import loan as loan_table
from worlds import panel_of, table_of

from abm.chain.day import chain_of
from abm.chain.machine import DAY, RevertedError
from abm.chain.records import MAX_BATCH
from abm.model import CollateralMarket
from scenarios.scenario import Scenario

# Default only of those who owe


def test_nobody_is_overdue_before_the_end_of_the_day(world: World) -> None:
    """The lender tries at midnight, the borrower has its cash at noon."""
    p = world.platform
    p.redeem(world.borrower, 2, 285_000)
    p.machine.advance_to((p.first_day + 30) * DAY)
    assert send(world, "settle", [[world.loan]], world.lender) == [False]
    assert p.loan(world.loan).overdue_days == 0
    with pytest.raises(RevertedError, match="within the grace period"):
        send(world, "declare_unmet", [world.loan], world.lender, "desk")
    p.fund(world.borrower, 2, 285_000)
    assert send(world, "settle", [[world.loan]], world.borrower) == [True]


def test_who_does_not_pay_by_the_end_of_the_day_is_overdue_once(world: World) -> None:
    p = world.platform
    p.redeem(world.borrower, 2, 285_000)
    for day in (30, 31):
        world.day(day, 100, 200)
        for _ in range(3):
            assert send(world, "settle", [[world.loan]], world.lender) == [False]
        assert p.loan(world.loan).overdue_days == day - 29
    send(world, "declare_unmet", [world.loan], world.lender, "desk")


def test_a_top_up_cures(world: World) -> None:
    """The borrower owes for two days, and brings it before it is declared."""
    p = world.platform
    for day in (1, 2):
        world.day(day, 80, 180)
        assert p.adjust([world.loan])[0].unmet > 0
    p.fund(world.borrower, 0, 1_000)
    p.top_up(world.loan, 0, 1_000, world.borrower)
    with pytest.raises(RevertedError, match="covered"):
        send(world, "declare_unmet", [world.loan], world.lender, "desk")
    world.day(3, 80, 180)
    p.adjust([world.loan])
    assert p.loan(world.loan).unmet_days == 0


def test_a_roll_needs_no_deposit() -> None:
    """Tokens that a lender has issued are redeemed when a loan ends, not when it goes on.

    The borrower has passed them on to its other lender by the time the first loan rolls.
    """
    prices = {"A": [100] * 5, "B": [100, 300, 300, 300, 300], "C": [100, 100, 300, 300, 300]}
    rolling = {"lent": {"JPY": 2000}, "collateral": {"A": 10, "B": 10}}
    scenario = Scenario.parse(
        table_of(
            5,
            agreement={"haircut": 0.0, "adjustment": "single", "lender_issuance": True},
            participants={
                "given": [
                    {"name": "L1", "role": "lender"},
                    {"name": "B1", "role": "borrower", "issuance_capacity": {}},
                ]
            },
            loans=[
                loan_table(1, "L1", "B1", maturity=3, at_maturity="roll", **rolling),
                loan_table(2, "L2", "B1", lent={"C": 10}, collateral={"A": 10}),
            ],
            ledger="evm",
        ),
        "roll",
    )
    market = CollateralMarket(scenario, rng=1, prices=panel_of(prices))
    for _ in range(3):
        market.step()
    assert market.today["loans_rolled"] == 1
    assert market.books.accounts.advanced[0] == 10
    assert market.participants["B1"].wallet["A"] == 0
    assert not len(chain_of(market).gas_frame().query("action == 'deposit' and day > 0"))


# Close-out that nobody can stop


def in_default(world: World, *loans: int) -> None:
    p = world.platform
    p.declare_insolvent(world.borrower)
    p.stop([world.loan, *loans], world.borrower)


def test_a_lender_that_revokes_its_allowance_stops_no_close_out(world: World) -> None:
    """Collateral of 300,000 for 285,000: the estate gets 15,000 that the lender never had."""
    p = world.platform
    world.day(1, 100, 200)
    in_default(world)
    for token in p.tokens:
        for pool in (p.lending.address, p.desk.address):
            p.machine.send(token, "approve", [pool, 0], world.lender)
    p.fund(world.buyer, 2, 300_000)
    p.liquidate(world.loan, world.buyer, [1_000, 1_000, 0], [100, 200, 1])
    assert p.kept(world.borrower, world.lender) == 300_000
    before = p.balances([world.lender, world.borrower])
    assert p.close_out([world.loan], world.borrower, world.lender, [100, 200, 1]) == -15_000
    after = p.balances([world.lender, world.borrower])
    assert after[0][2] - before[0][2] == 285_000
    assert after[1][2] - before[1][2] == 15_000


def test_many_loans_of_a_pair_are_closed_out_in_parts(world: World) -> None:
    p = world.platform
    loans = [another_loan(world) for _ in range(69)]
    p.fund(world.buyer, 2, 400_000)
    world.day(1, 100, 200)
    in_default(world, *loans)
    p.liquidate(world.loan, world.buyer, [1_000, 1_000, 0], [100, 200, 1])
    for loan in loans:
        p.liquidate(loan, world.buyer, [10, 0, 0], [100, 200, 1])
    everything = [world.loan, *loans]
    assert len(everything) > 4 * MAX_BATCH
    claim = p.close_out(everything, world.borrower, world.lender, [100, 200, 1])
    assert claim == 285_000 + 69 * 950 - 300_000 - 69 * 1_000
    assert p.balances([p.lending.address, p.desk.address]) == [[0, 0, 0], [0, 0, 0]]


def test_without_clearing_house_and_buyer_the_lender_helps_itself(world: World) -> None:
    """It takes collateral worth its claim in kind; the rest is the estate's."""
    p = world.platform
    world.day(1, 100, 200)
    p.declare_insolvent(world.borrower)
    with pytest.raises(RevertedError, match="only the clearing house"):
        send(world, "stop", [[world.loan], world.borrower], world.lender, "desk")
    world.day(2, 100, 200)
    send(world, "stop", [[world.loan], world.borrower], world.lender, "desk")
    send(world, "liquidate", [world.loan, world.lender, [850, 1_000, 0]], world.lender, "desk")
    ended = [[world.loan], world.borrower, world.lender, [1, 0, 2]]
    assert send(world, "close_out", ended, world.lender, "desk") == 0
    assert p.balances([world.lender, world.borrower]) == [[850, 1_000, 0], [150, 0, 285_000]]


def test_both_in_default_leaves_everybody_its_part(world: World) -> None:
    p = world.platform
    world.day(1, 100, 200)
    in_default(world)
    p.declare_insolvent(world.lender)
    p.fund(world.buyer, 2, 300_000)
    p.liquidate(world.loan, world.buyer, [1_000, 1_000, 0], [100, 200, 1])
    p.close_out([world.loan], world.borrower, world.lender, [100, 200, 1])
    assert p.balances([world.lender, world.borrower])[0] == [0, 0, 285_000]


def test_a_borrower_without_cash_stops_no_close_out_of_its_lender(world: World) -> None:
    """Its lender defaults when collateral is worth 240,000: of 285,000 it owes 45,000."""
    p = world.platform
    world.day(1, 80, 160)
    p.declare_insolvent(world.lender)
    p.stop([world.loan], world.lender)
    p.machine.send(p.tokens[2], "transfer", [world.outsider, 285_000], world.borrower)
    ended = [[world.loan], world.lender, world.borrower, [1, 0, 2]]
    assert send(world, "close_out", ended, p.clearing_house, "desk") == -45_000
    assert p.balances([world.lender])[0] == [1_000, 1_000, 0]
    debt = [world.borrower, world.lender]
    assert p.machine.read(p.desk, "debt", debt) == 45_000
    p.machine.send(p.tokens[2], "transfer", [world.borrower, 45_000], world.outsider)
    p.machine.send(p.tokens[2], "approve", [p.desk.address, 45_000], world.borrower)
    send(world, "pay_debt", [world.lender, 45_000], world.borrower, "desk")
    send(world, "take", [world.lender], world.lender, "desk")
    assert p.machine.read(p.desk, "debt", debt) == 0
    assert p.balances([world.lender])[0] == [1_000, 1_000, 45_000]


def test_a_delivery_under_way_reaches_the_collateral_of_a_loan_in_default() -> None:
    """It was instructed before the default was declared, and is final; what the lender had issued
    is redeemed from it."""
    world = new_world(lag=1)
    p = world.platform
    p.fund(world.borrower, 0, 600)
    world.day(1, 80, 180)
    p.adjust([world.loan])
    assert p.instructed(world.loan)[0] == 500 and p.collateral(world.loan)[0] == 1_000
    p.declare_insolvent(world.borrower)
    p.stop([world.loan], world.borrower)
    assert p.collateral(world.loan)[0] == 1_500
    assert p.instructed(world.loan)[0] == 0
    assert p.balances([world.borrower])[0][0] == 100
