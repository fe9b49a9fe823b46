"""The dealer: borrows from some and lends to others."""

from __future__ import annotations

from abm.agents.borrower import Borrower
from abm.agents.lender import Lender


class Dealer(Lender, Borrower):
    """A lender and a borrower in one; it may post on what it received under title transfer."""

    @property
    def loans(self) -> list[int]:
        """Identifiers of its open loans on either side."""
        return sorted({*self._loans("lender"), *self._loans("borrower")})
