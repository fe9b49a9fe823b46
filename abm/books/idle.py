"""Wallets that nobody needs any more."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books.books import Books
from abm.books.loan_book import CLOSED_OUT, SETTLED

Ints = npt.NDArray[np.int64]


def idle_tokens(books: Books, wallets: Ints) -> list[tuple[int, int, int]]:
    """What participants hold all of whose loans have ended: row, token, quantity.

    Args:
        books: the market's.
        wallets: of the participants, shape (participants, tokens).
    """
    loans, accounts = books.loans, books.accounts
    running = loans.account[(loans.state != SETTLED) & (loans.state != CLOSED_OUT)]
    busy = np.zeros(len(wallets), np.bool_)
    busy[accounts.lender[running]] = True
    busy[accounts.borrower[running]] = True
    held = np.argwhere((wallets > 0) & ~busy[:, None]).tolist()
    return [(row, token, int(wallets[row, token])) for row, token in held]
