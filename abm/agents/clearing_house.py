"""The clearing house: says who is in default."""

from __future__ import annotations

import mesa

from abm.agents.entering import entered
from abm.agents.market import Market


class ClearingHouse(mesa.Agent):
    """Watches over the margin process of all loans (paper, section 2.1.2).

    The process itself is the day's (`abm.day`); what is left to its judgement is here.
    """

    model: Market

    def __init__(self, model: Market | None = None):
        """Serve a market.

        Raises:
            InputError: it is made by hand, of no market.
        """
        super().__init__(entered(model, self))

    def declare_default(self, participant: str, days: int) -> bool:
        """Whether to declare a participant in default that has owed something past its grace.

        By default always.

        Args:
            participant: its name.
            days: how long it has owed a call, or what it has borrowed.
        """
        return True
