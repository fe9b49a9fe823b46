"""The oracle: publishes prices, on time or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mesa
import numpy as np
import numpy.typing as npt

from abm.books import tally
from scenarios.stress import OracleFaults

if TYPE_CHECKING:
    from abm.model import CollateralMarket

Ints = npt.NDArray[np.int64]


class Oracle(mesa.Agent):
    """Brings market prices onto the ledger; its faults are part of the scenario.

    `prices` are the published ones, in money units; the last good one where today's is missing.
    """

    model: CollateralMarket

    def __init__(self, model: CollateralMarket, faults: OracleFaults):
        """Refer to the market's prices, with these faults."""
        super().__init__(model)
        self.faults = faults
        tokens = model.tokens[:-1]
        self._wrong = {(w.day, tokens.index(w.token)): w.factor for w in faults.wrong_prices}
        self._faultless = faults == OracleFaults()
        self._history: list[Ints] = []
        self.prices: Ints = model.path[0]
        self._good: Ints = model.path[0]

    def publish(self) -> Ints:
        """Publish the day's prices and return them."""
        day = self.model.day
        market = self.model.market_prices
        if self._faultless:
            self.prices = market
            return market
        self._history = [*self._history, market][-(self.faults.delay + 1) :]
        fresh = self._history[0].copy()
        stale = self._stale(day)
        fresh[stale] = self._good[stale]
        self._good = fresh.copy()
        late = stale | (fresh != market)
        for (when, token), factor in self._wrong.items():
            if when == day and not stale[token]:
                fresh[token] = max(round(int(fresh[token]) * factor), 1)
                late[token] = False
                self._report(tally.WRONG_PRICE, token, int(fresh[token]))
        for token in np.flatnonzero(late).tolist():
            self._report(tally.STALE_PRICE, token, int(fresh[token]))
        self.prices = fresh
        return fresh

    def _stale(self, day: int) -> npt.NDArray[np.bool_]:
        """Tokens for which nothing is published today."""
        stale = np.zeros(len(self.model.tokens), np.bool_)
        for outage in self.faults.outages:
            if outage.day <= day < outage.day + outage.days:
                names = outage.tokens or self.model.tokens[:-1]
                stale[[self.model.tokens.index(token) for token in names]] = True
        return stale

    def _report(self, kind: int, token: int, price: int) -> None:
        self.model.events.add(self.model.day, kind, token=token, value=price)
