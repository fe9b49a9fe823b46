"""Which calls are made; compiled."""

from __future__ import annotations

from abm.books.compiled import inlined
from abm.books.loan_book import Account
from abm.books.terms import Term

NO_CALL, DELIVERY_CALL, RETURN_CALL, NOTHING_TO_MOVE = range(4)


@inlined
def called(account: Account, term: Term, effective: int) -> int:
    """Which call, if any, a collateral value (in transit included) gives rise to (section 2.1.2).

    A call that was not met in full stands until it is.
    """
    missing = account.required - effective
    if abs(missing) < term.minimum_transfer:
        return NO_CALL
    if term.daily:
        if missing > 0:
            return DELIVERY_CALL
        return RETURN_CALL if missing < 0 else NOTHING_TO_MOVE
    if effective < account.lower or (account.unmet_days and missing > 0):
        return DELIVERY_CALL
    return RETURN_CALL if effective > account.upper and missing < 0 else NO_CALL
