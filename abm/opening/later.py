"""Loans that begin in the course of the simulation."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from abm.books.books import Books
from abm.books.later import Later
from abm.books.schedules import ScheduleBook
from abm.opening.drawn_loans import rows_by
from abm.opening.exact import times
from abm.opening.loan_table import LoanTable
from abm.opening.sizes import spread

Ints = npt.NDArray[np.int64]


class LaterLoans:
    """Which loans begin on which day, and what is posted for them then."""

    def __init__(
        self, table: LoanTable, tokens: Sequence[str], posted: Ints, schedules: ScheduleBook
    ):
        """Keep what is needed of a table.

        Args:
            table: all loans.
            tokens: names of the ledger's columns, cash last.
            posted: what secures each when it begins, as `size_loans` finds it, shape (loans,
                tokens).
            schedules: what tokens count for.
        """
        self._schedules = schedules
        start = table.drawn.start
        later = np.flatnonzero(start)
        rows = later[np.argsort(start[later], kind="stable")]
        self.columns = Later(rows, start[rows], posted[rows])
        """As the terms of day 0 and true prices have them."""
        self.first = np.flatnonzero(start == 0)
        """Rows of the loans that begin on day 0."""
        self._tokens = tokens
        self._table = table if len(rows) else None  # need not be kept without later loans

    def on(self, day: int) -> slice:
        """Which of `columns` begin on a day."""
        begin, end = np.searchsorted(self.columns.start, [day, day + 1]).tolist()
        return slice(begin, end)

    def posted(self, some: slice, books: Books, prices: Ints) -> Ints:
        """What is posted for loans, as their agreements stand today.

        Args:
            some: which of `columns`.
            books: the market's, with what they lend.
            prices: published ones, in money units, shape (tokens,).

        Returns:
            Tokens, shape (loans, tokens).
        """
        table, rows = self._table, self.columns.rows[some]
        assert table is not None
        posted = self.columns.posted[some].copy()
        kinds = table.drawn.kinds
        for key, same in rows_by(table.agreement[rows] * len(kinds) + table.drawn.kind[rows]):
            t, terms = key // len(kinds), books.terms
            if kinds[key % len(kinds)].collateral is None:
                ratio = Fraction(
                    int(terms.required_numerator[t]), int(terms.required_denominator[t])
                )
                required = times(books.lent[rows[same]] @ prices, ratio, "up")
                posted[same] = spread(
                    table, self._tokens, rows[same], required, prices[None], self._schedules
                )
        return posted
