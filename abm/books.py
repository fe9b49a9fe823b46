"""Everything that a compiled pass reads and changes, in one tuple."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.compiled import inlined
from abm.ledger import LedgerArrays
from abm.loan_book import Accounts, Loans
from abm.tally import Log
from abm.terms import Terms

Ints = npt.NDArray[np.int64]


class Books(NamedTuple):
    """The market's state. There is no other copy of it."""

    ledger: LedgerArrays
    loans: Loans
    accounts: Accounts
    terms: Terms
    requested: Ints
    """Tokens that each wallet asked to be minted and has not received, (wallets, tokens)."""
    totals: npt.NDArray[np.float64]
    """What the day counted so far, at the positions that `abm.tally` names."""
    log: Log


@inlined
def record(
    books: Books, kind: int, account: int, party: int, token: int, quantity: int, value: int
) -> None:
    """Add an event to the log, if anybody listens."""
    log = books.log
    if len(log.kind):
        at = log.count[0]
        log.kind[at] = kind
        log.account[at] = account
        log.party[at] = party
        log.token[at] = token
        log.quantity[at] = quantity
        log.value[at] = value
        log.count[0] = at + 1
