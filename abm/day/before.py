"""What lenders stand to lose before the day's movements; compiled.

`prices` are of shape (tokens,), in money units.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books.before import note_before
from abm.books.books import VALUED_TOGETHER, Books
from abm.books.compiled import compiled, unsigned
from abm.books.loan_book import ACTIVE
from abm.rules.schedules import counted, has_schedule
from abm.rules.valuation import collateral_value, value_tokens

Ints = npt.NDArray[np.int64]


@compiled
def measure_before(books: Books, prices: Ints) -> None:
    """Value all accounts with open loans at the day's prices, and take down what they lack."""
    start, number = 0, len(books.accounts)
    while start < number:
        end = min(start + VALUED_TOGETHER, number)
        value_tokens(books, prices, start, end)
        for row in range(start, end):
            a = unsigned(row)
            account = books.accounts[a]
            if account.state == ACTIVE and account.open_loans:
                tokens = books.worth[unsigned(row - start)]
                value = counts = collateral_value(books, prices, a, tokens)
                if has_schedule(books, a):
                    counts = counted(books, prices, a, False)
                note_before(books.before, account, value, counts)
        start = end
    books.before.taken[0] = True
