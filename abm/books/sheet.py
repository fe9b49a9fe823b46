"""Balance sheets in columns: what participants own and owe, what they decided, what changed it.

What is in wallets, in collateral accounts and on loan stands in the ledger and in the loan book.
The position outside the ledger is the issuance capacity, less what may be minted beyond it: minting
takes from it, and burning gives it back. Kept here is only what stands nowhere else.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.books import Books
from abm.books.ledger import UNLIMITED

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

WITHOUT_END = np.int64(UNLIMITED // 4)
"""What can be minted beyond a position outside the ledger by those whose capacity is unlimited."""

ASSETS = (
    "cash",
    "receivable",
    "wallet",
    "outside",
    "incoming",
    "placed",
    "lent",
    "posted",
    "received",
    "issued",
)
LIABILITIES = ("borrowed", "collateral_owed", "issue_owed", "credit", "debt")
LINES = (*ASSETS, *LIABILITIES)
"""Lines of a balance sheet, described in `docs/balance-sheets.md`."""

(
    CASH,
    RECEIVABLE,
    WALLET,
    OUTSIDE,
    INCOMING,
    PLACED,
    LENT,
    POSTED,
    RECEIVED,
    ISSUED,
    BORROWED,
    COLLATERAL_OWED,
    ISSUE_OWED,
    CREDIT,
    DEBT,
) = range(len(LINES))

FLOWS = ("revaluation", "traded", "contributed", "closed_out", "earned")
"""What changes equity in a day: prices; trades at another price than the mark; what came from
outside without anything for it, less what went; close-outs; fees, interest and dividends paid."""

REVALUATION, TRADED, CONTRIBUTED, CLOSED_OUT, EARNED = range(len(FLOWS))


class Policies(NamedTuple):
    """What the scenario says of each participant's balance sheet (`scenarios.balance`)."""

    outside: Ints
    """Position outside the ledger, shape (participants, tokens); -1 where the issuance capacity
    says what there is."""
    credit_line: Floats
    """Fraction of assets at the opening; infinite for no limit."""
    leverage: Floats
    """At the opening; nan if not given."""
    invest: Floats
    reinvest: Floats
    """Part of the cash collateral that is invested."""
    reinvest_term: Ints
    """Days; 0 for assets that can be sold at any time."""
    portfolio: Floats
    """Shares by value, shape (participants, tokens); each row adds up to 1 or 0."""
    short: Floats
    buy_in_days: Floats
    """Infinite for never."""
    raises_funds: Bools
    leverage_limit: Floats
    """Infinite for none; likewise the limits that follow."""
    leverage_target: Floats
    liquidation: Ints
    """Place of each token in the order of sale, shape (participants, tokens)."""

    withdraw_leverage: Floats
    withdraw_volatility: Floats
    withdraw_liquidity: Floats
    """0 for none."""
    raised: Ints
    """Where the agreements are at the haircut at which it replaces loans that it would not fund: so
    many times their number behind them; 0 if it ends them."""
    hoard_volatility: Floats


class Sheet(NamedTuple):
    """One row a participant; money in money units."""

    allowed: Ints
    """How far below zero the position outside may go, shape (participants, tokens): the credit line
    of cash, `WITHOUT_END` where capacity is unlimited, else 0."""
    unsettled: Ints
    """Tokens bought and cash of sales that arrive on a day, shape (days, participants, tokens)."""
    placed: Ints
    """Tokens that cash collateral was placed in until a day, shape (terms, participants, tokens);
    no days if nobody does that."""
    debt: Ints
    """Owed to lenders outside the market, who do not ask for it."""
    limited: Bools
    """Whose equity can run out: it was given, and is now what is left of it."""
    volatility: Floats
    """Of the logarithmic price of each token, for a day, shape (tokens,)."""
    lines: Ints
    """Values of the lines as they were last marked, shape (participants, lines)."""
    flows: Ints
    """What changed equity today, shape (participants, flows)."""

    @property
    def assets(self) -> Ints:
        """Shape (participants,)."""
        return self.lines[:, : len(ASSETS)].sum(axis=1)

    @property
    def liabilities(self) -> Ints:
        """Shape (participants,)."""
        return self.lines[:, len(ASSETS) :].sum(axis=1)

    @property
    def equity(self) -> Ints:
        """Assets less liabilities, shape (participants,)."""
        return self.assets - self.liabilities

    @property
    def leverage(self) -> Floats:
        """Assets other than cash over equity, shape (participants,); infinite without equity."""
        risky, equity = self.risky, self.equity
        return np.divide(risky, equity, out=np.where(risky > 0, np.inf, 0.0), where=equity > 0)

    @property
    def risky(self) -> Ints:
        """Assets other than cash and what sales bring, shape (participants,)."""
        return self.lines[:, WALLET : len(ASSETS)].sum(axis=1)


def new_sheet(participants: int, tokens: int, days: int, policies: Policies) -> Sheet:
    """Empty balance sheets; `days` is the longest settlement of a trade.

    A line lies side by side in memory, so that lines are added up in vector registers.
    """
    return Sheet(
        allowed=np.zeros((participants, tokens), np.int64),
        unsettled=np.zeros((max(days, 1), participants, tokens), np.int64),
        placed=np.zeros((int(policies.reinvest_term.max()), participants, tokens), np.int64),
        debt=np.zeros(participants, np.int64),
        limited=np.zeros(participants, np.bool_),
        volatility=np.zeros(tokens),
        lines=np.zeros((participants, len(LINES)), np.int64, order="F"),
        flows=np.zeros((participants, len(FLOWS)), np.int64, order="F"),
    )


def outside(books: Books, sheet: Sheet) -> Ints:
    """Positions outside the ledger, shape (participants, tokens).

    Of cash it is negative where credit is drawn; of what is minted without limit, where more has
    been minted than there was and not yet been entered as contributed.
    """
    return books.ledger.capacity[: len(sheet.debt)] - sheet.allowed


def owned_outside(books: Books, sheet: Sheet) -> Ints:
    """What participants own outside the ledger, what was bought and what is being minted among it,
    shape (participants, tokens); not what cash collateral was placed in for a term."""
    number = len(sheet.debt)
    owned = np.maximum(outside(books, sheet), 0) + sheet.unsettled.sum(axis=0)
    return owned + books.ledger.arriving[:, :number].sum(axis=0)
