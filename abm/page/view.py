"""What can be seen of a market on one day, copied out of it so that it stays as it is.

The page draws views and never the market: that may be in the middle of its next step.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from abm.books.loan_book import ACTIVE, LIQUIDATING
from abm.books.standing import CAUSES
from abm.tables.frames import Snapshot

if TYPE_CHECKING:
    from abm.model import CollateralMarket

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

SHOWN_DAILY = (
    "coverage",
    "gap",
    "exposure",
    "collateral_value",
    "uncollateralised_exposure",
    "delivery_calls",
    "return_calls",
    "unmet_calls",
    "borrower_issued_value",
    "lender_issued_value",
    "close_out_loss",
    "wallet_value",
    *(f"defaults_{cause}" for cause in CAUSES),
)
"""Columns of the table `days` that the charts show."""


def sums(group: Ints, amount: npt.NDArray[Any], groups: int) -> Floats:
    """Sum of an amount over each of some groups, shape (groups,)."""
    return np.bincount(group, weights=amount.astype(np.float64), minlength=groups).astype(
        np.float64, copy=False
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class Web:
    """Nodes, and edges from a lender to a borrower."""

    names: tuple[str, ...]
    roles: tuple[str, ...]
    size: Floats
    lender: Ints
    """Lender of each edge, as a row of `names`."""
    borrower: Ints
    weight: Floats
    """Exposure of each edge on the first day, in money."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Graph(Web):
    """Who can have loans with whom: fixed for a run, and so is every position made from it.

    A node is a participant, an edge a pair of them.
    """

    pair_of_account: Ints

    @classmethod
    def of(cls, market: CollateralMarket) -> Graph:
        """The pairs of a market, sorted by lender and borrower."""
        accounts, population = market.books.accounts, market.population
        number = len(population.names)
        key = accounts.lender.astype(np.int64) * number + accounts.borrower
        pairs, pair_of_account = np.unique(key, return_inverse=True)
        weight = sums(pair_of_account, accounts.exposure, len(pairs))
        return cls(
            names=population.names,
            roles=population.roles,
            size=population.size,
            lender=pairs // number,
            borrower=pairs % number,
            weight=np.asarray(weight * market.unit, np.float64),
            pair_of_account=pair_of_account,
        )


@dataclass(frozen=True, eq=False)
class DayView:
    """One day of one market. Money is in money, not in units."""

    title: str
    graph: Graph
    day: int
    date: pd.Timestamp
    last_day: int
    running: bool
    currency: str
    trigger: float
    tokens: tuple[str, ...]
    prices: Floats
    """Published prices so far, shape (days, tokens), cash left out."""
    history: dict[str, Floats]
    """The columns `SHOWN_DAILY` so far."""
    exposure: Floats
    """Of each pair; likewise the next ones."""
    gap: Floats
    value: Floats
    in_close_out: Bools
    delivered: Bools
    """Pairs on which a borrower was called and delivered today."""
    returned: Bools
    unmet: Floats
    """Market value that today's calls did not bring."""
    wallets: Ints
    """Shape (participants, tokens), cash last."""
    equity: Floats
    """Infinite where it does not matter."""
    losses: Floats
    default_day: Ints
    default_cause: Ints
    unit: float
    books: Snapshot
    loans_of_account: Ints
    events: pd.DataFrame
    """Events of the day, in order."""

    @cached_property
    def coverage(self) -> Floats:
        """Of each pair, collateral after haircut over exposure; NaN without a live exposure."""
        live = (self.exposure > 0) & ~self.in_close_out
        return np.divide(
            self.exposure + self.gap,
            self.exposure,
            out=np.full(len(self.exposure), np.nan),
            where=live,
        )

    @property
    def token_values(self) -> Floats:
        """What one token of each kind is worth today; of cash, the smallest unit of money."""
        return np.append(self.prices[-1], self.unit)

    @property
    def defaulted(self) -> Bools:
        """Participants that have defaulted."""
        return self.default_day >= 0

    def by_lender(self, amount: Floats) -> Floats:
        """Sum an amount of pairs by lender."""
        return sums(self.graph.lender, amount, len(self.graph.names))

    def by_borrower(self, amount: Floats) -> Floats:
        """Sum an amount of pairs by borrower."""
        return sums(self.graph.borrower, amount, len(self.graph.names))


class Watch:
    """Looks at a market once a day, and remembers what the market itself does not keep."""

    def __init__(self, market: CollateralMarket, title: str = ""):
        """Watch a market from its present day on."""
        self.market = market
        self.title = title or market.scenario.name
        self.graph = Graph.of(market)
        self._prices: list[Floats] = []
        self._day = -1
        accounts = market.books.accounts
        self._deliveries, self._returns = accounts.deliveries.copy(), accounts.returns.copy()

    def look(self) -> DayView:
        """The market as it stands; to be called after every step."""
        market, graph = self.market, self.graph
        accounts, unit, desk = market.books.accounts, market.unit, market.standing
        number = len(graph.names)
        if market.day != self._day:
            self._prices.append(np.asarray(market.prices[:-1] * unit, np.float64))
            self._day = market.day
        delivered = accounts.deliveries > self._deliveries
        returned = accounts.returns > self._returns
        self._deliveries, self._returns = accounts.deliveries.copy(), accounts.returns.copy()
        books = Snapshot.of(market)
        live = accounts.state == ACTIVE
        reported = market.datacollector.model_vars
        return DayView(
            title=self.title,
            graph=graph,
            day=market.day,
            date=market.days[market.path_day],
            last_day=len(market.days) - 1,
            running=market.running,
            currency=market.scenario.money.currency,
            trigger=market.scenario.agreement.trigger,
            tokens=market.tokens,
            prices=np.array(self._prices),
            history={name: np.array(reported[name], np.float64) for name in SHOWN_DAILY},
            exposure=self._sum(accounts.exposure) * unit,
            gap=self._sum(books.gaps) * unit,
            value=self._sum(accounts.value) * unit,
            in_close_out=self._sum(accounts.state == LIQUIDATING) > 0,
            delivered=self._sum(delivered) > 0,
            returned=self._sum(returned) > 0,
            unmet=self._sum(np.where(live, accounts.unmet, 0)) * unit,
            wallets=books.wallets[:number],
            equity=desk.equity * unit,
            losses=np.asarray(desk.losses * unit, np.float64),
            default_day=desk.default_day.copy(),
            default_cause=desk.default_cause.copy(),
            unit=unit,
            books=books,
            loans_of_account=accounts.open_loans.astype(np.int64),
            events=market.events_frame(since=market.day),
        )

    def _sum(self, amount: npt.NDArray[Any]) -> Floats:
        """Sum an amount of accounts by pair."""
        return sums(self.graph.pair_of_account, amount, len(self.graph.lender))
