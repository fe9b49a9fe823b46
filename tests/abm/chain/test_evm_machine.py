"""Both machines are the same machine: outputs, refusals and gas."""

from __future__ import annotations

from typing import Any

import pytest
from evm_world import World, new_world

from abm.chain import installed
from abm.chain.machine import DAY, FIRST_DAY, Machine, RevertedError
from abm.chain.machines import new_machine
from abm.chain.records import SKIPPED

both = pytest.mark.skipif(len(installed()) < 2, reason="needs simular-evm and py-evm")


def a_life(machine: Machine, **terms: Any) -> tuple[list[Any], World]:
    """A loan that is called both ways, stopped by its borrower's default and closed out."""
    world = new_world(machine, **terms)
    p = world.platform
    p.deposit(world.borrower, 0, 1_000)
    told: list[Any] = []
    for day, prices in enumerate([(97, 190), (103, 205), (103, 205), (80, 160), (300, 900)], 1):
        world.day(day, *prices)
        if p.loan(world.loan).instructed:
            told.append(p.settle_instructions([world.loan]))
        told += p.adjust([world.loan])
        told += [p.measure(world.loan), p.collateral(world.loan), p.instructed(world.loan)]
        told.append(p.machine.read(p.oracle, "prices", []))
    told += p.adjust([world.loan])
    assert told[-1].kind == SKIPPED
    p.declare_insolvent(world.borrower)
    p.stop([world.loan], world.borrower)
    p.fund(world.buyer, 2, 10_000_000)
    p.liquidate(world.loan, world.buyer, p.collateral(world.loan), [300, 900, 1])
    with pytest.raises(RevertedError) as refusal:
        p.end_early(world.loan, world.lender)
    told.append(str(refusal.value))
    owed = p.measure(world.loan)
    told += [owed, p.machine.read(p.desk, "proceeds", [world.loan])]
    p.fund(world.lender, 2, 10_000_000)
    told.append(p.close_out([world.loan], world.borrower, world.lender, [300, 900, 1]))
    told.append(p.balances([world.lender, world.borrower, world.buyer]))
    return told, world


@both
@pytest.mark.parametrize("lag", [0, 1])
def test_both_machines_tell_the_same_and_use_the_same_gas(lag: int) -> None:
    one, left = a_life(new_machine("simular"), lag=lag)
    other, right = a_life(new_machine("pyevm"), lag=lag)
    assert one == other
    assert left.platform.gas == right.platform.gas


def test_every_transaction_that_changes_anything_logs_an_event() -> None:
    if "pyevm" not in installed():
        pytest.skip("asks py-evm for the logs, which is not installed")
    from abm.chain.pyevm_machine import PyEvmMachine

    class Listening(PyEvmMachine):
        def _execute(self, to: bytes, data: bytes, sender: str | None) -> tuple[Any, int]:
            done, gas = super()._execute(to, data, sender)
            if sender is not None and to:
                assert len(done.get_log_entries()) > 0, data[:4].hex()
            return done, gas

    machine = Listening()
    machine.advance_to(FIRST_DAY * DAY)
    _, world = a_life(machine, lag=1)
    p = world.platform
    p.redeem(world.lender, 2, 1)
    second = p.open(world.lender, world.lender_two(), 1, 7, 3, [0, 0, 950], [0, 0, 1_000])
    world.day(7, 100, 200)
    assert p.settle([second]) == [True]


def test_the_clock_goes_forward_only() -> None:
    for kind in installed():
        machine = new_machine(kind)
        assert machine.now == FIRST_DAY * DAY
        machine.advance_to(machine.now + 5)
        assert machine.now == FIRST_DAY * DAY + 5
        with pytest.raises(ValueError, match="cannot go back"):
            machine.advance_to(machine.now - 1)


def test_gas_is_deterministic() -> None:
    first, second = (a_life(new_machine())[1].platform.gas for _ in range(2))
    assert first == second
