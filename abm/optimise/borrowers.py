"""Borrowers and dealers that deliver what is cheapest for them, on all calls of a day together.

`participants.delivery = "cheapest"` makes them the standard ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from abm.agents import Borrower, Dealer
from abm.agents.views import DeliveryCalls
from abm.books.ledger import UNLIMITED
from abm.rules.cheapest import Asked, plan_cheapest, plan_each, write_asked

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

ROUNDS = 12
"""How often calls are served in another order, where they compete: bounded by work and not by time,
so that a run gives the same on every machine."""

OF_LACKING = 100.0
"""How much more lacking a unit weighs in that order than the dearest delivery of one."""


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

    Where what each call would take alone is there, that is the plan. Otherwise calls that can be
    met with fewest go first; then, where that may be far from the optimum, those that cost or lack
    more for it than they would alone, several times over, and the best plan counts ("squeaky
    wheel" optimisation, Joslin and Clements 1999).

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
    blame, latest = np.zeros(len(asked.missing)), planned.copy()
    for _ in range(ROUNDS):
        rest = rest[_can_be_better(costs, asked, rest, planned, alone)]
        if not len(rest):
            break
        blame[rest] += _regret(costs, asked, latest, alone)[rest]
        rest = rest[np.argsort(-blame[rest], kind="stable")]
        latest[rest] = 0
        plan_cheapest(costs, asked.copy(), order, rest, stock.copy(), latest)
        improved = rest[_better(costs, asked, latest, planned)[asked.borrower[rest]]]
        planned[improved] = latest[improved]
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


def _can_be_better(costs: Floats, asked: Asked, rows: Ints, planned: Ints, alone: Ints) -> Bools:
    """Calls of borrowers whose plan may be further from the optimum than a token a call.

    It is not where all calls take the same without limits, and not where it lacks nothing and costs
    no more than that above what each call would cost if the borrower had no other: a token of
    those that it would take.
    """
    who, borrowers = asked.borrower[rows], int(asked.borrower.max()) + 1
    limited = (asked.most[rows] < UNLIMITED).any(axis=1) | (asked.room[rows] < UNLIMITED).any(
        axis=1
    )
    _, first = np.unique(who, return_index=True)
    one = np.zeros(borrowers, np.int64)
    one[who[first]] = rows[first]
    differs = limited | (asked.counts[rows] != asked.counts[one[who]]).any(axis=1)
    rounding = np.where(alone[rows] > 0, costs, 0.0).max(axis=1)
    above = (planned[rows] - alone[rows]) @ costs - rounding
    competing = np.bincount(who, differs, borrowers) > 0
    dear = np.bincount(who, above, borrowers) > 0
    lacks = np.bincount(who, _lacking(asked, planned)[rows], borrowers) > 0
    return np.asarray((competing & (dear | lacks))[who])


def _lacking(asked: Asked, quantities: Ints) -> Ints:
    """What each call lacks with some deliveries, in money units."""
    return np.maximum(asked.missing - (asked.counts * quantities).sum(axis=1), 0)


def _regret(costs: Floats, asked: Asked, planned: Ints, alone: Ints) -> Floats:
    """What each call costs more than it would alone, what it lacks taken for dear."""
    rate = np.divide(costs, asked.counts, out=np.zeros(asked.counts.shape), where=asked.counts > 0)
    more = (_lacking(asked, planned) - _lacking(asked, alone)) * rate.max() * OF_LACKING
    return np.asarray((planned - alone) @ costs + more)


def _stock(calls: DeliveryCalls) -> Ints:
    """What each participant has, may post further and can have minted, (participants, tokens)."""
    books = calls.market.books
    stock = books.ledger.capacity + books.ledger.balance[: len(books.ledger.capacity)]
    if len(books.reused):
        stock[: len(books.reusable)] += books.reusable
    return np.ascontiguousarray(np.minimum(stock, UNLIMITED))


def _better(costs: Floats, asked: Asked, planned: Ints, other: Ints) -> Bools:
    """Borrowers for whom a plan leaves less unmet than another, or as much and costs less.

    What is short of something is shared by the default, and costs no less for delivering it all.
    """

    def of(each: npt.NDArray[Any]) -> Floats:
        return np.bincount(asked.borrower, each).astype(np.float64)

    unmet, unmet_before = of(_lacking(asked, planned)), of(_lacking(asked, other))
    cost, cost_before = of(planned @ costs), of(other @ costs)
    better = (unmet < unmet_before) | ((unmet == unmet_before) & (cost < cost_before))
    return np.asarray(better)
