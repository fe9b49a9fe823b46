"""What margining costs: prices of what a run counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator

from scenarios.table import Table

LEVERAGE_ASSETS = "abm.measures.capital:leverage_assets"
"""The measure of what capital is held against."""

Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Part = Annotated[float, Field(ge=0, le=1)]


class Costs(Table):
    """Prices of what a run counts, in money; no decision depends on them (docs/costs.md).

    They are applied to results, by `collateral costs` and in reports, and move nothing: runs with
    other prices are the same to the last bit.
    """

    margin_call: Price = 0.0
    """Of a margin call, shared by its two parties; a call that moves nothing counts."""
    transfer: Price = 0.0
    """Of a transfer of a token, shared by its two parties."""
    issuance: Price = 0.0
    """Of having tokens minted on the day for a loan, to who has them minted."""
    gas_price: Price = 0.0
    """Of a unit of gas, in gwei; shared by the two parties."""
    ether_price: Price = 0.0
    """Of an ether."""
    collateral: Part = 0.0
    """For a year, of the value of the collateral, to borrowers."""
    default_rate: Part = 0.0
    """Defaults from outside the market, for a year: what is uncollateralised before calls, times
    this, is what lenders expect to lose to them. Losses that happened count beside it."""
    leverage_ratio: Part = 0.0
    """Capital that lenders hold against what loans add to their leverage exposure. Needs
    `abm.measures.capital:leverage_assets` among the measures."""
    cost_of_capital: Part = 0.0
    """What it has to earn, for a year."""

    def refuse_unmeasured(self, measures: Sequence[str]) -> None:
        """See that what capital is held against is measured.

        Raises:
            ValueError: it is not among the measures of the scenario.
        """
        if self.leverage_ratio and LEVERAGE_ASSETS not in measures:
            raise ValueError(f'costs.leverage_ratio: needs measures = ["{LEVERAGE_ASSETS}"]')

    @model_validator(mode="after")
    def _check(self) -> Self:
        for one, other in (
            ("gas_price", "ether_price"),
            ("leverage_ratio", "cost_of_capital"),
        ):
            if bool(getattr(self, one)) != bool(getattr(self, other)):
                raise ValueError(f"{one} and {other}: give both, one without the other is nothing")
        return self
