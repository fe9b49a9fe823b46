"""Prices of a whole universe of tokens, from the scenario's classes of assets by three factors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, PrivateAttr

from scenarios.assets import AssetClass
from scenarios.errors import InputError, nearest
from scenarios.prices.model_source import ModelSource, PerToken
from scenarios.prices.paths import Array, per_token

SESSIONS_A_YEAR = 252
"""Over which the volatility of a year is spread."""

Correlation = Annotated[float, Field(ge=-1, le=1)]
ByClass = Correlation | dict[str, Correlation]
"""One number for all classes, or one for each by name."""


@dataclass(frozen=True)
class FactorParameters:
    """A market factor, a factor of each class, and what is each token's own.

    The standardised return of token i of class c is `a_c·M + √(w_c - a_c²)·F_c + √(1 - w_c)·e_i`
    with independent standard normals M, F and e.

    Attributes:
        volatility: of the daily log-return, shape (tokens,).
        asset_class: position of each token's class, shape (tokens,).
        market: `a`, the correlation of a class's tokens with the market factor, shape (classes,).
        within: `w`, the correlation of two tokens of a class, at least `a²`, shape (classes,).
    """

    volatility: Array
    asset_class: npt.NDArray[np.int64]
    market: Array
    within: Array

    @property
    def correlation(self) -> Array:
        """Of same-day log-returns: `w_c` within a class, `a_c·a_d` between classes."""
        of = self.asset_class
        matrix = np.outer(self.market[of], self.market[of])
        same = of[:, None] == of
        matrix[same] = np.broadcast_to(self.within[of], matrix.shape)[same]
        np.fill_diagonal(matrix, 1.0)
        return np.asarray(matrix)

    @property
    def covariance(self) -> Array:
        """Of daily log-returns, in closed form, shape (tokens, tokens)."""
        return np.asarray(np.outer(self.volatility, self.volatility) * self.correlation)


def factor_returns(
    params: FactorParameters, days: int, paths: int, rng: np.random.Generator
) -> Array:
    """Log-returns without drift of the price, shape (paths, days, tokens): `-σ²/2 + σ·z`."""
    of, classes = params.asset_class, len(params.market)
    market = rng.standard_normal((paths, days, 1))
    own_class = rng.standard_normal((paths, days, classes))
    returns = rng.standard_normal((paths, days, len(of)))
    returns *= np.sqrt(1 - params.within[of])
    common = params.market * market
    common += np.sqrt(np.maximum(params.within - params.market**2, 0.0)) * own_class
    returns += common[..., of]
    returns *= params.volatility
    returns -= params.volatility**2 / 2
    return returns


class ClassesSource(ModelSource):
    """Prices of all tokens of the scenario's `assets`, by a market and a class factor.

    Each token has the `volatility` of its class, spread over 252 sessions a year. All but the cash
    token are priced, in the order of the classes, unless `tokens` names them.
    """

    source: Literal["classes"] = "classes"
    tokens: tuple[str, ...] = ()
    """The tokens that get a price, in this order; all of `assets` but cash by default."""
    initial: PerToken = 100.0
    """Prices of the first day, in money."""
    drift: PerToken = 0.0
    """Expected growth a trading day; 0 for a fair game."""
    market_correlation: ByClass = 0.0
    """Correlation of each token of a class with what moves all: two of different classes have the
    product of theirs. May be negative, as that of government bonds in a flight to safety."""
    class_correlation: ByClass = 0.0
    """Of two tokens of the same class; at least the square of their `market_correlation`."""
    _assets: Mapping[str, AssetClass] = PrivateAttr(default_factory=dict)

    def _check_parameters(self) -> None:
        """Nothing before the classes are known."""

    def with_classes(self, assets: Mapping[str, AssetClass], cash: str) -> Self:
        """The source with the classes of its scenario.

        Raises:
            ValueError: a class without volatility, a token of none, or correlations that cannot be.
        """
        known = {token: kind for kind in assets.values() for token in kind.tokens if token != cash}
        for token in self.tokens:
            if token not in known:
                raise ValueError(f"prices.tokens: {token} is in no class of assets")
        if not known:
            raise ValueError('prices.source "classes" needs [assets] with tokens to price')
        update = {} if self.tokens else {"tokens": tuple(known)}
        source = self.model_copy(update=update)
        # Filled in is not "set": other classes have other tokens.
        source.__pydantic_fields_set__ = set(self.model_fields_set)
        source._assets = dict(assets)
        try:
            per_token(source.initial, len(source.tokens), "initial", low=source.tick)
            per_token(source.drift, len(source.tokens), "drift")
            source.parameters()
        except InputError as error:
            raise ValueError(f"prices.{error}") from None
        return source

    def parameters(self) -> FactorParameters:
        """The model of these tokens.

        Raises:
            InputError: a class without volatility, or correlations that cannot be.
        """
        if not self._assets:
            raise InputError('source "classes": prices come from the classes of a scenario')
        names = [
            name
            for name, kind in self._assets.items()
            if not set(kind.tokens).isdisjoint(self.tokens)
        ]
        market = self._by_class("market_correlation", names)
        within = self._by_class("class_correlation", names)
        volatility = np.zeros(len(names))
        for row, name in enumerate(names):
            yearly = self._assets[name].volatility
            if yearly is None:
                raise InputError(f"source: classes needs assets.{name}.volatility")
            volatility[row] = yearly / np.sqrt(SESSIONS_A_YEAR)
            if not market[row] ** 2 <= within[row] + 1e-12:
                raise InputError(
                    f"class_correlation: {within[row]:g} of {name} lies below the square of its"
                    f" market_correlation, {market[row] ** 2:g}"
                )
        of = [
            next(row for row, name in enumerate(names) if token in self._assets[name].tokens)
            for token in self.tokens
        ]
        return FactorParameters(volatility[of], np.array(of, np.int64), market, within)

    def _by_class(self, field: str, names: list[str]) -> Array:
        given: float | dict[str, float] = getattr(self, field)
        if not isinstance(given, dict):
            return np.full(len(names), given)
        for name in given:
            if name not in names:
                near = nearest(name, names)
                raise InputError(f"{field}: no class {name}{near} (known: {', '.join(names)})")
        return np.array([given.get(name, 0.0) for name in names])

    def log_returns(self, days: int, paths: int, rng: np.random.Generator) -> Array:
        """Daily log-returns, shape (paths, days, tokens)."""
        drift = per_token(self.drift, len(self.tokens), "drift")
        return factor_returns(self.parameters(), days, paths, rng) + drift
