"""Dividends of a day, and what is manufactured for them, as `docs/rules.md` has it."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import floor

from reference.books import Books


def dividends(books: Books, amounts: Mapping[str, Fraction]) -> tuple[dict[str, int], int]:
    """What each party has got less paid today, in money units, and what the world outside paid."""
    earned: dict[str, int] = dict.fromkeys(books.wallet, 0)
    outside = 0

    def pay(payer: str | None, payee: str, token: str, quantity: int) -> None:
        nonlocal outside
        money = floor(quantity * amounts.get(token, Fraction(0)) + Fraction(1, 2))
        earned[payee] = earned.get(payee, 0) + money
        if payer is None:
            outside += money
        else:
            earned[payer] = earned.get(payer, 0) - money

    for who, wallet in books.wallet.items():
        for token, number in wallet.items():
            pay(None, who, token, number)
    for account in books.accounts:
        for token in books.tokens:
            pay(None, account.lender, token, account.held[token])
            sent = [each for each in books.deliveries if each.account is account]
            under_way = sum(each.quantity for each in sent if each.token == token)
            pay(None, account.borrower, token, under_way)
            if account.closing:
                continue
            pay(account.lender, account.borrower, token, account.claim(token))
            for loan in account.open_loans:
                pay(account.borrower, account.lender, token, loan.lent.get(token, 0))
    return earned, outside
