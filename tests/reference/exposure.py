"""What lenders stand to lose, account by account, in exact numbers."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from reference.books import Account, Books
from reference.schedules import counted


def left(books: Books, account: Account) -> int:
    """What there is against a loan: its collateral, and in a close-out what the rest fetched."""
    fetched = account.closing.proceeds if account.closing else 0
    return books.worth(account.claims) + fetched


def uncollateralised(books: Books, account: Account) -> int:
    return max(books.exposure(account) - left(books, account), 0)


def gap(books: Books, account: Account) -> Fraction:
    """After haircut where the account is margined, and as it is in a close-out."""
    if account.closing:
        return Fraction(left(books, account) - books.exposure(account))
    value = counted(books, account, in_transit=False)
    return value / account.terms.ratio - books.exposure(account)


def in_the_morning(books: Books) -> dict[str, Fraction]:
    """After the prices and before any movement."""
    live = [account for account in books.accounts if account.open_loans]
    margined = [account for account in live if not account.closing]
    return {
        "lent_before": Fraction(sum(books.exposure(account) for account in live)),
        "gap_before": sum((gap(books, account) for account in margined), Fraction(0)),
        "requirement_shortfall_before": sum(
            (max(-gap(books, account), Fraction(0)) for account in margined), Fraction(0)
        ),
        "uncollateralised_before": Fraction(sum(to_whom(books).values())),
    }


def to_whom(books: Books) -> Counter[str]:
    """What is lent above its collateral, by borrower."""
    found: Counter[str] = Counter()
    for account in books.accounts:
        if account.open_loans:
            found[account.borrower] += uncollateralised(books, account)
    return found


def in_close_outs(books: Books) -> dict[str, Fraction]:
    """At the end of the day."""
    closing = [account for account in books.accounts if account.closing and account.open_loans]
    return {
        "close_out_exposure": Fraction(sum(books.exposure(account) for account in closing)),
        "close_out_gap": sum((gap(books, account) for account in closing), Fraction(0)),
        "uncollateralised_close_out": Fraction(
            sum(uncollateralised(books, account) for account in closing)
        ),
    }
