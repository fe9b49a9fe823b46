"""The borrower: meets margin calls from its wallet."""

from __future__ import annotations

from collections.abc import Mapping

from abm.agents.calls import DeliveryCall
from abm.agents.participant import Participant


class Borrower(Participant):
    """Borrows against collateral, and delivers more of it when called.

    Override `meet_call` or `choose_delivery` to give it a behaviour of its own.
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
