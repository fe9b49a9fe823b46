"""The price panel: closing prices, days × tokens, from whatever source they come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scenarios.errors import InputError, nearest

LARGEST_PRICE = 2**53
"""Prices in smallest money units stay below this, where floats are still exact whole numbers."""


@dataclass(frozen=True)
class PricePanel:
    """Closing prices of tokens on consecutive days.

    Build one with `from_frame`, which checks it.

    Attributes:
        dates: the days, sorted and unique, without a time of day.
        tokens: one name per column of `close`.
        close: prices in money, shape (days, tokens), positive and finite.
        origin: where the prices come from, for messages and manifests.
        currencies: what the prices of each token are in, None where nobody has said so; empty if
            nobody has of any.
        volume: tokens traded on each day, shape (days, tokens), none below zero; None where nobody
            has said so.
    """

    dates: pd.DatetimeIndex
    tokens: tuple[str, ...]
    close: npt.NDArray[np.float64]
    origin: str
    currencies: tuple[str | None, ...] = ()
    volume: npt.NDArray[np.float64] | None = None

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, origin: str, rows: Sequence[Any] | None = None
    ) -> PricePanel:
        """Check a frame (dates × tokens, numbers) and make it a panel.

        Args:
            frame: indexed by date, one column a token.
            origin: named in every refusal.
            rows: what to call each row in a refusal (line numbers of a file); its date by default.

        Raises:
            InputError: empty, a date twice or out of order, or a price that is missing,
                not finite, zero or negative.
        """
        if frame.empty or not len(frame.columns):
            raise InputError(f"{origin}: no prices in it; expected a row a day, a column a token")
        dates = pd.DatetimeIndex(frame.index).tz_localize(None).normalize()
        tokens = tuple(str(token) for token in frame.columns)
        names = list(rows) if rows is not None else [f"{day:%Y-%m-%d}" for day in dates]
        _refuse_duplicates(tokens, f"{origin}: column")
        steps = np.diff(dates.to_numpy()) / np.timedelta64(1, "D")
        for row in np.flatnonzero(steps <= 0)[:1]:
            problem = "appears twice" if steps[row] == 0 else "is earlier than the row before"
            raise InputError(
                f"{origin}: row {names[row + 1]}, column date: {dates[row + 1]:%Y-%m-%d} {problem};"
                " dates must be unique and ascending"
            )
        close = frame.to_numpy(dtype=np.float64)
        with np.errstate(invalid="ignore"):
            bad = ~(np.isfinite(close) & (close > 0))
        if bad.any():
            row, column = (int(i) for i in np.argwhere(bad)[0])
            raise InputError(
                f"{origin}: row {names[row]}, column {tokens[column]}:"
                f" price {close[row, column]:g} must be a positive finite number"
            )
        return cls(dates, tokens, close, origin)

    def with_volume(self, frame: pd.DataFrame, rows: Sequence[Any] | None = None) -> PricePanel:
        """The same panel with what was traded on its days.

        Args:
            frame: tokens traded, a row a day of the panel and a column for each of its tokens.
            rows: what to call each row in a refusal; its date by default.

        Raises:
            InputError: a volume that is missing, not finite, or negative.
        """
        volume = frame[list(self.tokens)].to_numpy(dtype=np.float64)
        names = list(rows) if rows is not None else [f"{day:%Y-%m-%d}" for day in self.dates]
        for row, column in np.argwhere(~(np.isfinite(volume) & (volume >= 0)))[:1]:
            raise InputError(
                f"{self.origin}: row {names[row]}, column {volume_column(self.tokens[column])}:"
                f" volume {volume[row, column]:g} must be zero or a positive finite number"
            )
        return replace(self, volume=volume)

    @property
    def frame(self) -> pd.DataFrame:
        """The panel as a DataFrame indexed by date, one column a token, volumes left out."""
        return pd.DataFrame(self.close, index=self.dates.rename("date"), columns=list(self.tokens))

    @property
    def volume_frame(self) -> pd.DataFrame:
        """Volumes as a DataFrame indexed by date, one column a token; no columns if unknown."""
        names = [volume_column(token) for token in self.tokens] if self.volume is not None else []
        return pd.DataFrame(self.volume, index=self.dates.rename("date"), columns=names)

    def select(self, tokens: Iterable[str]) -> PricePanel:
        """The same days with these tokens, in this order.

        Raises:
            InputError: a token has no column.
        """
        wanted = tuple(tokens)
        for token in wanted:
            if token not in self.tokens:
                raise InputError(
                    f"{self.origin}: no column {token}{nearest(token, self.tokens)};"
                    f" it has {', '.join(self.tokens)}"
                )
        columns = [self.tokens.index(token) for token in wanted]
        volume = None if self.volume is None else self.volume[:, columns]
        currencies = tuple(self.currencies[column] for column in columns if self.currencies)
        close = self.close[:, columns]
        return replace(self, tokens=wanted, close=close, volume=volume, currencies=currencies)

    def refuse_other_currency(self, currency: str) -> None:
        """See that the prices are in a currency, if it is known what they are in.

        Raises:
            InputError: those of a token are in another one.
        """
        for token, its in zip(self.tokens, self.currencies, strict=False):
            if its not in (None, currency):
                raise InputError(
                    f"money.currency: the prices of {token} in {self.origin} are in {its}, not in"
                    f" {currency}; name a column of exchange rates where the file is named:"
                    f' rates = {{ {its} = {{ column = "{currency}{its}",'
                    f' quote = "{its} per {currency}" }} }}'
                )

    def in_units(self, unit: float) -> npt.NDArray[np.int64]:
        """Prices as whole multiples of the smallest money unit, shape (days, tokens).

        Raises:
            InputError: a price rounds to zero, or is too large to be exact.
        """
        with np.errstate(over="ignore"):
            scaled = np.rint(self.close / unit)
        bad = (scaled < 1) | (scaled >= LARGEST_PRICE)
        if bad.any():
            row, column = (int(i) for i in np.argwhere(bad)[0])
            raise InputError(
                f"{self.origin}: {self.tokens[column]} on {self.dates[row]:%Y-%m-%d}:"
                f" price {self.close[row, column]:g} cannot be expressed in units of {unit:g};"
                " choose another money.unit"
            )
        return scaled.astype(np.int64)


def volume_column(token: str) -> str:
    """What a wide price file calls the column of a token's volume."""
    return f"{token} volume"


def _refuse_duplicates(names: Sequence[str], where: str) -> None:
    for position, name in enumerate(names):
        if name in names[:position]:
            raise InputError(f"{where} {name} appears twice")
