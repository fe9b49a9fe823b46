"""Balance sheets: what participants own and owe beside their loans, and what they do about it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from scenarios.agreement import exact
from scenarios.participants import Exact, Share, TokenCounts
from scenarios.table import Table

Fraction = Annotated[float, Field(ge=0, le=1)]
Limit = Annotated[float, Field(gt=0, allow_inf_nan=False), Exact]
Leverage = Annotated[float, Field(ge=1, allow_inf_nan=False), Exact]


class BalanceSheet(Table):
    """What the participants of a role, or one of them, have beside their loans, and how they act.

    With nothing set a balance sheet is kept and nobody acts on it. A participant's own table
    replaces that of its role.
    """

    outside: TokenCounts | Share | None = None
    """Assets outside the ledger, against which the custodian mints: tokens by name, or a fraction
    of what the participant lends and posts for all its loans, token by token. It takes the place of
    the issuance capacity, and nothing is unlimited any more; without it the issuance capacity is
    what is outside, and what is minted without limit is entered as contributed."""
    credit_line: Literal["unlimited"] | Share = "unlimited"
    """Cash that can be drawn, as a fraction of assets at the opening. Unlimited: cash that is
    lacking is contributed from outside."""
    leverage: Leverage | None = None
    """Assets other than cash over equity at the opening: debt to lenders outside the market, which
    stays, makes up the rest, or further cash where the loans alone are more than that. Instead of
    an equity that is given. Whoever has either defaults when none is left."""
    invest: Fraction = 0.0
    """Part of the cash borrowed at the opening that is spent on assets outside the ledger."""
    reinvest: Fraction = 0.0
    """As a lender: part of the cash collateral received with title that is spent on assets outside
    the ledger, at the opening and every morning, and owed back all the same; in six decimals at
    most. What it earns meanwhile is `fees.reinvestment`."""
    reinvest_term: Annotated[int, Field(ge=0, le=365)] = 0
    """Days for which what it is spent on cannot be sold, and after which it is paid at its price;
    0 for assets that are bought and sold like all others."""
    portfolio: dict[str, Share] | None = None
    """Shares by value of what is bought for `invest` and `reinvest`; all tokens alike if not
    given."""
    short: Fraction = 0.0
    """Part of the tokens borrowed that is sold for cash, to be bought back when they are due: at
    the prices of the opening; of loans that begin later, on the next morning, which moves
    prices."""
    buy_in_days: Annotated[int, Field(ge=1, le=365)] | None = None
    """As a lender: days on which a borrower has failed to return what is due, after which it is
    bought in on the borrower's account. Never, if not given; a borrower is in default after the
    `grace_days` of its agreement."""
    raises_funds: bool = False
    """Whether assets outside are sold, and tokens bought, for calls left unmet and for loans that
    are due before a purchase or sale of today settles."""
    leverage_limit: Leverage | None = None
    """Assets other than cash over equity, above which assets outside the ledger are sold ..."""
    leverage_target: Leverage | None = None
    """... down to this; to the limit if not given."""
    liquidation: tuple[str, ...] = ()
    """Order in which they are sold; those not named come last, in proportion to their value."""
    withdraw_leverage: Limit | None = None
    """As a lender: leverage of a borrower above which its loans are funded no longer. Open-ended
    ones are recalled, others neither rolled nor replaced when they are due."""
    withdraw_volatility: Limit | None = None
    """Likewise volatility of a loan's collateral, for a day, weighted by value."""
    withdraw_liquidity: Limit | None = None
    """Likewise all loans, while cash over assets is below this."""
    raised_haircut: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Haircut at which loans that would not be replaced are replaced all the same, if above that of
    their agreement."""
    hoard_volatility: Limit | None = None
    """Mean volatility of all tokens, for a day, above which no collateral is posted further and no
    loan is rolled or replaced."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        limit, target = self.leverage_limit, self.leverage_target
        if target is not None and (limit is None or target > limit):
            raise ValueError("leverage_target goes with a leverage_limit, which is not below it")
        if self.liquidation and limit is None and not self.raises_funds:
            raise ValueError("liquidation goes with leverage_limit or raises_funds")
        if self.portfolio is not None and not (self.invest or self.reinvest):
            raise ValueError("portfolio goes with invest or reinvest")
        if self.portfolio is not None and not sum(self.portfolio.values()):
            raise ValueError("portfolio must have a positive share")
        buys = "invest" if self.invest else "reinvest" if self.reinvest else ""
        if buys and self.credit_line == "unlimited" and self.outside is None:
            raise ValueError(
                f"{buys} needs a credit_line: with cash without limit nothing has to be sold"
            )
        if exact(self.reinvest) * 10**6 % 1:
            raise ValueError("reinvest: expected six decimals at most")
        if self.reinvest_term and not self.reinvest:
            raise ValueError("reinvest_term goes with reinvest")
        if self.reinvest and not (self.reinvest_term or self.raises_funds):
            raise ValueError(
                "reinvest needs raises_funds or a reinvest_term: nothing would ever be sold or fall"
                " due to return the cash"
            )
        if len(set(self.liquidation)) < len(self.liquidation):
            raise ValueError("liquidation names a token twice")
        withdraws = (self.withdraw_leverage, self.withdraw_volatility, self.withdraw_liquidity)
        if self.raised_haircut is not None and not any(withdraws):
            raise ValueError("raised_haircut goes with a limit of withdraw_")
        return self
