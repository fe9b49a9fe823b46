"""The custodian: issues tokens against deposits and redeems them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import mesa

from abm.agents.market import Market

if TYPE_CHECKING:
    from abm.agents.participant import Participant


class Custodian(mesa.Agent):
    """The trusted third party that holds the assets behind the tokens (paper, section 2.1.1)."""

    model: Market

    def __init__(self, model: Market, mint: Move, burn: Move):
        """Keep the assets of a market; `mint` and `burn` are its ledger's."""
        super().__init__(model)
        self._mint, self._burn = mint, burn

    def mint(self, participant: Participant, token: str, quantity: int) -> None:
        """Issue tokens to a participant against a deposit.

        Raises:
            LedgerError: there is no such token, or the ledger refuses.
        """
        self._mint(participant.row, self.model.ledger.token(token), quantity)

    def burn(self, participant: Participant, token: str, quantity: int) -> None:
        """Take tokens of a participant back, and give it the assets behind them.

        Raises:
            LedgerError: it does not hold as many, or there is no such token.
        """
        self._burn(participant.row, self.model.ledger.token(token), quantity)


Move = Callable[[int, int, int], None]
"""Moves a quantity of a token: (participant's row, token's column, quantity)."""
