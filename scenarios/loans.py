"""Which loans there are: their size, what is lent, their collateral, and how they end."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from scenarios.drawn import DrawnStart, DrawnTerm, Mix, TermDays
from scenarios.participants import (
    Count,
    Days,
    Distribution,
    Positive,
    Share,
    TokenCounts,
)
from scenarios.table import Table


class Loan(Table):
    """The terms of loans other than those of their collateral.

    What is given as a number is the same for all loans of a network; what is given as a table of
    frequencies or a distribution is drawn for each. Loans are drawn after the network and by
    themselves: terms of agreements, and each of these fields, leave what is drawn for the others
    alone.

    ```toml
    [loan]                                        # a network of loans that differ
    principal = 5_000_000
    spread = { kind = "lognormal", sigma = 0.5 }
    lent_token = { USD = 4, IBM = 1 }
    mixes = [ { weight = 2, shares = { AAPL = 1, MSFT = 1 } }, { shares = { GOOG = 1 } } ]
    start = { kind = "uniform", low = 1, at_opening = 0.6 }
    maturity = { kind = "geometric", mean = 20 }
    age = "stationary"
    ```

    Size: either `collateral` alone (the loan is then worth what the agreement allows against it,
    as in the paper's Table 2), or `lent` or `principal`, with collateral as required.
    """

    principal: Positive | None = None
    """Value of the loan in money; the mean one if `spread` varies it. Rounded to the nearest
    `money.unit`, a half to the even one, and down to whole tokens of `lent_token`, one at least."""
    spread: Distribution = Distribution()
    """How principals differ between loans beside the sizes of their parties."""
    lent_token: str | dict[str, Share] | None = None
    """What a principal is lent in; cash if not given. A table of tokens and how often each is lent,
    as `{ IBM = 2, MSFT = 1 }`, is drawn from."""
    lent: TokenCounts | None = None
    """What is lent, in tokens, instead of a principal. A cash token is worth one `money.unit`: with
    cents, `{ USD = 1_000_000 }` lends 10,000 dollars."""
    collateral: TokenCounts | None = None
    """What is posted at the start, in tokens; a cash token is worth one `money.unit`."""
    composition: dict[str, Share] | None = None
    """Shares by value of the collateral posted at the start; all eligible tokens alike if not
    given. Tokens are rounded down, but for the first of the agreement's `priority` with a share,
    which makes up the rest."""
    mixes: tuple[Mix, ...] = ()
    """Several compositions, of which each loan gets one."""
    concentration: Annotated[float, Field(ge=0.01, le=1e6)] | None = None
    """Has each loan draw shares of its own around its composition: from a Dirichlet distribution
    whose parameters add up to this, in millionths. A share `s` then has the variance
    `s·(1 - s)/(concentration + 1)`: small numbers make loans secured by one token each."""
    start: Days | DrawnStart = 0
    """Day on which the loan begins. Its size is that at the prices of the day."""
    maturity: TermDays | DrawnTerm | None = None
    """Days from its beginning to settlement; the end of the window if not given."""
    age: Literal["new", "stationary"] = "new"
    """Of loans of day 0 with a maturity. Stationary: they have run for a while, so that they are
    due one by one, as in a market that has been there for ever (docs/rules.md)."""
    open_ended: bool = False
    """Whether the loan runs until the lender recalls it."""
    at_maturity: Literal["settle", "roll", "replace"] = "settle"
    """Roll: the loan goes on for another term. Replace: it settles and an equal one begins."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.principal is not None and self.lent is not None:
            raise ValueError("give principal or lent, not both")
        if self.principal is None and self.lent is None and self.collateral is None:
            raise ValueError("give principal, lent or collateral")
        if self.lent_token is not None and self.lent is not None:
            raise ValueError("lent_token goes with principal, not with lent")
        if self.collateral is not None and self.composition is not None:
            raise ValueError("give collateral or composition, not both")
        if self.composition is not None and not sum(self.composition.values()):
            raise ValueError("composition must have a positive share")
        if self.collateral is not None and (self.mixes or self.concentration is not None):
            raise ValueError("mixes and concentration go with composition, not with collateral")
        if self.mixes and self.composition is not None:
            raise ValueError("give composition or mixes, not both")
        if self.mixes and not sum(mix.weight for mix in self.mixes):
            raise ValueError("mixes must have a positive weight")
        if isinstance(self.lent_token, dict) and not sum(self.lent_token.values()):
            raise ValueError("lent_token must have a positive weight")
        if self.age != "new" and self.maturity is None:
            raise ValueError(f"age = {self.age!r} needs a maturity")
        for field in ("lent", "collateral"):
            tokens = getattr(self, field)
            if tokens is not None and not sum(tokens.values()):
                raise ValueError(f"{field} must have a token")
        if self.open_ended and (self.maturity is not None or self.at_maturity != "settle"):
            raise ValueError("an open-ended loan has no maturity")
        if self.at_maturity != "settle" and self.maturity is None:
            raise ValueError(f"at_maturity = {self.at_maturity!r} needs a maturity")
        return self


class GivenLoan(Loan):
    """One loan between two participants by name."""

    loan_id: Count
    lender: str
    borrower: str
    agreement: str | None = None
    """Name of one of the scenario's `agreements`; its `agreement` if not given."""


class Recalls(Table):
    """How lenders recall open-ended loans."""

    daily_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Probability with which a loan is recalled on a day."""
    notice: TermDays = 3
    """Days within which the borrower returns what was lent."""
    scheduled: tuple[tuple[Days, Count], ...] = ()
    """Pairs (day, loan_id)."""
