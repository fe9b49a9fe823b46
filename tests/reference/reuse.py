"""Collateral that changes hands: into an account, back from it, and posted further."""

from __future__ import annotations

from collections.abc import Set

from reference.books import Account, Books, Tokens


def come_in(books: Books, account: Account, token: str, quantity: int) -> None:
    """Tokens enter an account; of the first priority, what the lender issued is redeemed first."""
    redeemed = min(quantity, account.issued) if token == account.first else 0
    account.issued -= redeemed
    books.use_capacity(account.lender, token, -redeemed)
    if redeemed:
        # Of an account in close-out at the prices of that.
        value = redeemed * (books.true_prices if account.closing else books.prices)[token]
        books.note("burn", account, account.lender, token, redeemed, value)
    account.held[token] += quantity - redeemed


def hand_over(books: Books, who: str, token: str, quantity: int) -> None:
    """Collateral comes back to its owner, who makes good first what it had posted further."""
    for account in books.accounts:
        if account.lender == who:
            owed = min(quantity, account.reused[token])
            account.reused[token] -= owed
            come_in(books, account, token, owed)
            quantity -= owed
    books.wallet[who][token] += quantity


def give_back(
    books: Books, account: Account, token: str, quantity: int, last_try: bool = True
) -> int:
    """Return tokens that the borrower is owed; gives how many went back."""
    there = min(quantity, account.held[token])
    account.held[token] -= there
    elsewhere = account.reused if account.reused[token] else account.invested
    replaced = min(quantity - there, elsewhere[token], books.wallet[account.lender][token])
    elsewhere[token] -= replaced
    books.wallet[account.lender][token] -= replaced
    hand_over(books, account.borrower, token, there + replaced)
    failed = quantity - there - replaced
    if failed and last_try:
        # Of an account in close-out at the prices of that.
        value = failed * (books.true_prices if account.closing else books.prices)[token]
        books.counted["return_fails"] += 1
        books.counted["return_fail_value"] += value
        books.note("return_fail", account, account.lender, token, failed, value)
    return there + replaced


def release(books: Books, account: Account, last_try: bool = True) -> None:
    """All collateral of an account without an open loan goes back, as far as it is there."""
    for token in books.tokens:
        if account.claim(token) > 0:
            moved = give_back(books, account, token, account.claim(token), last_try)
            if moved:
                books.counted["transfers"] += 1
                books.note("transfer", account, account.lender, token, moved)


class Reusable:
    """What may be posted further, as found when a phase starts."""

    def __init__(self, books: Books, hoarders: Set[str] = frozenset()):
        self.books = books
        self.left: list[tuple[Account, Tokens]] = []
        for account in books.accounts:
            rate = account.terms.reuse_rate
            if rate and account.closing is None and account.lender not in hoarders:
                allowed = {}
                for token in books.tokens:
                    received = account.held[token] + account.reused[token]
                    most = int(rate * received) - account.reused[token]
                    allowed[token] = max(min(most, account.held[token]), 0)
                self.left.append((account, allowed))

    def of(self, who: str, token: str) -> int:
        return sum(allowed[token] for account, allowed in self.left if account.lender == who)

    def take(self, who: str, token: str, quantity: int) -> None:
        """Take tokens out of accounts, the oldest first."""
        for account, allowed in self.left:
            if account.lender == who:
                taken = min(quantity, allowed[token])
                allowed[token] -= taken
                account.held[token] -= taken
                account.reused[token] += taken
                quantity -= taken


def longest_chain(books: Books) -> int:
    """Most participants in a row that post on what they received from the one before."""
    lenders = {a.lender for a in books.accounts if any(a.reused.values())}
    links: dict[str, set[str]] = {who: set() for who in lenders}
    for account in books.accounts:
        if account.borrower in lenders and account.lender in lenders:
            links[account.borrower].add(account.lender)

    def reach(who: str) -> set[str]:
        found, todo = {who}, [who]
        while todo:
            new = links[todo.pop()] - found
            found |= new
            todo.extend(new)
        return found

    # Participants that post on to each other in a circle count once each, and go together.
    reached = {who: reach(who) for who in lenders}

    def length(who: str) -> int:
        circle = {other for other in reached[who] if who in reached[other]}
        after = {other for member in circle for other in links[member]} - circle
        return len(circle) + max(map(length, after), default=0)

    return max(map(length, lenders), default=0)
