"""What participants allow the lending contract to take: what they are about to owe, no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from abm.books.books import Books
from abm.chain.platform import Platform
from abm.chain.records import LARGE_DEPOSIT

Ints = npt.NDArray[np.int64]

CALLS_COVERED = 5
"""Calls of today's size that an allowance is renewed for: so long it lasts, and so much a fault of
the lending contract could take of the wallet beyond what is called today."""


class Allowances:
    """Renews allowances before the contracts need them, by transactions of the participants."""

    def __init__(self, platform: Platform, addresses: Sequence[str], tokens: int):
        """Nothing is allowed yet; `addresses` of participants by row."""
        self._platform, self._addresses = platform, addresses
        self._left = np.zeros((len(addresses), tokens), np.int64)
        # At least so much is left. The contracts are asked only where that is too little.

    def cover(self, needed: Ints, calls: int = 1) -> None:
        """Allow what may be taken next.

        Args:
            needed: at most, shape (participants, tokens).
            calls: how many times as much is allowed where what is left is too little.
        """
        for row, token in np.argwhere(needed > self._left).tolist():
            need, owner = int(needed[row, token]), self._addresses[row]
            left = self._platform.allowed(owner, token)
            if left < need:
                left = max(need, min(need * calls, LARGE_DEPOSIT))
                self._platform.allow(owner, token, left)
            self._left[row, token] = left
        self._left -= needed


def opening_needs(books: Books, posted: Ints, participants: int) -> Ints:
    """What all loans take from their parties when they open, shape (participants, tokens).

    Args:
        books: with the loans.
        posted: collateral of each, shape (loans, tokens).
        participants: how many rows there are.
    """
    needed = np.zeros((participants, posted.shape[1]), np.int64)
    accounts, of = books.accounts, books.loans.account
    np.add.at(needed, accounts.lender[of], books.lent)
    np.add.at(needed, accounts.borrower[of], posted)
    return needed


def repayment_needs(books: Books, advanced: Mapping[int, int], participants: int) -> Ints:
    """What the repayment of loans takes from their borrowers, shape (participants, tokens).

    Args:
        books: with the loans.
        advanced: tokens that lenders have issued, by row of the loan; instructions that have just
            settled count.
        participants: how many rows there are.
    """
    needed = np.zeros((participants, books.lent.shape[1]), np.int64)
    accounts = books.accounts
    for i, issued in advanced.items():
        a = books.loans.account[i]
        borrower = accounts.borrower[a]
        needed[borrower] += books.lent[i]
        needed[borrower, books.priority[accounts.agreement[a], 0]] += issued
    return needed


def call_needs(books: Books, wallets: Ints, prices: Ints, rows: Sequence[int]) -> Ints:
    """What the calls of a day may take from wallets at most, shape (participants, tokens).

    Of a token as much as makes up what is missing by itself, and none of those that come after
    tokens enough. Where collateral comes back first, what a wallet will hold is not known.

    Args:
        books: as the contracts have told them at the day's prices.
        wallets: what there is, shape (participants, tokens).
        prices: of the tokens.
        rows: of the loans that are margined.
    """
    needed = np.zeros_like(wallets)
    accounts, held = books.accounts, books.ledger.balance[books.ledger.collateral_row :]
    called: dict[int, list[tuple[int, int]]] = {}
    receives: set[int] = set()
    for i in rows:
        a = int(books.loans.account[i])
        borrower = int(accounts.borrower[a])
        first = books.priority[accounts.agreement[a], 0]
        worth = int(held[a] @ prices) - int(accounts.advanced[a] * prices[first])
        required = accounts.required[a]
        if worth < (required if accounts.unmet_days[a] else accounts.lower[a]):
            called.setdefault(borrower, []).append((a, int(required) - worth))
        elif worth > required:
            receives.add(borrower)
    for borrower, mine in called.items():
        # Others take what they miss, and each with its last token up to a token more.
        most = sum(missing for _, missing in mine) + len(mine) * int(prices.max())
        for a, missing in mine:
            before = 0
            for token in books.eligible(accounts.agreement[a]):
                if before >= most:
                    break
                needed[borrower, token] += -(-missing // prices[token])
                before += int(wallets[borrower, token] * prices[token])
        if borrower not in receives:
            needed[borrower] = np.minimum(needed[borrower], wallets[borrower])
    return needed
