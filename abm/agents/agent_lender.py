"""The agent lender, who lends what belongs to others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import mesa
import numpy as np
import numpy.typing as npt

from abm.agents.market import Market
from abm.books.loan_book import OPEN_LOAN

if TYPE_CHECKING:
    from abm.agents.participant import Participant

Ints = npt.NDArray[np.int64]


class AgentLender(mesa.Agent):
    """Acts for the lenders of a book: allocates loans among them in turn and takes a share.

    It is no principal: it holds nothing and lends nothing itself, and each loan is counted once, as
    its owner's.
    """

    model: Market

    def __init__(self, model: Market, number: int, owners: Sequence[Participant]):
        """Act for some lenders.

        Args:
            model: the market.
            number: of the agent, from 0 on.
            owners: its beneficial owners, in the order of its queue.
        """
        super().__init__(model)
        self.number, self.owners = number, tuple(owners)
        self.name = f"A{number + 1}"

    @property
    def open_loans(self) -> int:
        """Loans that it has allocated and that are open."""
        loans, accounts = self.model.books.loans, self.model.books.accounts
        ours = np.isin(accounts.lender, [owner.row for owner in self.owners])
        return int(((loans.state == OPEN_LOAN) & ours[loans.account]).sum())

    @property
    def earned(self) -> float:
        """Its share of what its owners have earned so far, in money; 0 where none is counted."""
        earnings = self.model.earnings
        return float(earnings.by_agent[self.number] * self.model.unit) if earnings else 0.0

    @property
    def indemnities(self) -> float:
        """What it has paid for losses of its owners, less what estates paid on them, in money."""
        rows = [owner.row for owner in self.owners]
        return float(self.model.standing.indemnities[rows].sum() * self.model.unit)

    def __repr__(self) -> str:
        return f"<AgentLender {self.name}: {len(self.owners)} owners>"


def agent_lenders(market: Market, agent: Ints | None) -> dict[str, AgentLender]:
    """The agents of a market by name; none without a book.

    Args:
        market: with its participants.
        agent: of each participant, -1 for none, shape (participants,).
    """
    people = list(market.participants.values())
    numbers = range(0 if agent is None else int(agent.max(initial=-1)) + 1)
    made = [
        AgentLender(market, number, [one for one in people if agent[one.row] == number])
        for number in numbers
        if agent is not None
    ]
    return {one.name: one for one in made}
