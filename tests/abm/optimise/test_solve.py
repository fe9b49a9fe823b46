"""The optimum: against brute force, against the priority rule, in limits, and its dual prices."""

from __future__ import annotations

import os
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

from abm.optimise.priority import by_priority
from abm.optimise.problem import UNBOUNDED, Limit, Problem
from abm.optimise.reasons import reasons
from abm.optimise.relaxed import relaxed
from abm.optimise.solve import cheapest

SEEDS = int(os.environ.get("ALLOCATION_SEEDS", "3"))
"""Blocks of a hundred problems; more of them to search for longer."""


def small(rng: np.random.Generator) -> Problem:
    """A problem that can be searched through: two calls at most, up to three assets."""
    calls, assets = rng.integers(1, 3), rng.integers(1, 4)
    price = rng.integers(2, 10, assets)
    haircut = rng.choice([0, 1, 2], (calls, assets))
    counts = np.maximum(price - haircut, 0) * (rng.random((calls, assets)) < 0.85)
    stock = rng.integers(0, 5, assets)
    most = np.where(rng.random((calls, assets)) < 0.8, UNBOUNDED, 1)
    limits = []
    for call in range(calls):
        for number in range(rng.integers(0, 3)):
            members = rng.random(assets) < 0.6
            limits.append(
                Limit(call, f"limit {number}", members, Fraction(rng.integers(0, 10), 10))
            )
    return Problem(
        calls=tuple("AB"[:calls]),
        assets=tuple("xyz"[:assets]),
        price=price,
        stock=stock,
        cost=price * rng.integers(0, 6, assets) * 1.0,
        required=rng.integers(1, 16, calls),
        counts=counts,
        most=most,
        limits=tuple(limits),
    )


def exhaustive(problem: Problem) -> tuple[int, float]:
    """The least that can be unmet, and the least cost of it, by trying everything."""
    useful = np.minimum(problem.most, problem.stock) * (problem.counts > 0)
    ranges = [range(most + 1) for most in useful.ravel()]
    tried = np.array(list(product(*ranges))).reshape(-1, *problem.counts.shape)
    tried = tried[(tried.sum(axis=1) <= problem.stock).all(axis=1)]
    worth = (tried * problem.counts).sum(axis=2)
    for limit in problem.limits:
        inside = tried[:, limit.call] @ (problem.counts[limit.call] * limit.members)
        base = np.maximum(worth[:, limit.call], problem.required[limit.call])
        kept = inside * limit.share.denominator <= base * limit.share.numerator
        tried, worth = tried[kept], worth[kept]
    unmet = np.maximum(problem.required - worth, 0).sum(axis=1)
    least = tried[unmet == unmet.min()]
    return int(unmet.min()), float((least.sum(axis=1) @ problem.cost).min())


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_optimum_is_that_of_brute_force(seed: int) -> None:
    """On hundreds of problems with limits and shortage; never worse than the priority rule."""
    rng = np.random.default_rng(seed)
    short = limited = better = 0
    for _ in range(100):
        problem = small(rng)
        found = cheapest(problem)
        assert problem.keeps(found.quantities) and found.optimal
        assert (int(found.unmet.sum()), found.cost) == exhaustive(problem), problem
        rule = by_priority(problem)
        assert problem.keeps(rule)
        before = int(problem.unmet(rule).sum()), problem.cost_of(rule)
        assert (int(found.unmet.sum()), found.cost) <= before
        bound = relaxed(problem)
        assert max(map(abs, bound.gaps)) < 1e-6
        assert bound.unmet <= found.unmet.sum() + 1e-6
        if not found.unmet.any():
            assert bound.cost <= found.cost + 1e-6
        short += bool(found.unmet.any())
        limited += bool(problem.limits)
        better += (int(found.unmet.sum()), found.cost) < before
        for call in np.flatnonzero(found.unmet):
            assert all(why.because for why in reasons(problem, found.quantities, int(call)))
    assert min(short, limited, better) > 5, "all kinds of problems are among them"


def problem(counts: list[list[int]], required: list[int], **given: Any) -> Problem:
    """Assets A, B, … without a haircut that cost as much as they count for, unless given."""
    price = np.array(counts[0])
    standard = Problem(
        calls=tuple(f"call {row}" for row in range(len(required))),
        assets=tuple("ABCDE"[: len(price)]),
        price=price,
        stock=np.full(len(price), 100),
        cost=price * 1.0,
        required=np.array(required),
        counts=np.array(counts),
        most=np.full((len(required), len(price)), UNBOUNDED),
    )
    return standard._replace(**given)


def test_whole_tokens_by_hand() -> None:
    """11 with tokens of 7 and 5: 7 + 5 = 12 is cheaper than 5 + 5 + 5 and 7 + 7."""
    found = cheapest(problem([[7, 5]], [11]))
    assert found.quantities.tolist() == [[1, 1]] and found.cost == 12
    assert by_priority(problem([[7, 5]], [11])).tolist() == [[2, 0]]


