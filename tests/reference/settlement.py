"""The morning: what settles, loans that are repaid, rolled, replaced or recalled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from fractions import Fraction
from typing import NamedTuple

from reference.books import Account, Books, Loan, Terms
from reference.delivery import deliver, plan_delivery, under_way
from reference.margining import issue
from reference.reuse import Reusable, come_in, give_back, hand_over, release
from reference.schedules import counted, one_of


class Fate(NamedTuple):
    """What becomes of a loan that is due."""

    how: str
    terms: Terms | None = None
    """Those of its account once it is repaid, if they change."""


Decide = Callable[[list[tuple[Account, Loan]]], Mapping[int, Fate]]
"""What becomes of loans that are due, by their identifiers."""


def as_agreed(due: list[tuple[Account, Loan]]) -> dict[int, Fate]:
    """What the loans say themselves."""
    return {loan.loan_id: Fate(loan.at_maturity) for _, loan in due}


def settle(books: Books, decide: Decide = as_agreed, hoarders: Set[str] = frozenset()) -> None:
    """All that settles before the day's calls, of tokens that are there."""
    settle_instructions(books)
    due = [
        (loan.maturity, account, loan)
        for account in books.accounts
        for loan in account.loans
        if loan.state == "open" and loan.maturity is not None and loan.maturity <= books.day
        if account.closing is None
    ]
    fates = decide([(account, loan) for _, account, loan in due])
    # Those that have been due for longest come first.
    for _, account, loan in sorted(due, key=lambda entry: entry[0]):
        mature(books, account, loan, fates[loan.loan_id])
    release_ended(books)
    open_replacements(books, hoarders)


def arrive(books: Books) -> None:
    """Tokens whose minting takes until today."""
    for minting in books.mintings:
        if minting.due == books.day:
            books.wallet[minting.who][minting.token] += minting.quantity
    books.mintings = [minting for minting in books.mintings if minting.due > books.day]


Take = Callable[[str, str, int], None]
"""Is told of who has so many of a token minted for a loan that begins."""


def begin_loans(books: Books, take: Take) -> None:
    """Loans that begin today, against assets deposited for the purpose."""
    for account in books.accounts:
        for loan in account.loans if account.closing is None else ():
            if loan.state == "pending" and loan.opened == books.day:
                begin(books, account, loan, take)


def begin(books: Books, account: Account, loan: Loan, take: Take) -> None:
    posted = collateral_of(books, account, loan)
    for who, tokens in ((account.lender, loan.lent), (account.borrower, posted)):
        for token, quantity in tokens.items():
            if quantity:
                books.note("mint", account, who, token, quantity)
                books.wallet[who][token] += quantity
                take(who, token, quantity)
    hand_lent(books, account, loan, account.lender, account.borrower)
    for token, quantity in posted.items():
        if quantity:
            books.wallet[account.borrower][token] -= quantity
            account.held[token] += quantity
            books.counted["transfers"] += 1
            books.note("transfer", account, account.borrower, token, quantity)
    note_opening(books, account, loan)


def note_opening(books: Books, account: Account, loan: Loan) -> None:
    loan.state = "open"
    books.counted["loans_opened"] += 1
    worth = books.worth(loan.lent)
    books.note("open", account, account.lender, loan_id=loan.loan_id, value=worth)


