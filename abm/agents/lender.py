"""The lender: holds collateral, returns what is in excess, recalls and rolls its loans."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from abm.agents.calls import ReturnCall
from abm.agents.participant import Participant
from abm.agents.views import LoanView, ReturnCalls

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Lender(Participant):
    """Lends against collateral, and returns what is more than required.

    Override a decision to give it a behaviour of its own: `choose_return`, `choose_recalls`,
    `choose_at_maturity`, `choose_withdrawals`; or one of them in columns, for all members of the
    class at once.
    """

    @property
    def loans(self) -> list[int]:
        """Identifiers of the open loans that it has granted."""
        return self._loans("lender")

    @property
    def exposure(self) -> float:
        """Market value of what it has lent, in money."""
        return self._exposure("lender")

    def choose_return(self, call: ReturnCall) -> Mapping[str, int]:
        """Tokens to return on a call.

        By default those of `call.default`: the agreement's priority in reverse (paper,
        section 2.2.2).
        """
        return call.default

    def choose_recalls(self, loans: LoanView) -> Bools:
        """Which of its open-ended loans to recall today, shape (rows,).

        By default none but those that the scenario recalls.
        """
        return np.zeros(len(loans), np.bool_)

    def choose_at_maturity(self, loans: LoanView) -> npt.NDArray[np.str_]:
        """What becomes of its loans that are due today, shape (rows,).

        "settle", "roll" or "replace"; by default what the scenario says of each.
        """
        return loans.at_maturity

    def choose_withdrawals(self, loans: LoanView) -> Bools:
        """Which of its loans it funds no longer, shape (rows,); asked where sheets are kept.

        Those that are open-ended are recalled, others end when they are due. By default those of
        `loans.withdrawn`, as the scenario's `balance` has it.
        """
        return loans.withdrawn

    @classmethod
    def choose_return_in_columns(cls, calls: ReturnCalls) -> Ints:
        """Tokens to return on the calls on members of the class, shape (rows, tokens)."""
        return calls.default

    @classmethod
    def choose_recalls_in_columns(cls, loans: LoanView) -> Bools:
        """Which of the members' open-ended loans are recalled today, shape (rows,)."""
        return np.zeros(len(loans), np.bool_)

    @classmethod
    def choose_at_maturity_in_columns(cls, loans: LoanView) -> npt.NDArray[np.str_]:
        """What becomes of the members' loans that are due today, shape (rows,)."""
        return loans.at_maturity

    @classmethod
    def choose_withdrawals_in_columns(cls, loans: LoanView) -> Bools:
        """Which of the members' loans are funded no longer, shape (rows,)."""
        return loans.withdrawn
