"""How participants stand: what they can lose and have lost, and whether they have defaulted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.ledger import UNLIMITED

Ints = npt.NDArray[np.int64]

CAUSES = ("exogenous", "liquidity", "contagion")
EXOGENOUS, LIQUIDITY, CONTAGION = range(3)


class Standing(NamedTuple):
    """One row a participant; money in money units."""

    equity: Ints
    """What it can still lose before it defaults; `UNLIMITED` if that does not matter."""
    losses: Ints
    """What it has lost in close-outs, less what it has recovered since."""
    recovered: Ints
    """What estates have paid on its claims."""
    default_day: Ints
    """Day of its default; -1 for none."""
    default_cause: Ints
    """Position in `CAUSES`; -1 for none."""

    def lose(self, row: int, amount: int) -> None:
        """Book what a participant has lost against its equity."""
        self.losses[row] += amount
        if self.equity[row] < UNLIMITED:
            self.equity[row] -= amount

    def recover(self, row: int, amount: int) -> None:
        """Book what an estate has paid on what was lost before."""
        self.recovered[row] += amount
        self.lose(row, -amount)


def new_standing(equity: Ints) -> Standing:
    """Participants who have lost nothing; equity in money units, shape (participants,)."""
    none = np.full(len(equity), -1, np.int64)
    nothing = np.zeros(len(equity), np.int64)
    return Standing(equity, nothing, nothing.copy(), none, none.copy())
