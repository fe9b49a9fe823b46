"""Loans that begin in the course of the simulation."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from abm.books.books import Books
from abm.books.loan_book import NEVER
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
            posted: for loans whose collateral is given in tokens, shape (loans, tokens).
            schedules: what tokens count for.
        """
        self._schedules = schedules
        order = np.argsort(table.drawn.start, kind="stable")
        self._rows = order[table.drawn.start[order] > 0]
        self._start = table.drawn.start[self._rows]
        self.first = np.sort(order[: len(order) - len(self._rows)])
        """Rows of the loans that begin on day 0."""
        self._tokens = tokens
        # What a market without later loans need not keep.
        self._table = table if len(self._rows) else None
        self._posted = posted if len(self._rows) else None

    def on(self, day: int) -> Ints:
        """Rows of the loans that begin on a day, in order."""
        begin, end = np.searchsorted(self._start, [day, day + 1])
        return self._rows[begin:end]

    def next_day(self, day: int) -> int:
        """The next day after this one on which a loan begins; `NEVER` for none."""
        position = int(np.searchsorted(self._start, day, side="right"))
        return int(self._start[position]) if position < len(self._start) else NEVER

    def posted(self, rows: Ints, books: Books, prices: Ints) -> Ints:
        """What is posted for loans, as their agreements stand today.

        Args:
            rows: of loans.
            books: the market's, with what they lend.
            prices: published ones, in money units, shape (tokens,).

        Returns:
            Tokens, shape (rows, tokens).
        """
        table = self._table
        assert table is not None and self._posted is not None
        posted = self._posted[rows]
        kinds = table.drawn.kinds
        for key, some in rows_by(table.agreement[rows] * len(kinds) + table.drawn.kind[rows]):
            t, terms = key // len(kinds), books.terms
            if kinds[key % len(kinds)].collateral is None:
                ratio = Fraction(
                    int(terms.required_numerator[t]), int(terms.required_denominator[t])
                )
                required = times(books.lent[rows[some]] @ prices, ratio, "up")
                posted[some] = spread(
                    table, self._tokens, rows[some], required, prices, self._schedules
                )
        return posted
