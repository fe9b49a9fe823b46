"""Who is funded no longer: recalls, loans that are not rolled or replaced, raised haircuts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.agents.calls import DecisionError
from abm.agents.views import LoanView
from abm.books import tally
from abm.books.ledger import LARGEST_VALUE
from abm.books.loan_book import ACTIVE, AT_MATURITY, NEVER, OPEN_LOAN, PENDING
from abm.books.sheet import Policies, Sheet
from abm.day.asking import Asking
from abm.day.day import Setting
from abm.rules.requirement import mark_exposures

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

SETTLE, ROLL, REPLACE = (AT_MATURITY.index(name) for name in ("settle", "roll", "replace"))


class FundingDesk:
    """Withdraws what lenders lend, as their policies or they themselves say."""

    def __init__(self, market: Setting, policies: Policies, sheet: Sheet, asking: Asking):
        """Serve the lenders of a market."""
        self._market, self._policies, self._sheet, self._asking = market, policies, sheet, asking
        limited = np.isfinite(policies.withdraw_leverage) | (policies.withdraw_liquidity > 0)
        self._by_volatility = bool(np.isfinite(policies.withdraw_volatility).any())
        self.withdraws = bool(limited.any() or self._by_volatility or asking.withdrawals)
        """Whether anybody would ever fund a loan no longer."""
        self._hoards = bool(np.isfinite(policies.hoard_volatility).any())
        scenario = market.scenario
        self._agreements = 1 + len(scenario.agreements)
        """Those of the scenario; behind them in the books are the same at raised haircuts."""
        none = np.zeros(0, np.int64)
        self._changes = none, none
        """Loans that are to be replaced today, and the agreements that their accounts then have."""

    def recalls(self) -> Bools:
        """Open-ended loans that are funded no longer, shape (loans,)."""
        loans, accounts = self._market.books.loans, self._market.books.accounts
        live = (loans.state == OPEN_LOAN) & (loans.maturity == NEVER)
        rows = np.flatnonzero(live)
        rows = rows[accounts.state[loans.account[rows]] == ACTIVE]
        chosen = np.zeros(len(loans), np.bool_)
        chosen[rows] = self._withdrawn(rows)
        self._market.books.totals[tally.WITHDRAWALS] += chosen.sum()
        return chosen

    def at_maturity(self, due: Ints, standard: Ints) -> Ints:
        """What becomes of loans, shape (loans,): those that are due end if they are not funded.

        Args:
            due: rows of the loans that are due.
            standard: what would become of each, position in `AT_MATURITY`.
        """
        self._changes = due[:0], due[:0]
        goes_on = due[standard[due] != SETTLE]
        if not len(goes_on) or not (self.withdraws or self._hoards):
            return standard
        result, books = standard.copy(), self._market.books
        lender = books.accounts.lender[books.loans.account[goes_on]]
        withdrawn = self._withdrawn(goes_on) if self.withdraws else np.zeros(len(lender), np.bool_)
        hoarded = self.hoarding()[lender]
        raised = self._raise_haircuts(goes_on, withdrawn & ~hoarded, ~withdrawn & ~hoarded)
        ends = hoarded | (withdrawn & ~raised)
        result[goes_on[ends]] = SETTLE
        books.totals[tally.WITHDRAWALS] += ends.sum()
        return result

    def change_haircuts(self) -> None:
        """Once loans have settled: those that are repaid open again at the haircut decided on."""
        rows, agreement = self._changes
        self._changes = rows[:0], agreement[:0]
        books = self._market.books
        repaid = books.loans.state[rows] == PENDING
        a = books.loans.account[rows[repaid]]
        changed = books.accounts.agreement[a] != agreement[repaid]
        if changed.any():
            books.accounts.agreement[a] = agreement[repaid]
            mark_exposures(books, self._market.prices)

    def hoarding(self) -> Bools:
        """Who keeps what it has, shape (participants,)."""
        return self._sheet.volatility[:-1].mean() > self._policies.hoard_volatility

    def limit_reuse(self) -> None:
        """Leave nothing to be posted further to those who hoard."""
        books = self._market.books
        if self._hoards and len(books.reused):
            hoarding = self.hoarding()
            books.reusable[hoarding] = 0
            books.free[hoarding[books.accounts.lender]] = 0

    def _withdrawn(self, rows: Ints) -> Bools:
        """Which of these loans their lenders fund no longer."""
        policies = self._policies
        view = LoanView(self._market, rows, self._market.at_maturity)
        lender = view.lender
        chosen = view.borrower_leverage > policies.withdraw_leverage[lender]
        chosen |= view.liquidity < policies.withdraw_liquidity[lender]
        if self._by_volatility:
            chosen |= view.volatility > policies.withdraw_volatility[lender]
        return self._asking.withdrawn(rows, chosen)

    def _raise_haircuts(self, rows: Ints, withdrawn: Bools, funded: Bools) -> Bools:
        """Have loans that would not be replaced replaced at a raised haircut; says which are.

        Where the account has further loans none is: the haircut is that of all of them. Loans that
        are replaced as ever get back the haircut of their agreement.
        """
        books = self._market.books
        loans, accounts = books.loans, books.accounts
        a = loans.account[rows]
        replaced = self._market.at_maturity[rows] == REPLACE
        block = self._policies.raised[accounts.lender[a]]
        raised: Bools = withdrawn & replaced & (block > 0) & (accounts.open_loans[a] == 1)
        base = accounts.agreement[a] % self._agreements
        changes = raised | (replaced & funded)
        agreement = base + np.where(raised, block, 0) * self._agreements
        self._changes = rows[changes], agreement[changes]
        ratio = books.terms.upper_numerator / books.terms.upper_denominator
        most = (accounts.exposure[a[changes]] * ratio[agreement[changes]]).max(initial=0.0)
        if most >= LARGEST_VALUE:
            raise DecisionError(
                f"balance: a raised haircut asks for collateral worth {most:.3g} money units, above"
                f" the limit of {LARGEST_VALUE:.3g}"
            )
        return raised
