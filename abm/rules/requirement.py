"""What collateral a loan requires, and the band in which no call is made; compiled.

`prices` and quantities are of shape (tokens,), in money units and counts; `a` is the row of a
margin account, `i` that of a loan, and values are in money units.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books.books import Books
from abm.books.calendar import TOGETHER
from abm.books.compiled import compiled
from abm.books.loan_book import ACTIVE, OPEN_LOAN, Accounts
from abm.books.terms import Terms, fraction_of

Ints = npt.NDArray[np.int64]


@compiled
def set_requirement(accounts: Accounts, terms: Terms, a: int) -> None:
    """Required collateral and trigger band of an account, from its exposure (section 2.2.1)."""
    account = accounts[a]
    term = terms[account.agreement]
    exposure = account.exposure
    numerator, denominator = term.required_numerator, term.required_denominator
    required, rest = fraction_of(exposure, numerator, denominator)
    account.slack = (denominator - rest) / numerator if rest else 0.0
    account.required = required + (rest > 0)
    account.upper, _ = fraction_of(exposure, term.upper_numerator, term.upper_denominator)
    lower, rest = fraction_of(exposure, term.lower_numerator, term.lower_denominator)
    account.lower = lower + (rest > 0)


@compiled
def mark_exposures(books: Books, prices: Ints) -> None:
    """Value what is lent at today's prices, and set the requirements from it."""
    loans, accounts, running = books.loans, books.accounts, books.calendar.running
    accounts.exposure[:] = 0
    for word in range(len(running)):
        flags = running[word]
        if flags == 0:
            continue
        for k in range(TOGETHER):
            # The flag is at hand at once, the loan's own state is far away in memory.
            i = word * TOGETHER + k
            if (flags >> 8 * k) & 255 and loans.state[i] == OPEN_LOAN:
                value = 0
                for token in range(len(prices)):
                    value += prices[token] * books.lent[i, token]
                accounts.exposure[loans.account[i]] += value
    for a in range(len(accounts.lender)):
        if accounts.state[a] == ACTIVE:
            set_requirement(accounts, books.terms, a)