def test_all_calls_together() -> None:
    """The rule spends the only asset that the second call takes on the first."""
    both = problem([[10, 10], [10, 0]], [50, 50], stock=np.array([5, 5]))
    assert by_priority(both).tolist() == [[5, 0], [0, 0]]
    found = cheapest(both)
    assert found.quantities.tolist() == [[0, 5], [5, 0]]
    assert not found.unmet.any()


def test_unmet_goes_before_cost() -> None:
    dear = problem([[10, 10]], [60], stock=np.array([5, 1]), cost=np.array([1.0, 1e9]))
    found = cheapest(dear)
    assert found.quantities.tolist() == [[5, 1]] and found.cost == 5 + 1e9


def half(name: str, *members: bool) -> Limit:
    return Limit(0, name, np.array(members), Fraction(1, 2))


def test_a_limit_is_a_share_of_what_is_required_or_delivered() -> None:
    """Half of 20 in A, which costs nothing; of 22 delivered with tokens of 11, half is 11."""
    free = np.array([0.0, 1.0])
    even = problem([[10, 10]], [20], cost=free, limits=(half("A", True, False),))
    assert cheapest(even).quantities.tolist() == [[1, 1]]
    uneven = problem([[11, 11]], [20], cost=free, limits=(half("A", True, False),))
    assert cheapest(uneven).quantities.tolist() == [[1, 1]]
    assert uneven.room(uneven.limits[0], np.array([[1, 1]])) == 0
    assert uneven.room(uneven.limits[0], np.array([[1, 0]])) == -1


def test_a_call_that_stays_short_is_told_with_what_holds_it_back() -> None:
    held_back = problem(
        [[10, 10, 0, 10]],
        [40],
        stock=np.array([9, 1, 9, 9]),
        most=np.array([[UNBOUNDED, UNBOUNDED, UNBOUNDED, 0]]),
        limits=(half("class of A", True, False, True, False),),
    )
    found = cheapest(held_back)
    assert found.quantities.tolist() == [[2, 1, 0, 0]] and found.unmet.tolist() == [10]
    told = reasons(held_back, found.quantities, 0)
    assert [tuple(why) for why in told] == [
        ("A", 7, "class of A"),
        ("B", 0, "no stock"),
        ("C", 9, "not eligible"),
        ("D", 9, "volume"),
    ]


class TestDualPrices:
    def test_of_a_scarce_cheap_asset(self) -> None:
        """One more A, which counts for 10 at a cost of 1, replaces a B of 10 at a cost of 3."""
        scarce = problem([[10, 10]], [70], stock=np.array([4, 9]), cost=np.array([1.0, 3.0]))
        bound = relaxed(scarce)
        assert bound.cost == pytest.approx(4 + 3 * 3)
        assert bound.cost_worth.assets == pytest.approx([2, 0])
        assert bound.cost_worth.calls == pytest.approx([0.3])
        assert not bound.unmet_worth.assets.any() and bound.unmet == 0

    def test_of_a_limit(self) -> None:
        """One more unit of room for A replaces one of B: 0.1 instead of 0.3. A higher call
        widens the room by a half, so that it costs 0.1 / 2 + 0.3 / 2."""
        full = problem(
            [[10, 10]], [70], cost=np.array([1.0, 3.0]), limits=(half("A", True, False),)
        )
        bound = relaxed(full)
        assert bound.cost == pytest.approx(3.5 + 3.5 * 3)
        assert bound.cost_worth.limits == pytest.approx([0.2])
        assert bound.cost_worth.calls == pytest.approx([0.2])

    def test_of_what_would_meet_more(self) -> None:
        short = problem([[10]], [70], stock=np.array([4]))
        bound = relaxed(short)
        assert bound.unmet == pytest.approx(30)
        assert bound.unmet_worth.assets == pytest.approx([10])
        assert bound.unmet_worth.calls == pytest.approx([1])

    def test_are_what_one_more_changes(self) -> None:
        """Against the problem solved again with one more of each thing."""
        rng = np.random.default_rng(7)
        for _ in range(10):
            one = small(rng)._replace(required=rng.integers(200, 400, 1), calls=("A",))
            one = one._replace(
                counts=one.counts[:1],
                most=one.most[:1],
                limits=tuple(limit for limit in one.limits if limit.call == 0),
            )
            bound, step = relaxed(one), 1e-3
            assert max(map(abs, bound.gaps)) < 1e-6
            for asset in range(len(one.assets)):
                more = one._replace(stock=one.stock + step * (np.arange(len(one.assets)) == asset))
                saved = (bound.unmet - relaxed(more).unmet) / step
                # To the right of a kink it can be worth less, never more.
                assert saved <= bound.unmet_worth.assets[asset] + 1e-5
