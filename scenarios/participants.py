"""Who takes part: numbers, sizes, inventories and equity of participants."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from scenarios.table import Table

Count = Annotated[int, Field(ge=0, lt=2**62)]
MOST_DAYS = 1_000_000
"""Days that a term or a delay can have: longer than any window, and safe in 32 bits."""

MOST_PARTICIPANTS = 1_000_000
"""Participants of a role: each is an object, and has a wallet."""


def _told_apart(number: Any) -> Any:
    """Refuse a whole number that would be rounded on its way to a float."""
    whole = isinstance(number, int) and not isinstance(number, bool)
    if whole and abs(number) < 10**300 and int(float(number)) != number:
        raise ValueError("has more digits than are kept of such a number, which are 15")
    return number


Exact = BeforeValidator(_told_apart)
Days = Annotated[int, Field(ge=0, le=MOST_DAYS)]
Number = Annotated[int, Field(ge=0, le=MOST_PARTICIPANTS)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), Exact]
Share = Annotated[float, Field(ge=0, allow_inf_nan=False), Exact]
TokenCounts = dict[str, Count]
Role = Literal["lender", "borrower", "dealer"]


class Distribution(Table):
    """How sizes differ between participants or loans; every kind has mean 1.

    `lognormal`: `exp(σZ - σ²/2)`. `pareto`: tail exponent `alpha` above 1, smallest value
    `(alpha - 1)/alpha`.
    """

    kind: Literal["equal", "lognormal", "pareto"] = "equal"
    sigma: Annotated[float, Field(gt=0, le=10)] = 1.0
    """Of the logarithm, for `lognormal`."""
    alpha: Annotated[float, Field(gt=1, allow_inf_nan=False)] = 2.0
    """Tail exponent, for `pareto`."""


class GivenParticipant(Table):
    """One participant by name; what is left out follows the rule for its role."""

    name: Annotated[str, Field(min_length=1)]
    role: Role
    size: Positive | None = None
    equity: Share | None = None
    """Money that can be lost before the participant defaults, to the nearest `money.unit`."""
    wallet: TokenCounts | None = None
    """Prefunded inventory, in tokens; a cash token is worth one `money.unit`."""
    total_assets: TokenCounts | None = None
    """All its eligible assets in tokens, in place of its `wallet`: what it does not post of them at
    the start is its wallet."""
    issuance_capacity: TokenCounts | None = None
    """Tokens that the custodian can still mint for it; cash is unlimited unless named."""
    behaviour: str | None = None
    """Class that decides for it, as `module:Class`."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.wallet is not None and self.total_assets is not None:
            raise ValueError("total_assets: replaces wallet; give one of the two")
        return self


class Participants(Table):
    """All participants of a market.

    Inventory and capacity given as a number are fractions of the collateral that the participant
    posts at the start, token by token: with a higher haircut more is posted, and both grow.
    `total_assets` stay what they are, and leave a smaller wallet.
    """

    lenders: Number = 1
    borrowers: Number = 1
    dealers: Number = 0
    """Participants that both borrow and lend."""
    size: Distribution = Distribution()
    """How sizes differ; a loan grows with the square root of its parties' sizes."""
    prefunded_inventory: Share | TokenCounts = 0.0
    """Tokens that borrowers and dealers hold in their wallets beyond what they post; rounded down
    to whole tokens. Cash tokens are worth one `money.unit` each."""
    inventory_spread: Distribution = Distribution()
    """How the prefunded inventory differs between participants; of total assets, what they have
    beyond the value of their loans."""
    total_assets: Annotated[float, Field(ge=1, allow_inf_nan=False), Exact] | TokenCounts | None = (
        None
    )
    """Eligible assets of each borrower and dealer in all, in place of `prefunded_inventory`: what
    it does not post of them at the start is its wallet. As a number, a multiple of what it borrows
    at opening prices, held in the proportions of what it posts and rounded down to whole tokens. A
    market in which somebody has less than it posts is refused."""
    issuance_capacity: Literal["unlimited"] | Share | TokenCounts = "unlimited"
    """Assets outside the ledger against which the custodian can still mint; rounded down to whole
    tokens. Cash is never limited here."""
    minting_days: Annotated[int, Field(ge=0, le=30)] = 0
    """Days from a request to newly minted tokens."""
    delivery: Literal["priority", "cheapest"] = "priority"
    """What borrowers and dealers deliver on calls: by the priority of the agreement, or what costs
    them least by the `lending_fee` of `assets`, all their calls of a day together."""
    substitution: Annotated[float, Field(ge=0, le=1)] | None = None
    """Borrowers and dealers take collateral back and bring, from their wallets, what costs them
    less by the `lending_fee` of `assets`, if that saves at least this part of its value for a year;
    nobody does if not given."""
    equity_ratio: Share | None = None
    """Equity as a fraction of `equity_base`, to the nearest `money.unit`; without it nobody's
    equity runs out."""
    equity_base: Literal["lent", "assets"] = "lent"
    """What a participant lends at the start; or all its assets then at opening prices: what it
    lends, posts, and holds in its wallet, without what it borrows, for which it owes as much."""
    behaviour: dict[Role | Literal["oracle", "clearing_house"], str] = Field(default_factory=dict)
    """Class that decides for all participants of a role, for the oracle or for the clearing house,
    as `module:Class`."""
    given: tuple[GivenParticipant, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [participant.name for participant in self.given]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"given names {name} twice")
        if self.total_assets is not None and self.prefunded_inventory not in (0.0, {}):
            raise ValueError("total_assets: replaces prefunded_inventory; give one of the two")
        if self.equity_base != "lent" and self.equity_ratio is None:
            raise ValueError("equity_base: goes with equity_ratio, which is not given")
        return self
