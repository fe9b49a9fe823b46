"""What the oracle refuses."""

from __future__ import annotations

from typing import Any

import pytest
from evm_refusals import (
    LARGE,
    SOMEBODY,
    ZERO,
    Refusal,
    Setting,
    check_all_covered,
    check_not_deployed,
    check_refused,
    is_stale,
    now,
)
from evm_world import World

from abm.chain.machine import DAY, RevertedError
from abm.chain.platform import Platform


def day(number: int) -> Setting:
    return lambda world: world.platform.go_to(number)


def tomorrow(world: World) -> int:
    return now(world) + 1


def last_week(world: World) -> int:
    return now(world) - 2 * DAY


CASES = [
    Refusal("outsider", "post", ([1, 1], now), "only the poster"),
    Refusal("poster", "post", ([1], now), "number of prices"),
    Refusal("poster", "post", ([1, 1], now), "not newer"),
    Refusal("poster", "post", ([1, 1], tomorrow), "from the future"),
    Refusal("poster", "post", ([1, 0], now), "zero price", day(1)),
    Refusal("poster", "post", ([1, LARGE], now), "too large", day(1)),
    Refusal("poster", "post", ([1, 1], last_week), "too old", day(9)),
]
NOT_DEPLOYED = [
    ("zero address", [ZERO, 2, DAY]),
    ("number of tokens", [SOMEBODY, 0, DAY]),
    ("number of tokens", [SOMEBODY, 17, DAY]),
    ("zero age", [SOMEBODY, 2, 0]),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_refused_with_its_reason_and_nothing_changes(world: World, case: Refusal) -> None:
    check_refused(world, "oracle", case)


@pytest.mark.parametrize(("reason", "arguments"), NOT_DEPLOYED)
def test_not_deployed(reason: str, arguments: list[Any]) -> None:
    check_not_deployed("Oracle", reason, arguments)


def test_prices_before_the_first_are_none() -> None:
    platform = Platform(["A", "cash"])
    with pytest.raises(RevertedError, match="no prices"):
        platform.machine.read(platform.oracle, "prices", [])


def test_prices_that_are_too_old_are_not_told(world: World) -> None:
    p = world.platform
    p.machine.advance_to(p.machine.now + DAY)
    assert p.machine.read(p.oracle, "prices", []) == [100, 200]
    is_stale(world)
    with pytest.raises(RevertedError, match="stale prices"):
        p.machine.read(p.oracle, "prices", [])


def test_every_reason_has_a_case() -> None:
    reasons = {case.reason for case in CASES} | {reason for reason, _ in NOT_DEPLOYED}
    check_all_covered("Oracle", reasons | {"no prices", "stale prices"})
