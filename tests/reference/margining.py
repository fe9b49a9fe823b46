"""Calls of a day, and the returns that they give rise to."""

from __future__ import annotations

from collections.abc import Set

from reference.books import Account, Books, Instruction, counts
from reference.delivery import deliver, plan_delivery, plan_shares, under_way, whole
from reference.reuse import Reusable, give_back, hand_over
from reference.schedules import Standing, counted, is_eligible, one_of


def whole_back(value: int, price: int, rounding: str, spare: int) -> int:
    """Tokens that go back: rounding up takes a quarter of the requirement at most."""
    up = whole(value, price, rounding)
    return up if up * price - value <= spare else value // price


def margin_run(books: Books) -> list[tuple[Account, int]]:
    """Call every account, and make the returns; gives those who are to deliver, and how much."""
    wanting = []
    for account in books.accounts:
        account.issued_today = account.missing = 0
        account.to_return = False
        if account.closing or not account.open_loans:
            continue
        excess = called(books, account)
        if excess is None:
            account.unmet_since = None
            continue
        value = abs(excess)
        books.counted["margin_calls"] += 1
        books.note("call", account, account.lender, value=excess)
        if account.terms.every_call_issues:
            books.counted["lender_issuances"] += 1
        if excess < 0:
            books.counted["delivery_calls"] += 1
            books.counted["delivery_call_value"] += value
            wanting.append((account, value))
            continue
        account.unmet_since = None
        if excess > 0:
            account.to_return = True
            books.counted["return_calls"] += 1
            books.counted["return_call_value"] += value
            return_excess(books, account, value)
    return wanting


def deliver_all(books: Books, wanting: list[tuple[Account, int]], hoarders: Set[str]) -> None:
    """Make the deliveries of a day."""
    reusable, asked = Reusable(books, hoarders), under_way(books)
    plans = plan_shares(books, wanting, reusable, asked)
    for account, missing in wanting:
        plan = plans.get(account.loan_id)
        plan = plan or plan_delivery(books, account, missing, reusable, asked)
        deliver(books, account, plan, reusable, asked, account.terms.lag)
        if plan.met:
            account.unmet_since = None
        else:
            account.unmet_since = account.unmet_since or books.day
            account.missing = plan.missing
            books.counted["unmet_calls"] += 1
            books.counted["unmet_value"] += plan.missing
            books.note("unmet_call", account, account.borrower, value=plan.missing)


def called(books: Books, account: Account) -> int | None:
    """What a call moves: an excess, or a shortfall as a negative number. None without a call."""
    terms, exposure = account.terms, books.exposure(account)
    value = counted(books, account)
    excess = value - books.required(account)
    if abs(excess) < terms.minimum:
        return None
    if terms.trigger == 0:
        return excess
    standing = account.unmet_since is not None and excess < 0
    lower = (1 - terms.trigger) * terms.ratio * exposure
    upper = (1 + terms.trigger) * terms.ratio * exposure
    return excess if excess and (standing or not lower <= value <= upper) else None


def free_of(books: Books, account: Account) -> dict[str, int]:
    """Tokens that are still to go back and have not been instructed to."""
    free = {token: account.owed_back(token) for token in books.tokens}
    for order in books.returns:
        free[order.token] -= order.quantity * (order.account is account)
    return free


def plan_return(books: Books, account: Account, excess: int) -> tuple[dict[str, int], int]:
    """What goes back, and the value that is left when all is exhausted."""
    terms, moved = account.terms, counts()
    free = free_of(books, account)
    turns = [{token: free[token] for token in reversed(terms.priority)}]
    enough = excess
    if terms.schedule is not None:
        there = Standing(books, account)
        enough = there.within - books.required(account)
        order = [*(t for t in books.tokens if t not in terms.priority)][::-1]
        order += reversed(terms.priority)
        not_eligible = {t: free[t] for t in order if not is_eligible(books, account, t)}
        beyond = {t: min(there.beyond(t), free[t]) for t in turns[0] if t not in not_eligible}
        rest = {t: free[t] - beyond[t] for t in beyond}
        turns = [not_eligible, beyond, rest]
    for number, turn in enumerate(turns, 1):
        excess = min(excess, enough) if number == len(turns) else excess
        for token, most in turn.items():
            if excess <= 0:
                break
            if most <= 0:
                continue
            one = one_of(books, terms, token)
            if most * one <= excess:
                quantity = most
            else:
                spare = books.required(account) // 4
                quantity = whole_back(excess, one, terms.return_rounding, spare)
            moved[token] += quantity
            excess = excess - quantity * one if most * one <= excess else 0
    return {token: n for token, n in moved.items() if n}, excess


def return_excess(books: Books, account: Account, excess: int) -> None:
    terms = account.terms
    spare = books.required(account) // 4
    moved, left_over = plan_return(books, account, excess)
    blocked = not moved and left_over == 0
    issued = 0
    if left_over > 0 and terms.lender_issuance:
        one = max(one_of(books, terms, account.first), 1)
        issued = whole_back(left_over, one, terms.return_rounding, spare)
        if not terms.lag:
            issued = min(issued, books.can_mint(account.lender, account.first))
    books.counted["blocked_returns"] += blocked
    if terms.lag:
        for token in {*moved, account.first}:
            quantity = moved.get(token, 0) + (issued if token == account.first else 0)
            if quantity:
                due = books.day + terms.lag
                books.returns.append(Instruction(due, account, token, quantity))
    else:
        moved = {token: give_back(books, account, token, q) for token, q in moved.items()}
        issue(books, account, issued)
        account.issued_today = issued
    for token, quantity in (*moved.items(), (account.first, issued)):
        note_return(books, account, token, quantity)
    value = books.worth(moved) + issued * books.prices[account.first]
    books.counted["returned_value"] += value
    books.counted["returns"] += value > 0


def note_return(books: Books, account: Account, token: str, quantity: int) -> None:
    if quantity:
        books.counted["transfers"] += 1
        books.note("return", account, account.lender, token, quantity)


def issue(books: Books, account: Account, quantity: int) -> None:
    """The lender issues tokens of the first priority to complete a return."""
    if not quantity:
        return
    books.use_capacity(account.lender, account.first, quantity)
    books.note("mint", account, account.lender, account.first, quantity)
    account.issued += quantity
    hand_over(books, account.borrower, account.first, quantity)
    books.counted["lender_issuances"] += not account.terms.every_call_issues
    books.counted["lender_issued_value"] += quantity * books.prices[account.first]
