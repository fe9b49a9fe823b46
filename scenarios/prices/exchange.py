"""Prices in several currencies: exchange rates from columns of the file that has the prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from pydantic import Field, model_validator

from scenarios.errors import InputError, nearest
from scenarios.prices.panel import PricePanel
from scenarios.prices.paths import Array
from scenarios.table import Table


class ExchangeRate(Table):
    """Where the rate of a currency is, and which way round it is quoted."""

    column: str = Field(min_length=1)
    """The column of the price file that holds it."""
    quote: str = Field(pattern=r"^\S+ per \S+$")
    """Its unit: "JPY per USD" is the price in yen of one dollar (USD the base currency, JPY the
    quote currency). A column named by a pair, as USDJPY, must be quoted as pairs are."""

    @model_validator(mode="after")
    def _check(self) -> ExchangeRate:
        if self.priced == self.base:
            raise ValueError(f'quote: "{self.quote}" has one currency twice')
        if self.column == self.priced + self.base:
            raise ValueError(
                f'quote: "{self.quote}" is the wrong way round for a column {self.column}: by the'
                f" convention for pairs that is {self.base} per {self.priced}"
            )
        return self

    @property
    def priced(self) -> str:
        """The quote currency, in which the rate is a price."""
        return self.quote.split(" per ")[0]

    @property
    def base(self) -> str:
        """The base currency, of which it is the price of one unit."""
        return self.quote.split(" per ")[1]

    def into(self, currency: str) -> str:
        """What the rate converts one of its currencies to."""
        return self.base if currency == self.priced else self.priced


def check_rates(rates: Mapping[str, ExchangeRate]) -> None:
    """See that rates by the currency that they convert fit together.

    Raises:
        ValueError: a rate is of other currencies, or they lead to different ones.
    """
    into: dict[str, str] = {}
    for currency, rate in rates.items():
        if currency not in (rate.priced, rate.base):
            raise ValueError(f'rates.{currency}.quote: "{rate.quote}" is no rate of {currency}')
        into[currency] = rate.into(currency)
    for currency, other in into.items():
        first = next(iter(into))
        if other != into[first]:
            raise ValueError(
                f"rates.{currency}: converts to {other}, rates.{first} to {into[first]}; all must"
                " convert to money.currency, each in one step"
            )


def converted(
    panel: PricePanel, currencies: Mapping[str, str], rates: Mapping[str, ExchangeRate]
) -> PricePanel:
    """Closes of a file in the currency that its rates lead to, day by day, not rounded.

    A close is divided by the rate of its day that is quoted in the close's currency ("JPY per USD"
    for yen), or multiplied by one that is quoted the other way round ("USD per JPY").

    Args:
        panel: of the file, the columns of rates among its tokens.
        currencies: of tokens; those that the file states need none.
        rates: by the currency that is converted (`check_rates`).

    Raises:
        InputError: a name has no column, the file states another currency, nothing is in a
            currency that has a rate, or a converted close is too large or small to be a number.
    """
    if not currencies and not rates:
        return panel
    known = _currencies(panel, currencies, rates)
    columns = {rate.column for rate in rates.values()}
    close, into = panel.close.copy(), dict(known)
    for currency, rate in rates.items():
        ours = [token for token, its in known.items() if its == currency]
        if not set(ours) - columns:
            raise InputError(
                f"{panel.origin}: rates.{currency}: no column has prices in {currency};"
                f' say which have: currencies = {{ TOKEN = "{currency}" }}'
            )
        at, level = [panel.tokens.index(token) for token in ours], panel.select([rate.column]).close
        with np.errstate(over="ignore", under="ignore"):
            divided = rate.priced == currency
            close[:, at] = panel.close[:, at] / level if divided else panel.close[:, at] * level
        into.update(dict.fromkeys(ours, rate.into(currency)))
    _refuse_extremes(panel, close)
    return replace(panel, close=close, currencies=tuple(into[token] for token in panel.tokens))


def _refuse_extremes(panel: PricePanel, close: Array) -> None:
    """Refuse converted closes that are no positive finite numbers."""
    for row, column in np.argwhere(~(np.isfinite(close) & (close > 0)))[:1]:
        raise InputError(
            f"{panel.origin}: {panel.tokens[column]} on {panel.dates[row]:%Y-%m-%d}: price"
            f" {panel.close[row, column]:g} cannot be converted at the rate of that day"
        )


def _currencies(
    panel: PricePanel, currencies: Mapping[str, str], rates: Mapping[str, ExchangeRate]
) -> dict[str, str | None]:
    """What each column is in: as the file states, as is said, and as the rates are quoted."""
    unknown: tuple[str | None, ...] = (None,) * len(panel.tokens)
    known = dict(zip(panel.tokens, panel.currencies or unknown, strict=True))
    said = [(f"currencies.{token}", token, its) for token, its in currencies.items()]
    said += [(f"rates.{its}.quote", rate.column, rate.priced) for its, rate in rates.items()]
    for place, token, its in said:
        if token not in known:
            raise InputError(
                f"{panel.origin}: {place.removesuffix('.quote')}: no column {token}"
                f"{nearest(token, panel.tokens)}; there is {', '.join(panel.tokens)}"
            )
        if known[token] not in (None, its):
            raise InputError(
                f"{panel.origin}: {place}: column {token} is in {known[token]}, not in {its}"
            )
        known[token] = its
    return known
