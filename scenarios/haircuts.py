"""Haircuts that follow risk: which model, how cautious, and how often they are set anew."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from scenarios.table import Table

Fraction = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Days = Annotated[int, Field(ge=1, le=100_000)]


class HaircutModel(Table):
    """Parameters of the rule `abm.rules.haircuts:RiskHaircut`.

    The haircut of a token is its value at risk over the margin period of risk: the value at risk of
    a day times the root of the period, in sessions. Then the three tools of the delegated act
    153/2013, article 28, against procyclicality act on it, each if it is given.
    """

    model: Literal["ewma", "historical", "filtered"]
    """`ewma`: normal, of an exponentially weighted volatility; `historical`: the quantile of past
    losses; `filtered`: the same of losses over the volatility of their day, times today's."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.99
    """Level of the value at risk."""
    margin_period_of_risk: Days = 5
    """Sessions from the last margin to the end of a close-out."""
    decay: Annotated[float, Field(gt=0, lt=1)] = 0.94
    """Weight of a day's squared return next to that of the day after, for `ewma` and `filtered`."""
    lookback: Days = 250
    """Sessions of which past losses are taken, for `historical` and `filtered`."""
    minimum: Days = 20
    """Sessions that must be known; until then the haircut is that of the agreement."""
    floor: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Smallest haircut."""
    cap: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """Largest haircut."""
    buffer: Fraction = 0.0
    """Added on top, as a fraction of the haircut, and drawn down while that rises: 0.25 in the
    delegated act."""
    stressed_weight: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Weight of stressed observations: 0.25 in the delegated act. They are the most volatile
    sessions in a row that have been seen so far."""
    stressed_days: Days = 60
    """How many sessions in a row are the stressed ones."""
    floor_years: Fraction = 0.0
    """Years of history whose volatility no haircut falls below: 10 in the delegated act. Where
    there is less history, all there is; without any before the window, that of the window."""
    reset: Literal["daily", "weekly", "threshold"] = "daily"
    """When the haircut is set anew: on every session, on the first one of a week, or when it is
    off by more than `threshold`."""
    threshold: Fraction = 0.1
    """Smallest change that is made, as a fraction of the haircut in force."""
    loans: Literal["all", "new"] = "all"
    """Which loans a new haircut is for: all, or those alone that begin from then on."""
    across: Literal["largest", "mean"] = "largest"
    """What the haircut of an agreement is of those of its eligible tokens."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.cap < self.floor:
            raise ValueError("cap: expected at least the floor")
        return self
