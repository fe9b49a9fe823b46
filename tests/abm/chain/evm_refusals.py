"""Calls that a contract must refuse: a row each, and the one check of them all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pytest
from evm_world import World

from abm.chain.artefacts import FOLDER, artefact
from abm.chain.machine import DAY, RevertedError
from abm.chain.machines import new_machine
from abm.chain.records import SKIPPED

HOUSE = "clearing_house"
ONLY_HOUSE = "only the clearing house"
LARGE = 2**63
"""The first amount that is too large."""
ZERO = "0x" + "00" * 20
SOMEBODY = "0x" + "11" * 20

Setting = Callable[[World], Any]
"""What brings a world about, or reads a value from it."""


def at_once(world: World) -> None:
    """The world as it is."""


class Refusal(NamedTuple):
    """A call that reverts, in a world in which the loan is open and nothing is due."""

    caller: str
    """Account, by its name in the world or the platform."""
    function: str
    arguments: tuple[Any, ...]
    """As they are, accounts by name, or read from the world."""
    reason: str
    before: Setting = at_once
    """What happens first."""

    def __str__(self) -> str:
        return f"{self.caller} {self.function}: {self.reason}"


def check_refused(world: World, contract: str | int, case: Refusal) -> None:
    """The call reverts with its own reason and changes nothing.

    Args:
        world: in which it is made.
        contract: name of the contract in the platform, or number of a token.
        case: the call.
    """
    case.before(world)
    p = world.platform
    target = p.tokens[contract] if isinstance(contract, int) else getattr(p, contract)
    arguments = [_value(world, argument) for argument in case.arguments]
    state = world.state()
    with pytest.raises(RevertedError) as refusal:
        p.machine.send(target, case.function, arguments, _account(world, case.caller))
    assert str(refusal.value) == case.reason
    assert world.state() == state


def check_skipped(world: World, case: Refusal) -> None:
    """A batch goes on without the loan, says why in its log, and changes nothing."""
    case.before(world)
    p = world.platform
    arguments = [_value(world, argument) for argument in case.arguments]
    state = world.state()
    told = p.machine.send(p.lending, case.function, arguments, _account(world, case.caller)).output
    left_out = {"settle": False, "settle_instructions": 0}.get(case.function, SKIPPED)
    for one in told:
        assert (one if isinstance(one, bool | int) else one[1]) == left_out, case.reason
    assert world.state() == state


def _account(world: World, name: str) -> str:
    return getattr(world, name, None) or getattr(world.platform, name)


def _value(world: World, argument: Any) -> Any:
    if callable(argument):
        return argument(world)
    named = isinstance(argument, str) and not argument.startswith("0x")
    return _account(world, argument) if named else argument


def check_not_deployed(name: str, reason: str, arguments: Iterable[Any]) -> None:
    """The constructor reverts with its own reason."""
    machine = new_machine()
    machine.create_account(SOMEBODY)
    with pytest.raises(RuntimeError, match=rf"(^|revert: ){reason}\b"):
        machine.deploy(artefact(name), list(arguments), SOMEBODY)


def check_all_covered(source: str, reasons: Iterable[str], unreachable: Iterable[str] = ()) -> None:
    """Every check of a source has a reason, and every reason a case."""
    text = (FOLDER / f"{source}.vy").read_text(encoding="utf-8")
    found = re.findall(r'^ +assert .*, "(.*)"$', text, re.MULTILINE)
    assert len(found) == len(re.findall(r"^ +(?:assert|raise)\b", text, re.MULTILINE))
    assert set(found) - set(reasons) == set(unreachable)


# What arguments are read from the world


def loan(world: World) -> int:
    return world.loan


def loans(world: World) -> list[int]:
    return [world.loan]


def now(world: World) -> int:
    return world.platform.machine.now


def token(position: int) -> Setting:
    return lambda world: world.platform.tokens[position].address


# What happens first


def in_order(*steps: Setting) -> Setting:
    return lambda world: [step(world) for step in steps]


def is_offered(world: World) -> None:
    """Loan 2 waits for the borrower: 950 of cash against ten A."""
    p = world.platform
    p.fund(world.borrower, 0, 10)
    p.fund(world.lender, 2, 950)
    arguments = [world.borrower, world.agreement, 0, 0, [0, 0, 950], [10, 0, 0]]
    p.machine.send(p.lending, "offer", arguments, world.lender)


def is_insolvent(world: World) -> None:
    world.platform.declare_insolvent(world.borrower)


def is_stopped(world: World) -> None:
    is_insolvent(world)
    world.platform.stop([world.loan], world.borrower)


def is_settled(world: World) -> None:
    world.day(30, 100, 200)
    assert world.platform.settle([world.loan]) == [True]


def is_stale(world: World) -> None:
    world.platform.machine.advance_to(now(world) + DAY + 1)
