"""The borrower: meets margin calls from its wallet."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from abm.agents.calls import DeliveryCall
from abm.agents.exchanges import Exchanges
from abm.agents.participant import Participant
from abm.agents.views import DeliveryCalls

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Borrower(Participant):
    """Borrows against collateral, and delivers more of it when called.

    Override a decision to give it a behaviour of its own: `meet_call`, `choose_delivery`,
    `rank_calls`, `choose_reuse`, `choose_substitutions`; or one of them in columns, for all members
    of the class at once.
    """

    @property
    def loans(self) -> list[int]:
        """Identifiers of the open loans that it has taken."""
        return self._loans("borrower")

    @property
    def borrowed(self) -> float:
        """Market value of what it has borrowed, in money."""
        return self._exposure("borrower")

    def meet_call(self, call: DeliveryCall) -> bool:
        """Whether to meet a call at all."""
        return True

    def choose_delivery(self, call: DeliveryCall) -> Mapping[str, int]:
        """Tokens to deliver on a call; what the wallet lacks of them is minted, if it can be.

        By default those of `call.default`: from the wallet in the agreement's priority, then newly
        minted ones (paper, section 2.2.2).
        """
        return call.default

    def rank_calls(self, calls: DeliveryCalls) -> Floats:
        """Ranks of the day's calls on it, shape (rows,): the lowest is served first.

        By default all are served in the order of margin accounts. Who ranks its calls is served
        before those who do not.
        """
        return np.zeros(len(calls))

    def choose_reuse(self) -> float:
        """Part of what the agreements let it post further that it will, from 0 to 1.

        All by default. What it has posted further already counts; it is not called back.
        """
        return 1.0

    def choose_substitutions(self, accounts: Exchanges) -> Ints:
        """Tokens to bring into its accounts that lack nothing, and, negative, to take back for
        them, shape (rows, tokens); those of `accounts.default` by default."""
        return accounts.default

    @classmethod
    def choose_substitutions_in_columns(cls, accounts: Exchanges) -> Ints:
        """Tokens that members exchange, shape (rows, tokens)."""
        return accounts.default

    @classmethod
    def meet_call_in_columns(cls, calls: DeliveryCalls) -> Bools:
        """Which of the calls on members of the class are met, shape (rows,)."""
        return np.ones(len(calls), np.bool_)

    @classmethod
    def choose_delivery_in_columns(cls, calls: DeliveryCalls) -> Ints:
        """Tokens that members deliver on the calls that they meet, shape (rows, tokens)."""
        return calls.default

    @classmethod
    def rank_calls_in_columns(cls, calls: DeliveryCalls) -> Floats:
        """Ranks of the calls on members, shape (rows,): each serves its lowest first."""
        return np.zeros(len(calls))

    @classmethod
    def choose_reuse_in_columns(cls, members: Ints) -> Floats:
        """Parts of what the agreements let members post further that they will, shape (members,).

        Args:
            members: their rows among the participants.
        """
        return np.ones(len(members))
