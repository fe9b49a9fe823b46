"""Money on the contracts: what one party, one price or one absence can and cannot do."""

from __future__ import annotations

from typing import Any

import pytest
from evm_world import World, new_world
from worlds import loan as loan_table
from worlds import panel_of, table_of

from abm.chain.machine import DAY, TRANSACTION_GAS, RevertedError
from abm.chain.platform import (
    DELIVERY,
    MAX_BATCH,
    NO_CAP,
    RETURN,
    SKIPPED,
    AgreementTerms,
    Platform,
)
from abm.model import CollateralMarket
from scenarios.scenario import Scenario


def send(
    world: World, function: str, arguments: list[Any], sender: str, to: str = "lending"
) -> Any:
    p = world.platform
    return p.machine.send(getattr(p, to), function, arguments, sender).output


def another_loan(world: World, maturity: int = 0, term: int = 0) -> int:
    """950 more against ten A, of the same pair."""
    p = world.platform
    p.fund(world.lender, 2, 950)
    p.fund(world.borrower, 0, 10)
    pair = (world.lender, world.borrower, world.agreement)
    return int(p.open(*pair, maturity, term, [0, 0, 950], [10, 0, 0]))


# Deposits and issuances


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
    assert not len(market.chain.gas_frame().query("action == 'deposit' and day > 0"))


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


# Prices


def test_one_wrong_price_returns_nothing(world: World) -> None:
    """A hundred times the price waits for a second word; until then the last good one stands."""
    p = world.platform
    p.deposit(world.lender, 0, 100_000)
    p.go_to(1)
    now = p.machine.now
    assert send(world, "post", [[10_000, 200], now], p.poster, "oracle") is False
    with pytest.raises(RevertedError, match="stale prices"):
        p.adjust([world.loan])
    p.machine.advance_to(now + 1)
    assert send(world, "post", [[100, 200], now + 1], p.poster, "oracle") is True
    outcome = p.adjust([world.loan])[0]
    assert (outcome.moved, outcome.issued) == (0, 0)
    assert p.collateral(world.loan) == [1_000, 1_000, 0]


def test_many_posts_of_a_day_move_no_further_than_one(world: World) -> None:
    """Each is compared with the last price of the day before."""
    p = world.platform
    world.day(1, 124, 200)
    now = p.machine.now
    p.machine.advance_to(now + 1)
    assert send(world, "post", [[150, 200], now + 1], p.poster, "oracle") is False
    p.machine.advance_to(now + 2)
    assert send(world, "post", [[100, 200], now + 2], p.poster, "oracle") is True, "a correction"
    assert p.machine.read(p.oracle, "prices", []) == [100, 200]
    p.go_to(2)
    now = p.machine.now
    assert send(world, "post", [[125, 200], now], p.poster, "oracle") is True


def test_doubted_prices_pass_without_the_guardian_after_a_while(world: World) -> None:
    p = world.platform
    p.go_to(1)
    now = p.machine.now
    send(world, "post", [[50, 200], now], p.poster, "oracle")
    p.machine.advance_to(now + 6 * 3600)
    send(world, "confirm", [now], p.poster, "oracle")
    assert p.machine.read(p.oracle, "prices", []) == [50, 200]


def test_the_guardian_posts_where_the_poster_is_gone(world: World) -> None:
    p = world.platform
    p.go_to(3)
    send(world, "post", [[101, 200], p.machine.now], p.guardian, "oracle")
    assert p.adjust([world.loan])[0].kind != SKIPPED


def test_rounding_up_leaves_a_small_loan_its_token() -> None:
    world = new_world(haircut=0, priority=(0,), trigger=0)
    p = world.platform
    p.fund(world.lender, 2, 99)
    p.fund(world.borrower, 0, 1)
    loan = p.open(world.lender, world.borrower, 1, 0, 0, [0, 0, 99], [1, 0, 0])
    world.day(1, 100, 200)
    outcome = p.adjust([loan])[0]
    assert (outcome.kind, outcome.excess, outcome.moved) == (RETURN, 1, 0)
    assert p.collateral(loan) == [1, 0, 0]


# Batches


