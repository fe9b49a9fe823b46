"""A batch goes on, whatever one party does, and stays below the cap of a transaction."""

from __future__ import annotations

import pytest
from evm_world import ENOUGH, World, another_loan, send

from abm.chain.machine import TRANSACTION_GAS, RevertedError
from abm.chain.platform import Platform
from abm.chain.records import DELIVERY, MAX_BATCH, NO_CAP, SKIPPED, AgreementTerms


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
    parties = [p.join(name, ENOUGH) for name in ("L", "B1", "B2")]
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
        lender, borrower = p.join(f"L{k}", ENOUGH), p.join(f"B{k}", ENOUGH)
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
