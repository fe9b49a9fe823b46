"""Borrowers and dealers that deliver what is cheapest for them, on all calls of a day together.

`participants.delivery = "cheapest"` makes them the standard ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from abm.agents import Borrower, Dealer
from abm.agents.views import DeliveryCalls
from abm.optimise.problem import UNBOUNDED, Problem
from abm.optimise.solve import cheapest
from abm.rules.cheapest import plan_cheapest

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NODES = 1
"""Of the solver's search, where agreements accept different tokens: bounded by work, not by time,
so that a run gives the same on every machine."""


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
    books, prices = market.books, market.prices
    costs = prices * market.assets.lending_fee
    accepted = np.zeros((len(books.terms), len(prices)), np.bool_)
    for t in range(len(accepted)):
        accepted[t, books.eligible(t)] = True
    takes = accepted[books.accounts.agreement[calls.account]]
    stock = _stock(calls)
    planned = np.zeros((len(calls), len(prices)), np.int64)
    by_borrower = np.argsort(calls.borrower, kind="stable")
    _, first = np.unique(calls.borrower[by_borrower], return_index=True)
    for rows in np.split(by_borrower, first[1:]):
        planned[rows] = plan(prices, costs, takes[rows], calls.missing_units[rows], stock[rows[0]])
    default = calls.default
    worse = _is_worse(calls, costs, planned, default)
    planned[worse] = default[worse]
    return planned


def plan(
    prices: Ints, costs: Floats, takes: npt.NDArray[np.bool_], missing: Ints, stock: Ints
) -> Ints:
    """The cheapest deliveries of one borrower, shape (calls, tokens).

    Args:
        prices: in money units, shape (tokens,).
        costs: of delivering one token.
        takes: whether each call accepts each token, shape (calls, tokens).
        missing: shortfalls in money units, shape (calls,).
        stock: tokens that there are, shape (tokens,).
    """
    quantities = np.zeros(takes.shape, np.int64)
    if (takes == takes[0]).all():
        some = np.flatnonzero(takes[0])
        order = some[np.argsort(costs[some] / prices[some], kind="stable")]
        plan_cheapest(prices, costs, order, missing, stock.copy(), quantities)
        return quantities
    asks = np.flatnonzero(missing > 0)
    names = tuple(map(str, range(len(prices))))
    # No more than all calls together could use: the solver counts in floating point.
    most = -(-int(missing.sum()) // prices) + len(missing)
    problem = Problem(
        calls=tuple(map(str, asks)),
        assets=names,
        price=prices,
        stock=np.minimum(stock, most),
        cost=costs,
        required=missing[asks],
        counts=np.where(takes[asks], prices, 0),
        most=np.full((len(asks), len(prices)), UNBOUNDED),
    )
    quantities[asks] = cheapest(problem, nodes=NODES).quantities
    return quantities


def _stock(calls: DeliveryCalls) -> Ints:
    """What the borrower of each call has, may post further and can have minted, (rows, tokens)."""
    books, borrower = calls.market.books, calls.borrower
    stock = calls.wallet + books.ledger.capacity[borrower]
    return stock + books.reusable[borrower] if len(books.reused) else stock


def _is_worse(
    calls: DeliveryCalls, costs: Floats, planned: Ints, default: Ints
) -> npt.NDArray[np.bool_]:
    """Calls of borrowers for whom a plan leaves more unmet than the default, or costs more."""
    prices, number = calls.market.prices, int(calls.borrower.max(initial=0)) + 1

    def unmet_and_cost(quantities: Ints) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        unmet = np.maximum(calls.missing_units - quantities @ prices, 0).astype(np.float64)
        cost = np.bincount(calls.borrower, quantities @ costs, number)
        return np.bincount(calls.borrower, unmet, number), cost

    unmet, cost = unmet_and_cost(planned)
    unmet_before, cost_before = unmet_and_cost(default)
    # What is short of something is shared by the default, and costs no less for delivering it all.
    worse = (unmet > unmet_before) | ((unmet == unmet_before) & (cost >= cost_before))
    return worse[calls.borrower]
