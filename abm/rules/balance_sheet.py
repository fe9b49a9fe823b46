"""What each line of a balance sheet is worth (`docs/balance-sheets.md`)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books.books import VALUED_TOGETHER, Books
from abm.books.compiled import compiled, unsigned
from abm.books.ledger import LedgerArrays, account_row
from abm.books.loan_book import Accounts
from abm.books.sheet import (
    BORROWED,
    CASH,
    COLLATERAL_OWED,
    CREDIT,
    DEBT,
    INCOMING,
    ISSUE_OWED,
    ISSUED,
    LENT,
    OUTSIDE,
    PLACED,
    POSTED,
    RECEIVABLE,
    RECEIVED,
    WALLET,
    Sheet,
    outside,
)
from abm.rules.valuation import value_delivering, value_tokens

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def mark_own(books: Books, sheet: Sheet, prices: Ints) -> None:
    """Write the lines of what participants have and owe outside margin accounts.

    Args:
        books: the market's.
        sheet: gets the lines.
        prices: in money units, shape (tokens,).
    """
    lines = sheet.lines
    number = len(lines)
    wallets, position = books.ledger.balance[:number], outside(books, sheet)
    if len(books.ledger.arriving):
        # Asked for, no longer in the pool, and not yet in the wallet.
        position = position + books.ledger.arriving[:, :number].sum(axis=0)
    cash = position[:, -1]
    lines[:, CASH] = wallets[:, -1] + np.maximum(cash, 0)
    lines[:, CREDIT] = np.maximum(-cash, 0)
    lines[:, WALLET] = wallets[:, :-1] @ prices[:-1]
    lines[:, OUTSIDE] = position[:, :-1] @ prices[:-1]
    unsettled = sheet.unsettled.sum(axis=0)
    lines[:, RECEIVABLE] = unsettled[:, -1]
    lines[:, INCOMING] = unsettled[:, :-1] @ prices[:-1]
    if len(sheet.placed):
        lines[:, PLACED] = sheet.placed.sum(axis=0) @ prices
    lines[:, DEBT] = sheet.debt


@compiled
def sum_collateral(ledger: LedgerArrays, borrower: Ints, posted: Ints) -> None:
    """Write the tokens in all accounts of each borrower, shape (participants, tokens).

    Args:
        ledger: the market's.
        borrower: of each account, shape (accounts,).
        posted: gets the tokens.
    """
    balance, tokens = ledger.balance, posted.shape[1]
    for row in range(len(posted)):
        for token in range(tokens):
            posted[row, token] = 0
    for a in range(len(borrower)):
        row, who = account_row(ledger, a), borrower[unsigned(a)]
        for token in range(tokens):
            posted[who, token] += balance[row, token]


@compiled
def sum_exposures(accounts: Accounts, lines: Ints) -> None:
    """Write the lines of what is lent and borrowed, from exposures as they are."""
    for row in range(len(lines)):
        lines[row, LENT] = lines[row, BORROWED] = 0
    for a in range(len(accounts)):
        account = accounts[a]
        lines[account.lender, LENT] += account.exposure
        lines[account.borrower, BORROWED] += account.exposure


@compiled
def mark_accounts(books: Books, prices: Ints, titled: Bools, lines: Ints) -> None:
    """Write the lines that margin accounts make, of both parties, account by account.

    Args:
        books: the market's, whose exposures are marked at these prices already; of close-outs
            under way only what is still in the accounts counts.
        prices: in money units, shape (tokens,).
        titled: whether title to the collateral passes, shape (agreements,).
        lines: shape (participants, lines).
    """
    accounts = books.accounts
    for row in range(len(lines)):
        for line in (LENT, POSTED, RECEIVED, ISSUED, BORROWED, COLLATERAL_OWED, ISSUE_OWED):
            lines[row, line] = 0
    start = 0
    while start < len(accounts):
        end = min(start + VALUED_TOGETHER, len(accounts))
        value_tokens(books, prices, start, end)
        for a in range(start, end):
            account = accounts[a]
            lender, borrower = account.lender, account.borrower
            here, reused = books.worth[a - start], 0
            if len(books.reused):
                for token in range(len(prices)):
                    reused += prices[token] * books.reused[a, token]
            lines[lender, LENT] += account.exposure
            lines[borrower, BORROWED] += account.exposure
            if titled[account.agreement]:
                lines[lender, RECEIVED] += here
                lines[lender, COLLATERAL_OWED] += here + reused
            lines[borrower, POSTED] += here + reused + value_delivering(books, prices, a)
            if account.advanced:
                issued = prices[books.priority[account.agreement, 0]] * account.advanced
                lines[lender, ISSUED] += issued
                lines[borrower, ISSUE_OWED] += issued
        start = end
