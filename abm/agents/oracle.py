"""The oracle: publishes prices, on time or not."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real

import mesa
import numpy as np
import numpy.typing as npt

from abm.agents.calls import DecisionError
from abm.agents.entering import entered
from abm.agents.market import Market
from abm.books import tally
from abm.books.ledger import LARGEST_VALUE
from scenarios.prices.panel import LARGEST_PRICE
from scenarios.stress import OracleFaults

Ints = npt.NDArray[np.int64]


_NONE = OracleFaults()


class Oracle(mesa.Agent):
    """Brings market prices onto the ledger; its faults are part of the scenario.

    `prices` are the published ones, in money units; the last good one where today's is missing.
    """

    model: Market

    def __init__(self, model: Market | None = None, faults: OracleFaults | None = None):
        """Refer to the market's prices, with these faults.

        Raises:
            InputError: it is made by hand, of no market.
        """
        model, faults = entered(model, self), faults or OracleFaults()
        super().__init__(model)
        self.faults = faults
        tokens = model.tokens[:-1]
        self._wrong = {(w.day, tokens.index(w.token)): w.factor for w in faults.wrong_prices}
        self._faultless = faults is _NONE or faults == _NONE
        self._history: list[Ints] = []
        self.prices: Ints = model.market_prices
        self._good: Ints = self.prices

    def choose_prices(self, prices: dict[str, float]) -> Mapping[str, float]:
        """What to publish, in money by token, of what it would publish by default.

        Override it to give the oracle a behaviour of its own; a token that is left out is published
        as by default.
        """
        return prices

    def publish(self) -> Ints:
        """Publish the day's prices and return them, in money units, shape (tokens,)."""
        self.prices = self._observed()
        if type(self).choose_prices is not Oracle.choose_prices:
            self.prices = self._chosen(self.prices)
        return self.prices

    @property
    def is_plain(self) -> bool:
        """Whether it publishes the true prices, without faults or a behaviour of its own."""
        return self._faultless and type(self) is Oracle

    def _chosen(self, prices: Ints) -> Ints:
        """What the oracle's own behaviour makes of prices.

        Raises:
            DecisionError: it names a token that has no price, or a price that is not above zero.
        """
        unit, tokens = self.model.unit, self.model.tokens[:-1]
        known = dict(zip(tokens, (prices[:-1] * unit).tolist(), strict=True))
        chosen = prices.copy()
        given = self.choose_prices(known)
        if not isinstance(given, Mapping):
            raise DecisionError(
                f"{type(self).__name__} publishes {given!r}; expected prices by token,"
                f' as {{"{tokens[0]}": 100.0}}'
            )
        for token, price in given.items():
            known_token = token in tokens and isinstance(price, Real)
            if not known_token or not 0 < price < LARGEST_PRICE * unit:
                raise DecisionError(
                    f"{type(self).__name__} publishes {price!r} for {token}; expected a price above"
                    f" zero and below {LARGEST_PRICE * unit:.3g} of one of {', '.join(tokens)}"
                )
            if price != known[token]:
                chosen[tokens.index(token)] = max(round(price / unit), 1)
        self._refuse_overflow(chosen)
        for column in np.flatnonzero(chosen != prices).tolist():
            self._report(tally.WRONG_PRICE, column, int(chosen[column]))
        return chosen

    def _refuse_overflow(self, chosen: Ints) -> None:
        """Refuse prices at which the tokens of a kind could not be counted in money any more."""
        arrays, lent = self.model.ledger.arrays, self.model.books.lent
        tokens = np.maximum(arrays.minted - arrays.burned, lent.sum(axis=0)).astype(np.float64)
        for column in np.flatnonzero(tokens * chosen >= LARGEST_VALUE).tolist():
            raise DecisionError(
                f"{type(self).__name__} publishes {chosen[column] * self.model.unit:.3g} for"
                f" {self.model.tokens[column]}, of which there are {tokens[column]:.3g}: together"
                " more than can be counted"
            )

    def _observed(self) -> Ints:
        """The day's prices, as far as the scenario's faults let them through."""
        day = self.model.day
        market = self.model.market_prices
        if self._faultless:
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
