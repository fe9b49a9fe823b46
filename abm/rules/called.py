"""What borrowers are called for, under whichever terms; compiled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books.books import Books
from abm.books.compiled import compiled
from abm.books.loan_book import ACTIVE
from abm.books.terms import Terms
from abm.rules.requirement import set_requirement
from abm.rules.trigger import DELIVERY_CALL, called
from abm.rules.valuation import collateral_value, effective_value, value_tokens

Ints = npt.NDArray[np.int64]


@compiled
def value_called(books: Books, prices: Ints, terms: Terms) -> float:
    """Value that would be called from borrowers now, in money units, if these were the terms.

    Leaves the requirements of all accounts as these terms set them.
    """
    total = 0.0
    accounts = books.accounts
    for a in range(len(accounts)):
        account = accounts[a]
        if account.state != ACTIVE or account.open_loans == 0:
            continue
        value_tokens(books, prices, a, a + 1)
        value = collateral_value(books, prices, a, books.worth[0])
        set_requirement(accounts, terms, a)
        effective = effective_value(books, prices, a, value)
        if called(account, terms[account.agreement], effective) == DELIVERY_CALL:
            total += account.required - effective
    return total
