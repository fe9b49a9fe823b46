"""What one poster can do to the prices, and a small loan's last token."""

from __future__ import annotations

import pytest
from evm_world import World, new_world, send

from abm.chain.machine import RevertedError
from abm.chain.records import RETURN, SKIPPED


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
