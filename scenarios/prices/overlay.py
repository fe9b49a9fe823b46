"""Stress laid over another source of prices: prescribed shocks, and paths bent to an end."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field

from scenarios.assets import AssetClass
from scenarios.errors import InputError, nearest
from scenarios.prices.model_source import PerToken
from scenarios.prices.panel import PricePanel
from scenarios.prices.paths import Array, per_token, round_to_tick
from scenarios.prices.source import PriceSource, Window
from scenarios.table import Table

if TYPE_CHECKING:
    from scenarios.prices.source import PriceSource as AnyPriceSource


class OverlaySource(PriceSource):
    """Prices of a `base` source, multiplied by factors."""

    base: AnyPriceSource
    tokens: tuple[str, ...] = ()
    """Tokens of the base to use, in this order; all of them by default."""
    tick: float = Field(default=0.01, gt=0)
    """Smallest price step, in money, for the prices that change."""

    @property
    def is_one_history(self) -> bool:
        """What the base is: the changes are the same on every path."""
        return self.base.is_one_history

    @abstractmethod
    def factors(self, panel: PricePanel, window: Window) -> Array:
        """What the base's prices are multiplied by, shape (days, tokens)."""

    def panel(self, window: Window, rng: np.random.Generator) -> PricePanel:
        """The base's panel with the changes; untouched prices stay exactly as they were."""
        base = self.base.panel(window, rng)
        if self.tokens:
            base = base.select(self.tokens)
        factors = self.factors(base, window)
        changed = round_to_tick(base.close * factors, self.tick)
        close = np.where(factors == 1.0, base.close, changed)
        return replace(base, close=close)

    def past(self, window: Window) -> PricePanel | None:
        """The past of the base."""
        base = self.base.past(window)
        return base.select(self.tokens) if base is not None and self.tokens else base

    def with_classes(self, assets: Mapping[str, AssetClass], cash: str) -> Self:
        """The same over the base as it is in the scenario."""
        base = self.base.with_classes(assets, cash)
        if base is self.base:
            return self
        source = self.model_copy(update={"base": base})
        source.__pydantic_fields_set__ = set(self.model_fields_set)
        return source


def sessions_of(panel: PricePanel, window: Window) -> tuple[int, int]:
    """Row of the first and of the last close that a simulation of the window uses."""
    last_day = pd.Timestamp(window.end) - pd.Timedelta(days=1)
    first = int(panel.dates.searchsorted(pd.Timestamp(window.start), side="left"))
    if window.calendar == "paper":
        return first, int(panel.dates.searchsorted(last_day, side="left"))
    return first, int(panel.dates.searchsorted(last_day, side="right")) - 1


def shock_factors(days: int, day: int, size: float, recovery: int | None) -> Array:
    """Price relative to a path without the shock, shape (days,).

    1 before `day`, `1 + size` on it; then for good, or back to 1 after `recovery` days at a
    constant daily growth.
    """
    since = np.arange(days) - day
    left = np.where(since >= 0, 1.0, 0.0)
    if recovery is not None:
        left *= np.clip(1 - since / recovery, 0.0, 1.0)
    return np.asarray((1 + size) ** left)


class Shock(Table):
    """One prescribed change of prices."""

    day: int | date
    """Trading day counted from the window's first (0), or a date; a date without trading means
    the next trading day."""
    size: float = Field(gt=-1)
    """Relative change of the price: -0.2 is a fall by a fifth."""
    tokens: tuple[str, ...] = ()
    """The tokens it strikes; all by default."""
    recovery: int | None = Field(default=None, ge=1)
    """Trading days until the price is back where it would have been; never, if not given."""


class ShocksSource(OverlaySource):
    """Prescribed shocks by token, day and size, with or without recovery (`shock_factors`)."""

    source: Literal["shocks"] = "shocks"
    shocks: tuple[Shock, ...] = Field(min_length=1)

    def factors(self, panel: PricePanel, window: Window) -> Array:
        """The product of all shocks, shape (days, tokens).

        Raises:
            InputError: a shock names an unknown token or a day outside the window.
        """
        first, last = sessions_of(panel, window)
        factors = np.ones(panel.close.shape)
        for number, shock in enumerate(self.shocks):
            if isinstance(shock.day, int):
                row = first + shock.day
            else:
                row = int(panel.dates.searchsorted(pd.Timestamp(shock.day), side="left"))
            if not first <= row <= last:
                raise InputError(
                    f"prices.shocks[{number}].day: {shock.day} is outside the window;"
                    f" choose 0 to {last - first}, or a date from {panel.dates[first]:%Y-%m-%d}"
                    f" to {panel.dates[last]:%Y-%m-%d}"
                )
            for token in shock.tokens or panel.tokens:
                if token not in panel.tokens:
                    raise InputError(
                        f"prices.shocks[{number}].tokens: no token"
                        f" {token}{nearest(token, panel.tokens)};"
                        f" there is {', '.join(panel.tokens)}"
                    )
                factors[:, panel.tokens.index(token)] *= shock_factors(
                    len(panel.dates), row, shock.size, shock.recovery
                )
        return factors


def bridge_factors(close: Array, final: Array, first: int, last: int) -> Array:
    """Factors that bend paths to `final` prices, shape (days, tokens).

    From row `first` to row `last` the log-price is changed by an amount that grows linearly with
    time: `x(t) + (t/T)·(ln final - x(T))`. Bending a Brownian motion this way gives exactly the
    Brownian bridge (Glasserman 2003, *Monte Carlo Methods in Financial Engineering*, 3.1), whose
    volatility stays the motion's. Rows after `last` keep its factor.
    """
    share = np.clip((np.arange(len(close)) - first) / max(last - first, 1), 0.0, 1.0)
    return np.asarray(np.exp(np.outer(share, np.log(final / close[last]))))


class BridgeSource(OverlaySource):
    """Paths of any source, bent to given prices on the window's last day (`bridge_factors`)."""

    source: Literal["bridge"] = "bridge"
    final: PerToken
    """Prices of the window's last day, in money."""

    def factors(self, panel: PricePanel, window: Window) -> Array:
        """What bends the base's prices to `final`, shape (days, tokens).

        Raises:
            InputError: `final` has the wrong length or a price below one tick, or the window has
                one trading day only.
        """
        first, last = sessions_of(panel, window)
        if last <= first:
            raise InputError("prices.final: the window needs two trading days or more")
        final = per_token(self.final, len(panel.tokens), "prices.final", low=self.tick)
        return bridge_factors(panel.close, final, first, last)