def collateral_of(books: Books, account: Account, loan: Loan) -> dict[str, int]:
    """What is posted for a loan that begins."""
    if loan.collateral is not None:
        return dict(loan.collateral)
    terms, schedule = account.own, account.own.schedule
    required = terms.ratio * books.worth(loan.lent)
    value = -(-required.numerator // required.denominator)
    by_default = terms.eligible
    if schedule is not None:
        entries = {token: schedule.deciding(token, books.date) for token in by_default}
        some = {token: entry for token, entry in entries.items() if entry is not None}
        fit = tuple(token for token, entry in some.items() if entry.get("is_included", True))
        by_default = fit or by_default
    shares = loan.composition or dict.fromkeys(by_default, 1)
    total = sum(Fraction(str(share)) for share in shares.values())
    order = [t for t in (*terms.eligible, *books.tokens) if shares.get(t)]
    one = {token: max(one_of(books, terms, token), 1) for token in books.tokens}
    posted = {
        token: int(value * Fraction(str(shares[token])) / total // one[token])
        for token in dict.fromkeys(order[1:])
        if token != order[0]
    }
    rest = max(value - sum(one[token] * n for token, n in posted.items()), 0)
    return {**posted, order[0]: -(-rest // one[order[0]])}


def settle_instructions(books: Books) -> None:
    """All returns, then all deliveries."""
    for order in (r for r in books.returns if r.due == books.day):
        account, quantity = order.account, order.quantity
        owed = min(quantity, account.owed_back(order.token))
        moved = give_back(books, account, order.token, owed)
        if quantity > owed:
            issued = min(quantity - owed, books.can_mint(account.lender, account.first))
            issue(books, account, issued)
            moved += issued
        books.note("settlement", account, account.lender, order.token, -moved)
    for order in (d for d in books.deliveries if d.due == books.day):
        come_in(books, order.account, order.token, order.quantity)
        who = order.account.borrower
        books.note("settlement", order.account, who, order.token, order.quantity)
    books.returns = [r for r in books.returns if r.due > books.day]
    books.deliveries = [d for d in books.deliveries if d.due > books.day]


def finish_instructions(books: Books, account: Account) -> None:
    """A party is in default: what was delivered is final and arrives, returns are not made."""
    arriving = [d for d in books.deliveries if d.account is account]
    books.deliveries = [d for d in books.deliveries if d.account is not account]
    books.returns = [r for r in books.returns if r.account is not account]
    for order in arriving:
        come_in(books, account, order.token, order.quantity)
        value = order.quantity * books.true_prices[order.token]
        who = account.borrower
        books.note("settlement", account, who, order.token, order.quantity, value)


def drop_instructions(books: Books, account: Account) -> None:
    """What is in transit goes back to its sender."""
    dropped = [d for d in books.deliveries if d.account is account]
    books.deliveries = [d for d in books.deliveries if d.account is not account]
    books.returns = [r for r in books.returns if r.account is not account]
    for order in dropped:
        hand_over(books, account.borrower, order.token, order.quantity)


def mature(books: Books, account: Account, loan: Loan, fate: Fate) -> None:
    """A loan is due."""
    if fate.how == "roll":
        loan.maturity, loan.failed = books.day + loan.term, 0
        books.counted["loans_rolled"] += 1
        books.note("roll", account, account.lender, loan_id=loan.loan_id)
        return
    who = account.borrower
    last = account.open_loans == [loan]
    owed = dict(loan.lent)
    if last and account.issued:
        owed[account.first] = owed.get(account.first, 0) + account.issued
    lacking = {t: max(q - books.wallet[who][t], 0) for t, q in owed.items()}
    if any(q and (books.minting_days or q > books.can_mint(who, t)) for t, q in lacking.items()):
        loan.failed += 1
        books.counted["recall_fails"] += 1
        books.note("recall_fail", account, who, loan_id=loan.loan_id)
        return
    for token, quantity in lacking.items():
        books.mint(account, who, token, quantity)
    books.counted["borrower_issuances"] += any(lacking.values())
    books.counted["borrower_issued_value"] += books.worth(lacking)
    hand_lent(books, account, loan, who, account.lender)
    if last and account.issued:
        books.wallet[who][account.first] -= account.issued
        come_in(books, account, account.first, account.issued)
    loan.state, loan.failed = "settled", 0
    books.counted["loans_settled"] += 1
    books.note("settle", account, account.lender, loan_id=loan.loan_id)
    if fate.how == "replace":
        account.terms = fate.terms or account.terms
        # It keeps its place in the order, and gets the next free identifier.
        loan.loan_id = 1 + max(other.loan_id for a in books.accounts for other in a.loans)
        loan.state, loan.opened, loan.maturity = "pending", books.day, books.day + loan.term
    if last:
        account.unmet_since = None
        drop_instructions(books, account)
        release(books, account, last_try=False)


def hand_lent(books: Books, account: Account, loan: Loan, giver: str, taker: str) -> None:
    """What is lent changes hands."""
    for token, quantity in loan.lent.items():
        if quantity:
            books.wallet[giver][token] -= quantity
            books.wallet[taker][token] += quantity
            books.counted["transfers"] += 1
            books.note("transfer", account, giver, token, quantity)


def release_ended(books: Books) -> None:
    """What could not go back when its loans ended is tried again."""
    for account in books.accounts:
        if account.closing is None and not account.open_loans:
            release(books, account)


def open_replacements(books: Books, hoarders: Set[str]) -> None:
    """Repaid loans open again once both legs are there."""
    reusable = Reusable(books, hoarders)
    pending = [
        (loan.opened, account, loan)
        for account in books.accounts
        for loan in account.loans
        if loan.state == "pending" and loan.opened <= books.day and account.closing is None
    ]
    for _, account, loan in sorted(pending, key=lambda entry: entry[0]):
        open_again(books, account, loan, reusable)


def open_again(books: Books, account: Account, loan: Loan, reusable: Reusable) -> None:
    lender = account.lender
    lacking = {t: max(q - books.wallet[lender][t], 0) for t, q in loan.lent.items()}
    if any(q and (books.minting_days or q > books.can_mint(lender, t)) for t, q in lacking.items()):
        return
    loan.state = "open"
    shortfall = books.required(account) - counted(books, account)
    asked = under_way(books)
    plan = plan_delivery(books, account, max(shortfall, 0), reusable, asked)
    loan.state = "pending"
    if not plan.met:
        return
    deliver(books, account, plan, reusable, asked, lag=0)
    for token, quantity in lacking.items():
        books.mint(account, lender, token, quantity)
    hand_lent(books, account, loan, lender, account.borrower)
    loan.opened, loan.maturity = books.day, books.day + loan.term
    note_opening(books, account, loan)


def recall(books: Books, loan_ids: Iterable[int], notice: int) -> None:
    """Lenders recall open-ended loans, which are due when the notice ends."""
    chosen = set(loan_ids)
    for account in books.accounts:
        for loan in account.open_loans if account.closing is None else ():
            if loan.loan_id in chosen and loan.maturity is None:
                loan.maturity = books.day + notice
                books.counted["recalls"] += 1
                books.note("recall", account, account.lender, loan_id=loan.loan_id)
