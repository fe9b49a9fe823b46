"""Borrowers and dealers that deliver what is cheapest for them, on all calls of a day together.

`participants.delivery = "cheapest"` makes them the standard ones.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp

from abm.agents import Borrower, Dealer
from abm.agents.views import DeliveryCalls
from abm.books.ledger import UNLIMITED
from abm.rules.cheapest import Asked, plan_cheapest, plan_each, write_asked

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

OF_LACKING = 100.0
"""What lacking a unit costs in the linear program: so many times the dearest delivery of one."""


class CheapestBorrower(Borrower):
    """Delivers what costs least by the `lending_fee` of its asset's class.

    Never more unmet, nor dearer, than what a standard borrower would deliver.
    """

    @classmethod
    def choose_delivery_in_columns(cls, calls: DeliveryCalls) -> Ints:
        """Tokens that members deliver, shape (rows, tokens)."""
        return deliveries(calls)


class CheapestDealer(Dealer):
    """The same for a dealer."""

    @classmethod
    def choose_delivery_in_columns(cls, calls: DeliveryCalls) -> Ints:
        """Tokens that members deliver, shape (rows, tokens)."""
        return deliveries(calls)


def deliveries(calls: DeliveryCalls) -> Ints:
    """The cheaper of the cheapest plan and the default, borrower by borrower.

    Args:
        calls: all of each borrower's.

    Returns:
        Tokens, shape (rows, tokens).
    """
    market = calls.market
    costs = market.prices * market.assets.lending_fee
    asked, default = asked_by(calls), calls.default
    planned = plan(costs, asked, _stock(calls))
    better = _better(costs, asked, planned, default)
    return np.where(better[asked.borrower][:, None], planned, default)


def asked_by(calls: DeliveryCalls) -> Asked:
    """What calls ask for, and what they take under their agreements and schedules."""
    books, shape = calls.market.books, (len(calls), len(calls.market.tokens))
    members = books.schedules.members
    asked = Asked(
        borrower=calls.borrower,
        missing=calls.missing_units.copy(),
        counts=np.zeros(shape, np.int64),
        most=np.full(shape, UNLIMITED),
        room=np.full((len(calls), len(members)), UNLIMITED),
        members=members,
    )
    write_asked(books, calls.market.prices, calls.account, asked)
    return asked


def plan(costs: Floats, asked: Asked, stock: Ints) -> Ints:
    """The cheapest deliveries, shape (calls, tokens), borrower by borrower.

    Where what each call would take alone is there, that is the plan. Otherwise calls that take
    fewest go first; where some cost more for that than the rounding of whole tokens, or lack
    something, the linear program in parts of tokens says what goes where.

    Args:
        costs: of delivering one token, shape (tokens,).
        asked: what calls ask for.
        stock: tokens that there are, shape (borrowers, tokens).
    """
    some = np.flatnonzero(asked.missing > 0)
    order = _by_cost(costs, asked.counts)
    planned = np.zeros(asked.counts.shape, np.int64)
    plan_each(costs, asked.copy(), order, some, stock.copy(), planned)
    total = np.zeros(stock.shape)
    np.add.at(total, asked.borrower, planned.astype(np.float64))
    short: Bools = np.asarray((total > stock).any(axis=1))
    rest = some[short[asked.borrower[some]]]
    if not len(rest):
        return planned
    alone = planned.copy()
    planned[rest] = 0
    rest = rest[np.argsort(_reach(asked, stock)[rest], kind="stable")]
    plan_cheapest(costs, asked.copy(), order, rest, stock.copy(), planned)
    for rows in _by_borrower(asked, rest):
        if _can_be_cheaper(costs, asked, rows, planned, alone):
            other = np.zeros_like(planned)
            other[rows] = _in_parts(costs, asked, rows, stock)
            plan_cheapest(costs, asked.copy(), order, rows, stock.copy(), other)
            if _rank(costs, asked, rows, other) < _rank(costs, asked, rows, planned):
                planned[rows] = other[rows]
    return planned


def _by_cost(costs: Floats, counts: Ints) -> Ints:
    """Tokens of each call, the cheapest for what they count for first, shape (calls, tokens)."""
    relative = np.full(counts.shape, np.inf)
    np.divide(costs, counts, out=relative, where=counts > 0)
    return np.ascontiguousarray(np.argsort(relative, axis=1, kind="stable"))


def _reach(asked: Asked, stock: Ints) -> Floats:
    """How many times each call could be met by what it takes, each token counted once at most."""
    tokens = np.minimum(asked.most, stock[asked.borrower]).astype(np.float64)
    worth = np.minimum(tokens * asked.counts, asked.missing[:, None])
    for limit, members in enumerate(asked.members):
        inside = np.flatnonzero(members)
        worth[:, inside] = np.minimum(worth[:, inside], asked.room[:, limit, None])
    return np.asarray(worth.sum(axis=1) / np.maximum(asked.missing, 1))


def _by_borrower(asked: Asked, rows: Ints) -> Iterator[Ints]:
    """Rows of each borrower, in their order."""
    sorted_rows = rows[np.argsort(asked.borrower[rows], kind="stable")]
    _, first = np.unique(asked.borrower[sorted_rows], return_index=True)
    yield from np.split(sorted_rows, first[1:])


def _can_be_cheaper(costs: Floats, asked: Asked, rows: Ints, planned: Ints, alone: Ints) -> bool:
    """Whether a plan may be further from the optimum than a token a call.

    It is not where all calls take the same without limits, and not where it costs no more than that
    above what each call would cost if the borrower had no other: a token of those it would take.
    """
    counts = asked.counts[rows]
    limited = (asked.most[rows] < UNLIMITED).any() or (asked.room[rows] < UNLIMITED).any()
    if not limited and (counts == counts[0]).all():
        return False
    lacking, cost = _rank(costs, asked, rows, planned)
    rounding = float(np.where(alone[rows] > 0, costs, 0.0).max(axis=1).sum())
    return lacking > 0 or cost > float((alone[rows] @ costs).sum()) + rounding


def _rank(costs: Floats, asked: Asked, rows: Ints, quantities: Ints) -> tuple[int, float]:
    """What calls lack with some deliveries, and what these cost."""
    given = quantities[rows]
    lacking = np.maximum(asked.missing[rows] - (asked.counts[rows] * given).sum(axis=1), 0)
    return int(lacking.sum()), float((given @ costs).sum())


def _in_parts(costs: Floats, asked: Asked, rows: Ints, stock: Ints) -> Ints:
    """Whole tokens of the optimum of one borrower in parts of tokens, shape (rows, tokens).

    Values are in parts of the largest call. As little is lacking as can be, at the least cost.
    """
    counts, quantities = asked.counts[rows], np.zeros((len(rows), len(costs)), np.int64)
    call, token = np.nonzero(counts)
    one, scale = counts[call, token].astype(np.float64), float(asked.missing[rows].max())
    number, rate = len(call), costs[token] / one
    limits = [
        (i, members, asked.room[rows[i], limit])
        for limit, members in enumerate(asked.members)
        for i in np.flatnonzero(asked.room[rows, limit] < UNLIMITED).tolist()
    ]
    above = np.zeros((len(rows) + len(costs) + len(limits), number + len(rows)))
    above[call, np.arange(number)] = -1.0
    above[np.arange(len(rows)), number + np.arange(len(rows))] = -1.0
    above[len(rows) + token, np.arange(number)] = scale / one
    for row, (i, members, _) in enumerate(limits, len(rows) + len(costs)):
        above[row, :number] = (call == i) & members[token]
    most = np.concatenate(
        [
            -asked.missing[rows] / scale,
            # No more than all calls together could use: the solver knows no larger numbers.
            np.minimum(
                stock[asked.borrower[rows[0]]],
                np.bincount(token, asked.missing[rows][call] / one + 1, len(costs)),
            ),
            np.array([room / scale for _, _, room in limits]),
        ]
    )
    upper = np.minimum(asked.most[rows][call, token] * one, asked.missing[rows][call]) / scale
    answer = milp(
        np.concatenate([rate / max(rate.max(), 1e-300), np.full(len(rows), OF_LACKING)]),
        bounds=Bounds(0.0, np.concatenate([upper, np.full(len(rows), np.inf)])),
        constraints=LinearConstraint(above, -np.inf, most),
    )
    if answer.x is not None:
        quantities[call, token] = np.floor(answer.x[:number] * scale / one + 1e-6)
    return quantities


def _stock(calls: DeliveryCalls) -> Ints:
    """What each participant has, may post further and can have minted, (participants, tokens)."""
    books = calls.market.books
    stock = books.ledger.capacity + books.ledger.balance[: len(books.ledger.capacity)]
    if len(books.reused):
        stock[: len(books.reusable)] += books.reusable
    return np.ascontiguousarray(np.minimum(stock, UNLIMITED))


def _better(costs: Floats, asked: Asked, planned: Ints, default: Ints) -> Bools:
    """Borrowers for whom a plan leaves less unmet than the default, or as much and costs less.

    What is short of something is shared by the default, and costs no less for delivering it all.
    """

    def of(quantities: Ints) -> tuple[Floats, Floats]:
        unmet = np.maximum(asked.missing - (asked.counts * quantities).sum(axis=1), 0)
        by = [np.bincount(asked.borrower, each) for each in (unmet, quantities @ costs)]
        return by[0].astype(np.float64), by[1].astype(np.float64)

    unmet, cost = of(planned)
    unmet_before, cost_before = of(default)
    better = (unmet < unmet_before) | ((unmet == unmet_before) & (cost < cost_before))
    return np.asarray(better)
