"""The custodian: issues tokens against deposits and redeems them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mesa
import numpy as np

from abm.books import tally
from abm.books.ledger import Holdings
from abm.books.loan_book import CLOSED_OUT, SETTLED
from abm.day.instructions import receive_minted

if TYPE_CHECKING:
    from abm.agents.participant import Participant
    from abm.model import CollateralMarket


class Custodian(mesa.Agent):
    """The trusted third party that holds the assets behind the tokens (paper, section 2.1.1)."""

    model: CollateralMarket

    def mint(self, participant: Participant, token: str, quantity: int) -> None:
        """Issue tokens to a participant against a deposit."""
        self.model.ledger.mint(participant.row, self.model.ledger.token(token), quantity)

    def burn(self, participant: Participant, token: str, quantity: int) -> None:
        """Take tokens of a participant back, and give it the assets behind them."""
        self.model.ledger.burn(participant.row, self.model.ledger.token(token), quantity)

    def deliver_minted(self) -> None:
        """Issue the tokens whose minting takes until today."""
        if len(self.model.books.ledger.arriving):
            receive_minted(self.model.books, self.model.day)

    def redeem_idle(self) -> None:
        """Redeem the wallets of all participants whose loans have all ended."""
        market = self.model
        accounts, loans = market.books.accounts, market.books.loans
        ended = (loans.state == SETTLED) | (loans.state == CLOSED_OUT)
        running = loans.account[~ended]
        busy = np.zeros(len(market.population.names), np.bool_)
        busy[accounts.lender[running]] = True
        busy[accounts.borrower[running]] = True
        wallets = market.ledger.wallets[: len(busy)]
        for row, token in np.argwhere((wallets > 0) & ~busy[:, None]).tolist():
            quantity = int(wallets[row, token])
            market.ledger.burn(row, token, quantity)
            value = quantity * int(market.prices[token])
            market.events.add(
                market.day, tally.BURN, row, token=token, quantity=quantity, value=value
            )

    def gas_today(self) -> int:
        """Gas of the day's transactions; the columns need none."""
        return 0

    def check_ledger(self) -> Holdings:
        """Check that no token has been lost or made on the way, and tell what there is.

        Raises:
            LedgerError: one has.
        """
        return self.model.ledger.check_conservation()
