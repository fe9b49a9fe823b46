"""The day in columns of a market that keeps balance sheets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.day.balance import BalanceDesk
from abm.day.close_out_result import CloseOutResult
from abm.day.columns import ColumnsDay
from abm.day.funding import FundingDesk
from abm.day.sharing import Sharing

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class BalanceDay(ColumnsDay):
    """Beside what is on the ledger, moves what is outside of it, and marks who owns and owes what.

    Balance sheets begin once the loans of day 0 are open.
    """

    balance: BalanceDesk
    funding: FundingDesk

    def open_loans(self, rows: Ints, posted: Ints) -> None:
        """Open loans that begin today; what is minted for later ones is taken from outside."""
        super().open_loans(rows, posted)
        market = self.market
        if market.day:
            self.balance.enter_opened(rows, posted)
            return
        assert market.policies is not None and market.sheet is not None
        kept = (market, market.policies, market.sheet)
        self.balance = BalanceDesk(*kept, self.desk, self.asking)
        self.funding = FundingDesk(*kept, self.asking)
        # What is outside and the credit line limit what can be minted.
        self.sharing = Sharing(market)

    def trade(self) -> None:
        """Have participants sell and buy outside the ledger, before prices are published."""
        self.balance.trade(self._next_maturity)

    def mark(self) -> None:
        """Mark what is lent, and balance sheets, to the published prices."""
        super().mark()
        self.balance.revalue()

    def recall(self, chosen: Bools) -> None:
        """Recall open-ended loans, those that are funded no longer among them."""
        if self.funding.withdraws:
            withdrawn = self.funding.recalls()
            chosen = withdrawn | chosen if len(chosen) else withdrawn
        super().recall(chosen)

    def settle(self) -> None:
        """Settle all that is due today; lenders return what they have invested."""
        with self.balance.reinvestment.cash_at_hand():
            super().settle()

    def call_and_return(self) -> None:
        """Trigger calls, and have lenders return what is in excess and what they have invested."""
        with self.balance.reinvestment.cash_at_hand():
            super().call_and_return()

    def deliver(self) -> None:
        """Have borrowers deliver what they are called for, and find what all lack outside."""
        super().deliver()
        self.balance.meet_calls(self.calls)

    def close_out(self, exogenous: Ints) -> CloseOutResult:
        """Mark balance sheets, declare defaults, and go on selling."""
        self.balance.close()
        busy = bool(self.desk.closing or self.desk.estates.claims)
        result = super().close_out(exogenous)
        if busy or any(result.defaults):
            self.balance.after_close_outs()
        return result

    def conclude(self) -> None:
        """Settle what ends with the window, trades that arrive on its morning among it."""
        self.balance.begin_day()
        super().conclude()

    def mint(self, row: int, token: int, quantity: int) -> None:
        """Issue tokens to a participant against what it has outside."""
        super().mint(row, token, quantity)
        self.balance.deposit(row, token, quantity)

    def burn(self, row: int, token: int, quantity: int) -> None:
        """Take tokens of a participant back, and give it the assets behind them."""
        super().burn(row, token, quantity)
        self.balance.withdraw(row, token, quantity)

    def _retry_releases(self) -> None:
        with self.balance.reinvestment.cash_at_hand():
            super()._retry_releases()

    def _at_maturity(self, due: Ints) -> Ints:
        return self.funding.at_maturity(due, super()._at_maturity(due))

    def _open_replacements(self) -> None:
        self.funding.change_haircuts()
        super()._open_replacements()

    def _find_reusable(self) -> None:
        super()._find_reusable()
        self.funding.limit_reuse()
