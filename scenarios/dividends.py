"""Dividends: what tokens pay on record dates, one by one, from a file, or by a model."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from scenarios.errors import InputError, nearest
from scenarios.table import Table

COLUMNS = ("date", "token", "amount")

Amount = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Dividend(Table):
    """A dividend."""

    date: date
    """Record date: who holds at its end gets it. On a day without trading, the next day."""
    token: Annotated[str, Field(min_length=1)]
    amount: Amount
    """Money for a token."""


class Yield(Table):
    """Dividends of a class of assets by a model."""

    rate: Annotated[float, Field(gt=0, le=1)]
    """For a year, as a fraction of the published price of the record date."""
    times: Annotated[int, Field(ge=1, le=12)] = 4
    """Record dates in a year of 365 days, as far apart as can be. Those of the tokens of a class
    lie evenly between them, in the order of the class."""


class Dividends(Table):
    """What tokens pay on record dates, counted, and paid, with the earnings of `[fees]`
    (docs/rules.md).

    Prices are taken as they are: closes of a file that are not adjusted fall by a dividend by
    themselves, and models are not lowered for it.
    """

    file: Annotated[str, Field(min_length=1)] | None = None
    """A CSV file with the columns `date`, `token` and `amount`, in money. Tokens that are not in
    the market are left out."""
    given: tuple[Dividend, ...] = ()
    """Dividends one by one."""
    classes: dict[str, Yield] = Field(default_factory=dict)
    """By class of assets: regular ones."""

    @field_validator("file")
    @classmethod
    def _resolve(cls, file: str | None, info: ValidationInfo) -> str | None:
        folder = (info.context or {}).get("folder")
        return str(Path(folder, file)) if file and folder else file

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not (self.file or self.given or self.classes):
            raise ValueError("give a file, [[dividends.given]] or [dividends.classes.NAME]")
        return self

    def refuse_misfits(self, assets: Mapping[str, Any], *, counted: bool) -> None:
        """See that dividends are counted, and their classes are there.

        Args:
            assets: the scenario's classes by name.
            counted: whether it has a table of fees.

        Raises:
            ValueError: naming what is missing.
        """
        if not counted:
            raise ValueError("dividends: earnings are counted with a table [fees]; it may be empty")
        for name in self.classes:
            if name not in assets:
                known = ", ".join(assets) or "none"
                raise ValueError(
                    f"dividends.classes: no class {name}{nearest(name, assets)} (known: {known})"
                )

    def listed(self, tokens: Sequence[str]) -> list[Dividend]:
        """Those of the file, and those given one by one.

        Args:
            tokens: priced ones of the market.

        Raises:
            InputError: the file cannot be read, something in it is wrong, or a dividend that is
                given is of no token of the market.
        """
        for one in self.given:
            if one.token not in tokens:
                raise InputError(
                    f"dividends.given: {one.token} has no price{nearest(one.token, tokens)}"
                    f" (known: {', '.join(tokens)})"
                )
        read = _read(self.file, _text_of(self.file)) if self.file else ()
        return [*(one for one in read if one.token in tokens), *self.given]


def _text_of(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a CSV file: not UTF-8") from None


@lru_cache(maxsize=8)
def _read(path: str, text: str) -> tuple[Dividend, ...]:
    rows = csv.DictReader(text.splitlines())
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise InputError(f"{path}: no column {missing[0]}; expected {', '.join(COLUMNS)}")
    found: dict[tuple[date, str], Dividend] = {}
    for row in rows:
        where = f"{path}: row {rows.line_num}"
        try:
            day, amount = date.fromisoformat(row["date"] or ""), float(row["amount"] or "")
        except ValueError:
            raise InputError(
                f"{where}: expected a date as 2024-03-28 and a number (they are {row['date']!r}"
                f" and {row['amount']!r})"
            ) from None
        token = row["token"]
        if not token or not 0 < amount < float("inf"):
            raise InputError(f"{where}: expected a token and an amount above zero")
        if (day, token) in found:
            raise InputError(f"{where}: {token} on {day} appears twice")
        found[day, token] = Dividend(date=day, token=token, amount=amount)
    return tuple(found.values())
