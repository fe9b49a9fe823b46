"""What the contracts say of a call, a delivery or a repayment, entered into the books."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from abm.books import tally
from abm.books.books import Books
from abm.chain.chain import Chain
from abm.chain.records import DELIVERY, RETURN, Outcome

Ints = npt.NDArray[np.int64]


def enter_call(books: Books, a: int, outcome: Outcome) -> None:
    """Count a call, and the return that it led to."""
    accounts, terms, totals = books.accounts, books.terms, books.totals
    accounts.value[a] = outcome.worth
    if not outcome.kind:
        return
    t = accounts.agreement[a]
    accounts.calls[a] += 1
    totals[tally.MARGIN_CALLS] += 1
    totals[tally.LENDER_ISSUANCES] += terms.every_call_issues[t]
    if outcome.kind == DELIVERY:
        totals[tally.DELIVERY_CALLS] += 1
        totals[tally.DELIVERY_CALL_VALUE] -= outcome.excess
    if outcome.kind != RETURN:
        return
    totals[tally.RETURN_CALLS] += 1
    totals[tally.RETURN_CALL_VALUE] += outcome.excess
    totals[tally.TRANSFERS] += outcome.transfers
    held = books.ledger.balance[books.ledger.collateral_row + a]
    blocked = not outcome.moved and held[books.eligible(t)].any()
    totals[tally.BLOCKED_RETURNS] += blocked
    if outcome.moved:
        totals[tally.RETURNS] += 1
        totals[tally.RETURNED_VALUE] += outcome.moved
        accounts.returns[a] += 1
    if outcome.issued:
        totals[tally.LENDER_ISSUANCES] += not terms.every_call_issues[t]
        totals[tally.LENDER_ISSUED_VALUE] += outcome.issued


def enter_delivery(books: Books, a: int, outcome: Outcome) -> None:
    """Count a delivery, and what it did not bring."""
    accounts, totals = books.accounts, books.totals
    accounts.unmet[a] = outcome.unmet
    if outcome.kind != DELIVERY:
        return
    accounts.value[a] = outcome.worth
    totals[tally.TRANSFERS] += outcome.transfers
    if outcome.issued:
        totals[tally.BORROWER_ISSUANCES] += 1
        totals[tally.BORROWER_ISSUED_VALUE] += outcome.issued
    if outcome.moved:
        totals[tally.DELIVERIES] += 1
        totals[tally.DELIVERED_VALUE] += outcome.moved
        accounts.deliveries[a] += 1
    if outcome.unmet:
        totals[tally.UNMET_CALLS] += 1
        totals[tally.UNMET_VALUE] += outcome.unmet


def issued_to_repay(
    chain: Chain, wallets: Ints, held: Mapping[int, Ints], settled: Sequence[int]
) -> Iterator[int]:
    """Value of what borrowers had issued to repay loans, for each loan for which they had any.

    The contracts do not tell it: it is what the wallets lacked, loan by loan.

    Args:
        chain: the contracts.
        wallets: before the first of them, shape (participants and more, tokens); changed.
        held: collateral of each loan.
        settled: rows of the loans that have been repaid, in order.
    """
    market, books = chain.market, chain.market.books
    for i in settled:
        a = books.loans.account[i]
        lender, borrower = books.accounts.lender[a], books.accounts.borrower[a]
        needed = books.lent[i].copy()
        needed[books.priority[books.accounts.agreement[a], 0]] += books.accounts.advanced[a]
        lacking = np.maximum(needed - wallets[borrower], 0)
        wallets[borrower] += lacking - needed + held[i]
        wallets[lender] += books.lent[i]
        if lacking.any():
            yield int(lacking @ market.prices)
