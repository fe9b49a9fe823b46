"""The lender: holds collateral and returns what is in excess."""

from __future__ import annotations

from collections.abc import Mapping

from abm.agents.calls import ReturnCall
from abm.agents.participant import Participant


class Lender(Participant):
    """Lends against collateral, and returns what is more than required.

    Override `choose_return` to give it a behaviour of its own.
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
