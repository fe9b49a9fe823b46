"""Classes of assets: what the tokens of a market have in common beside their prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from scenarios.errors import named, refuse_unpriced
from scenarios.participants import Exact, Share
from scenarios.table import Table

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Volume = Annotated[float, Field(ge=1, allow_inf_nan=False), Exact]
Name = Annotated[str, Field(min_length=1)]

SETTLEMENT_DAYS = 2
"""Of sales and purchases of what belongs to no class."""


class AssetClass(Table):
    """Tokens of one kind, and what holds for each of them; a token belongs to one class at most."""

    tokens: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Their names. All must have a price; the cash token can be one of them."""
    volatility: Annotated[float, Field(gt=0, le=100)] | None = None
    """Of the logarithmic price, for a year."""
    daily_volume: dict[str, Volume] | Volume | None = None
    """Tokens that are traded on a day outside this market, of each or of all alike; if not given,
    that of the price file."""
    settlement_days: Annotated[int, Field(ge=0, le=30)] = SETTLEMENT_DAYS
    """Days from a sale or purchase outside the ledger to its settlement."""
    lending_fee: Share = 0.0
    """Fee for borrowing them, for a year, as a fraction of their value."""
    haircut: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Fraction of their value that does not count as collateral."""
    issuer: dict[str, Name] = Field(default_factory=dict)
    """Who has issued a token; the token's own name if not given."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for token in self.tokens:
            if self.tokens.count(token) > 1:
                raise ValueError(f"tokens names {token} twice")
        volumes = self.daily_volume if isinstance(self.daily_volume, dict) else {}
        for field, by_token in (("daily_volume", volumes), ("issuer", self.issuer)):
            for token in by_token:
                if token not in self.tokens:
                    known = ", ".join(self.tokens)
                    raise ValueError(f"{field}: {token} is not in this class (it has {known})")
        return self

    def volume_of(self, token: str) -> float | None:
        """Daily volume of a token of the class, if it is given."""
        if isinstance(self.daily_volume, dict):
            return self.daily_volume.get(token)
        return self.daily_volume


class AssetColumns(NamedTuple):
    """What the classes say of each token, in the market's order of tokens; shape (tokens,) each."""

    classes: tuple[str, ...]
    """Names of the classes, in the scenario's order."""
    issuers: tuple[str, ...]
    """Names of the issuers, in the order in which tokens first name them."""
    asset_class: Ints
    """Index in `classes`; -1 for a token of none."""
    issuer: Ints
    """Index in `issuers`; a token of no class is its own issuer."""
    volatility: Floats
    """For a year; nan where none is given."""
    daily_volume: Floats
    """Tokens a day; nan where none is given."""
    settlement_days: Ints
    """Days; `SETTLEMENT_DAYS` for a token of no class, 0 for cash."""
    lending_fee: Floats
    """For a year; 0 for a token of no class."""
    haircut: Floats
    """nan where none is given."""


def check_classes(assets: Mapping[str, AssetClass], cash: str) -> None:
    """See that the classes of a scenario do not contradict one another.

    Args:
        assets: the classes by name.
        cash: the cash token, whose price does not move.

    Raises:
        ValueError: a token in two classes, or cash that trades or moves.
    """
    of: dict[str, str] = {}
    for name, kind in assets.items():
        for token in kind.tokens:
            if token in of:
                raise ValueError(f"assets: {token} is in {of[token]} and in {name}")
            of[token] = name
        if cash in kind.tokens:
            moves = kind.volatility is not None and "volatility"
            trades = kind.volume_of(cash) is not None and "daily_volume"
            if moves or trades:
                raise ValueError(
                    f"assets.{name}.{moves or trades}: {cash} is cash, whose price does not move;"
                    " put it in a class of its own without one"
                )


def asset_columns(assets: Mapping[str, AssetClass], tokens: Sequence[str]) -> AssetColumns:
    """The classes of a scenario by token.

    Args:
        assets: the classes by name (`Scenario.assets`).
        tokens: the market's tokens in their order, cash last.

    Raises:
        InputError: a class names a token without a price.
    """
    rows: dict[str, int] = {token: row for row, token in enumerate(tokens)}
    number = len(tokens)
    of_class, days = np.full(number, -1, np.int64), np.full(number, SETTLEMENT_DAYS, np.int64)
    volatility, volume, fee, haircut = (np.full(number, np.nan) for _ in range(4))
    issued_by, fee[:] = list(tokens), 0.0
    for index, (name, kind) in enumerate(assets.items()):
        for token in kind.tokens:
            with named(f"assets.{name}.tokens"):
                refuse_unpriced(token, tokens)
            row = rows[token]
            of_class[row], days[row], fee[row] = index, kind.settlement_days, kind.lending_fee
            # As floats, what is not given is nan.
            volatility[row], haircut[row] = kind.volatility, kind.haircut
            volume[row] = kind.volume_of(token)
            issued_by[row] = kind.issuer.get(token, token)
    days[-1] = 0
    issuers = tuple(dict.fromkeys(issued_by))
    issuer = np.array([issuers.index(name) for name in issued_by], np.int64)
    return AssetColumns(
        tuple(assets), issuers, of_class, issuer, volatility, volume, days, fee, haircut
    )
