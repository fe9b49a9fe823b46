"""What loans of securities cost and earn: fees, interest on cash collateral, the agent's share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scenarios.table import Table

Rate = Annotated[float, Field(ge=-1, le=1)]


class Fees(Table):
    """Accruals on loans of securities, counted by day (docs/books.md). Where balance sheets are
    kept they are paid on the next morning, in cash outside the ledger; else nothing moves.

    Borrowers pay a fee on what they borrow, at the rate of the loan in a `[book]` and else at the
    `lending_fee` of the class of assets. Lenders pay interest on cash that they hold as collateral,
    and reinvest it; interest less fee is the rebate (GMSLA 2010, paragraph 6). Rates are for a
    year, and kept in millionths.
    """

    benchmark: Rate = 0.0
    """What lenders pay on cash collateral."""
    reinvestment: Rate | None = None
    """What they earn on it outside the market; as much as they pay if not given. What it is put
    into, and what that may lose, is said by `reinvest` of `[balance]`."""
    agent_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Part of what lenders earn that goes to their agents, in a `[book]`; of losses, too."""
    day_count: Literal[360, 365] = 360
    """Days of a year that rates are divided by; days that pass are counted on the calendar."""
