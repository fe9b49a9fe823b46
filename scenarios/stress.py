"""What can go wrong: defaults, how they are closed out, and faults of the oracle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from scenarios.participants import MOST_DAYS, Days, Exact, Positive
from scenarios.table import Table


class ScheduledDefault(Table):
    """A participant that defaults on a day, after that day's calls."""

    participant: str
    day: Days


class Defaults(Table):
    """Defaults that come from outside the market."""

    scheduled: tuple[ScheduledDefault, ...] = ()
    daily_hazard: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Probability with which a borrower or dealer defaults on a day."""


Depth = Annotated[float, Field(ge=1, allow_inf_nan=False), Exact]


class _Impact(Table):
    permanent: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Part of the (logarithmic) impact that stays."""
    decay: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Part of the rest that is still there a day later."""


class ExponentialImpact(_Impact):
    """Sales move a price by their part of all tokens there are: `exp(-b · sold / depth)`.

    With `b = 1.053605` selling a tenth of the depth lowers the price by a tenth (Cifuentes,
    Ferrucci and Shin 2005).
    """

    kind: Literal["exponential"] = "exponential"
    """Need not be said where `depth` is."""
    depth: dict[str, Depth] | Depth
    """Tokens outstanding, of each token or of all alike."""
    b: Annotated[float, Field(gt=0, le=1000)] = 1.0536051565782628


class SquareRootImpact(_Impact):
    """Sales move a price by the square root of their part of what is traded in a day.

    `exp(-Y · σ · sqrt(sold / V))` with the daily volatility σ and the daily volume V of the token
    (Tóth et al. 2011). V is `daily_volume` of the token's class, or else the average over the last
    20 sessions of the price file up to the day. Every token needs one.
    """

    kind: Literal["square-root"]
    y: Annotated[float, Field(ge=0, le=100)] = 1.0
    """Y, about 1 in all markets that have been measured; 0 for no impact."""
    volatility: Literal["realised", "class"] = "realised"
    """σ. `realised`: root mean square of the log-returns of the last 20 sessions up to the day,
    those before the window included if the price source has them; where there are fewer, that of
    the token's class, if it has one, else of the returns there are (none: no impact). `class`:
    always that of the class, by √252 from a year to a day."""


def _exponential(table: Any) -> Any:
    """Say of an impact that does not say its kind that it is the exponential one."""
    return {"kind": "exponential", **table} if isinstance(table, Mapping) else table


AnyImpact = Annotated[
    ExponentialImpact | SquareRootImpact,
    Field(discriminator="kind"),
    BeforeValidator(_exponential),
]


class CloseOut(Table):
    """How the loans of a defaulter are ended."""

    margin_period_of_risk: Days = 2
    """Days from the last met call to the end of the liquidation."""
    sale: Literal["end", "parts"] = "end"
    """Sell all at the end, or in equal parts on each day until then."""
    impact: AnyImpact | None = None
    """How sales move prices, for everybody; not at all if not given."""
    recovery: bool = False
    """Whether estates pay: what a defaulter has left, its wallet with the cash that it borrowed
    included, is shared among those whom its close-outs left with a claim."""
    recovery_delay: Days = 0
    """Days from the end of a defaulter's last close-out until its estate pays."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.recovery_delay and not self.recovery:
            raise ValueError(
                "recovery_delay: goes with recovery = true; without it nothing is paid"
            )
        return self


class WrongPrice(Table):
    """A price that is published wrong on one day."""

    day: Days
    token: str
    factor: Positive
    """Published price divided by the true one."""


class Outage(Table):
    """Days on which the oracle publishes nothing, from `day` on."""

    day: Days
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 1
    tokens: tuple[str, ...] | None = None
    """The tokens whose prices stay stale; all of them if not given."""


class OracleFaults(Table):
    """How the published prices differ from the true ones."""

    delay: Days = 0
    """Days by which every price is published late."""
    outages: tuple[Outage, ...] = ()
    wrong_prices: tuple[WrongPrice, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        seen = set()
        for wrong in self.wrong_prices:
            if (wrong.day, wrong.token) in seen:
                raise ValueError(f"wrong_prices names {wrong.token} on day {wrong.day} twice")
            seen.add((wrong.day, wrong.token))
        return self