def test_a_batch_goes_on_without_a_loan_that_its_party_settled(world: World) -> None:
    p = world.platform
    other = another_loan(world)
    world.day(30, 95, 200)
    send(world, "settle", [[world.loan]], world.borrower)
    both = [world.loan, other]
    assert [outcome.kind for outcome in p.adjust(both)] == [SKIPPED, DELIVERY]
    assert p.settle(both) == [False, False]
    p.declare_insolvent(world.borrower)
    p.stop(both, world.borrower)
    assert p.loan(other).state == 4


def test_a_batch_goes_on_without_a_frozen_holder() -> None:
    """One borrower can neither deliver nor receive; the other's margin goes on."""
    p = Platform(["A", "cash"], restricted=True)
    world = World(p, "", "", "", "", 0, 0)
    parties = [p.join(name) for name in ("L", "B1", "B2")]
    for token in p.tokens:
        for party in parties:
            p.machine.send(token, "permit_account", [party, True], p.enforcer)
    p.post([100])
    terms = AgreementTerms(0, 0, 0, 0, 0, 1, 0, NO_CAP, True, True, True, (0,))
    agreement = p.register_agreement(terms)
    lender, *borrowers = parties
    loans = []
    for borrower in borrowers:
        p.fund(lender, 1, 1_000)
        p.fund(borrower, 0, 30)
        loans.append(p.open(lender, borrower, agreement, 5, 0, [0, 1_000], [10, 0]))
    p.machine.send(p.tokens[0], "setFrozenTokens", [borrowers[0], 20], p.enforcer)
    p.go_to(1)
    p.post([80])
    frozen, free = p.adjust(loans)
    assert (frozen.moved, frozen.unmet) == (0, 200)
    assert (free.moved, free.unmet) == (240, 0)
    p.machine.send(p.tokens[0], "permit_account", [borrowers[0], False], p.enforcer)
    p.go_to(2)
    p.post([110])
    frozen, free = p.adjust(loans)
    assert (frozen.kind, frozen.moved) == (SKIPPED, 0) or frozen.moved == 0
    assert free.moved > 0
    # At the end what it cannot receive is kept for it, and the lender has its cash.
    p.go_to(5)
    p.post([110])
    assert p.settle(loans) == [True, True]
    assert p.balances([lender])[0][1] == 2_000
    assert p.machine.read(p.lending, "credit", [borrowers[0], 0]) == 10
    with pytest.raises(RevertedError, match="not moved"):
        send(world, "claim", [0, borrowers[0]], borrowers[0])
    p.machine.send(p.tokens[0], "permit_account", [borrowers[0], True], p.enforcer)
    send(world, "claim", [0, borrowers[0]], borrowers[0])
    assert p.balances([borrowers[0]])[0][0] == 30


@pytest.mark.parametrize("lag", [0, 1])
def test_full_batches_stay_below_the_cap_of_a_transaction(lag: int) -> None:
    """Fifteen tokens, and every one of them pulled and issued for every loan of the batch."""
    number = 15
    p = Platform([f"T{i}" for i in range(number)] + ["cash"])
    order = tuple(range(number))
    terms = AgreementTerms(500, 0, 0, 0, lag, 1, 0, NO_CAP, True, True, True, order)
    agreement = p.register_agreement(terms)
    p.post([1_000] * number)
    lent, posted = [0] * number + [950 * number], [1] * number + [0]
    loans = []
    for k in range(p.batch_size("adjust")):
        lender, borrower = p.join(f"L{k}"), p.join(f"B{k}")
        p.fund(lender, number, lent[-1])
        for token in range(number):
            p.fund(borrower, token, 2)
            p.deposit(borrower, token, 1)
        loans.append(p.open(lender, borrower, agreement, 30, 0, lent, posted))
    p.go_to(1)
    p.post([250] * number)
    outcomes = p.adjust(loans)
    assert all(outcome.unmet and outcome.issued for outcome in outcomes)
    assert p.gas[-1].loans == len(loans) == MAX_BATCH
    if lag:
        p.go_to(2)
        p.post([250] * number)
        p.settle_instructions(loans)
    p.go_to(30)
    p.post([250] * number)
    assert all(p.settle(loans))
    assert max(entry.gas for entry in p.gas) < TRANSACTION_GAS


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
