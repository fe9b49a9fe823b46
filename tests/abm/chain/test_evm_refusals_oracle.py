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


def a_second_later(world: World) -> None:
    world.platform.machine.advance_to(now(world) + 1)


def is_doubted(world: World) -> None:
    """A has more than doubled over night."""
    world.platform.go_to(1)
    p = world.platform
    p.machine.send(p.oracle, "post", [[201, 200], now(world)], p.poster)


def confirmed_later(world: World) -> None:
    """A second post, good and newer, has come while the first was in doubt."""
    is_doubted(world)
    p = world.platform
    p.machine.advance_to(now(world) + 1)
    p.machine.send(p.oracle, "post", [[101, 200], now(world)], p.poster)


def before(world: World) -> int:
    return now(world) - 1


CASES = [
    Refusal("outsider", "post", ([1, 1], now), "only the poster"),
    Refusal("guardian", "post", ([100, 200], now), "only the poster", a_second_later),
    Refusal("poster", "post", ([1], now), "number of prices"),
    Refusal("poster", "post", ([1, 1], now), "not newer"),
    Refusal("poster", "post", ([1, 1], tomorrow), "from the future"),
    Refusal("poster", "post", ([1, 0], now), "zero price", day(1)),
    Refusal("poster", "post", ([1, LARGE], now), "too large", day(1)),
    Refusal("poster", "post", ([1, 1], last_week), "too old", day(9)),
    Refusal("outsider", "confirm", (now,), "only poster and guardian", is_doubted),
    Refusal("poster", "confirm", (now,), "still in doubt", is_doubted),
    Refusal("guardian", "confirm", (before,), "nothing doubted", is_doubted),
    Refusal("guardian", "confirm", (0,), "nothing doubted"),
    Refusal("guardian", "confirm", (before,), "not newer", confirmed_later),
    Refusal("poster", "reject", (now,), "only the guardian", is_doubted),
    Refusal("guardian", "reject", (now,), "nothing doubted"),
]
NOT_DEPLOYED = [
    ("zero address", [SOMEBODY, ZERO, SOMEBODY, 2, DAY, 100]),
    ("number of tokens", [SOMEBODY, SOMEBODY, SOMEBODY, 0, DAY, 100]),
    ("number of tokens", [SOMEBODY, SOMEBODY, SOMEBODY, 16, DAY, 100]),
    ("zero age", [SOMEBODY, SOMEBODY, SOMEBODY, 2, 0, 100]),
    ("bound out of range", [SOMEBODY, SOMEBODY, SOMEBODY, 2, DAY, 0]),
    ("bound out of range", [SOMEBODY, SOMEBODY, SOMEBODY, 2, DAY, 10_001]),
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
