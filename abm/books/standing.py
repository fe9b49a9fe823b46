"""How participants stand: what they can lose and have lost, and whether they have defaulted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.ledger import UNLIMITED

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

CAUSES = ("exogenous", "liquidity", "contagion", "insolvency")
EXOGENOUS, LIQUIDITY, CONTAGION, INSOLVENCY = range(len(CAUSES))


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
    marked: Bools
    """Whose equity is what its balance sheet says of it: whoever has none left is in default."""
    insured: Bools
    """Whose losses its agent pays."""
    indemnities: Ints
    """What its agent has paid for its losses, less what it has passed on since."""

    def ruined(self) -> Ints:
        """Rows of those whose equity is gone and who are not in default yet."""
        gone = (self.equity <= 0) & (self.marked | (self.losses > 0))
        return np.flatnonzero(gone & (self.default_day < 0))

    def cause_of_ruin(self, row: int) -> int:
        """Contagion, if it would still have equity without its losses in close-outs."""
        still = int(self.equity[row]) + int(self.losses[row]) > 0 or not self.marked[row]
        return CONTAGION if still else INSOLVENCY

    def lose(self, row: int, amount: int) -> None:
        """Book what a participant has lost against its equity."""
        self.losses[row] += amount
        if self.equity[row] < UNLIMITED:
            self.equity[row] -= amount

    def recover(self, row: int, amount: int) -> None:
        """Book what an estate has paid on what was lost before."""
        self.recovered[row] += amount
        self.lose(row, -amount)

    def indemnify(self, row: int, amount: int) -> None:
        """Book what an agent has paid of a participant's loss; less than nothing for what the
        participant passes on to it."""
        self.indemnities[row] += amount
        self.lose(row, -amount)


def new_standing(equity: Ints, insured: Bools | None = None) -> Standing:
    """Participants who have lost nothing.

    Args:
        equity: of each, in money units, shape (participants,).
        insured: whose agent pays its losses, shape (participants,); nobody's if not given.
    """
    none = np.full(len(equity), -1, np.int64)
    nothing, marked = np.zeros(len(equity), np.int64), np.zeros(len(equity), np.bool_)
    insured = np.zeros(len(equity), np.bool_) if insured is None else insured
    more = none.copy(), marked, insured, nothing.copy()
    return Standing(equity, nothing, nothing.copy(), none, *more)
