"""Whether anybody has owed something for too long; compiled."""

from __future__ import annotations

from abm.books.books import Books
from abm.books.compiled import compiled
from abm.books.loan_book import ACTIVE, OPEN_LOAN
from abm.books.tally import RECALL_FAILS, UNMET_CALLS


@compiled
def is_overdue(books: Books) -> bool:
    """Whether anybody has left a call unmet, or not returned what it borrowed, past its grace."""
    accounts, loans, terms = books.accounts, books.loans, books.terms
    if books.totals[UNMET_CALLS]:
        for a in range(len(accounts)):
            account = accounts[a]
            late = account.unmet_days > terms[account.agreement].grace_days
            if late and account.state == ACTIVE:
                return True
    if books.totals[RECALL_FAILS]:
        for i in range(len(loans)):
            if loans.recall_fails[i] and loans.state[i] == OPEN_LOAN:
                account = accounts[loans.account[i]]
                late = loans.recall_fails[i] > terms[account.agreement].grace_days
                if late and account.state == ACTIVE:
                    return True
    return False
