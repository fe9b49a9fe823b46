"""What is drawn for each loan by itself: when it begins, for how long it runs, what secures it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from scenarios.participants import MOST_DAYS, Days, Share
from scenarios.table import Table

TermDays = Annotated[int, Field(ge=1, le=MOST_DAYS)]


class DrawnDays(Table):
    """A number of days that differs between loans: what its kinds have in common."""

    kind: str
    days: tuple[int, ...] = ()
    weights: tuple[Share, ...] = ()

    def _check_table(self) -> None:
        if self.kind == "table" and not (self.days and len(self.days) == len(self.weights)):
            raise ValueError("a table needs days, and as many weights")
        if self.weights and not sum(self.weights):
            raise ValueError("weights must have a positive one")

    def _refuse_unread(self, read: Mapping[str, tuple[str, ...]]) -> None:
        """Refuse keys that this kind does not read."""
        for key in ("low", "high", "mean", "days", "weights"):
            if key in self.model_fields_set and key not in read[self.kind]:
                raise ValueError(f'{key} changes nothing with kind = "{self.kind}"')


class DrawnTerm(DrawnDays):
    """Terms that differ between loans.

    `uniform`: whole days from `low` to `high`, all alike. `geometric`: the same chance of ending on
    each day, a term of `mean` days on average. `table`: `days` with their `weights`.
    """

    kind: Literal["uniform", "geometric", "table"]
    low: TermDays = 1
    high: TermDays | None = None
    """The longest term, of `uniform`."""
    mean: Annotated[float, Field(ge=1, le=MOST_DAYS)] | None = None
    """Of `geometric`."""
    days: tuple[TermDays, ...] = ()
    weights: tuple[Share, ...] = ()
    """Relative frequencies of the `days`."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._check_table()
        if self.kind == "uniform" and (self.high is None or self.high < self.low):
            raise ValueError("uniform needs a high of at least low")
        if self.kind == "geometric" and self.mean is None:
            raise ValueError("geometric needs a mean")
        read = {"uniform": ("low", "high"), "geometric": ("mean",), "table": ("days", "weights")}
        self._refuse_unread(read)
        return self


class DrawnStart(DrawnDays):
    """Days on which loans begin, that differ between them.

    `uniform`: from `low` to `high`, all alike. `table`: `days` with their `weights`.
    """

    kind: Literal["uniform", "table"]
    at_opening: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the loans that begin on day 0, before the others are drawn."""
    low: Days = 0
    high: Days | None = None
    """The last day of the window if not given."""
    days: tuple[Days, ...] = ()
    weights: tuple[Share, ...] = ()
    """Relative frequencies of the `days`."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._check_table()
        if self.high is not None and self.high < self.low:
            raise ValueError("high must be at least low")
        self._refuse_unread({"uniform": ("low", "high"), "table": ("days", "weights")})
        return self


class Mix(Table):
    """One of the compositions that loans are drawn from."""

    weight: Share = 1.0
    """How often it is drawn, relative to the others."""
    shares: Annotated[dict[str, Share], Field(min_length=1)]
    """Shares by value, as in `composition`."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not sum(self.shares.values()):
            raise ValueError("shares must have a positive one")
        return self
