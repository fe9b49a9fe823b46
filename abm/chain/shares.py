"""How borrowers that are short divide what they have, by transactions of their own."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

import numpy as np

from abm.books.ledger import LedgerError
from abm.chain.chain import Chain
from abm.chain.records import Outcome
from abm.day.sharing import Share
from abm.rules.apportion import MINT, WALLET


def deliver_parts(
    chain: Chain, marked: Mapping[int, Outcome], parts: Mapping[int, Share]
) -> dict[int, Outcome]:
    """Have borrowers bring their shares, and the contracts collect; gives what it came to by row.

    Args:
        chain: the contracts, which have made the day's calls.
        marked: outcomes of the calls by row of the loan book.
        parts: what each call gets of what its borrower has, by row.

    Raises:
        LedgerError: the contracts have found more than was shared.
    """
    outcomes: dict[int, Outcome] = {}
    accounts, loans = chain.market.books.accounts, chain.market.books.loans
    rows: dict[int, list[int]] = {}
    for i in parts:
        rows.setdefault(int(accounts.borrower[loans.account[i]]), []).append(i)
    for borrower in _in_order(chain, rows):
        mine = rows[borrower]
        for i in mine:
            moved = parts[i].moved
            if moved.any():
                chain.deliver_part(i, moved[WALLET], moved[MINT])
        for i, outcome in chain.deliver(mine).items():
            if outcome.moved:
                raise LedgerError(
                    f"loan {loans.loan_id[i]}: {chain.market.population.names[borrower]} has come"
                    " to more during the deliveries than it shared among its calls; the contracts"
                    " would use it, the columns do not"
                )
            outcomes[i] = _together(chain, marked[i], outcome, parts[i])
    return outcomes


def _in_order(chain: Chain, rows: Mapping[int, list[int]]) -> list[int]:
    """Borrowers such that each comes before those whose deliveries restore deposits of its own.

    What a lender gets back during the deliveries does not count for its own calls of the day. Where
    borrowers do so to one another, the order is that of their loans.
    """
    accounts, loans = chain.market.books.accounts, chain.market.books.loans
    before: dict[int, set[int]] = {borrower: set() for borrower in rows}
    for borrower, mine in rows.items():
        for i in mine:
            lender = int(accounts.lender[loans.account[i]])
            if lender in rows and accounts.advanced[loans.account[i]]:
                before[borrower].add(lender)
    try:
        return list(TopologicalSorter(before).static_order())
    except CycleError:
        return list(rows)


def _together(chain: Chain, marked: Outcome, rest: Outcome, part: Share) -> Outcome:
    """A call of which the borrower brought a part, and the contracts found nothing more."""
    prices, tokens = chain.market.prices, part.quantities
    return rest._replace(
        excess=marked.excess,
        moved=int(tokens @ prices),
        transfers=int(np.count_nonzero(tokens)),
        issued=int(part.moved[MINT] @ prices),
    )
