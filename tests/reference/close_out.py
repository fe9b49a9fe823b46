"""Defaults, the sale of a defaulter's collateral, and what is left of the claims."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reference.books import Account, Books, Closing, Tokens, counts
from reference.oracle import Oracle
from reference.reuse import hand_over
from reference.settlement import drop_instructions


def close_out(
    books: Books,
    oracle: Oracle,
    rules: Mapping[str, Any],
    scheduled: Iterable[str],
    equity: Mapping[str, int],
) -> None:
    """The end of a day: defaults are declared, collateral is sold, claims are netted."""
    period = rules.get("margin_period_of_risk", 2)
    declare_today(books, scheduled, period)
    sell(books, oracle, rules.get("sale", "end"))
    for one, other in pairs_ending(books):
        net(books, one, other)
    ruined = {
        who: max(books.day + period, books.day + 1)
        for who, lost in books.losses.items()
        if who in equity and who not in books.defaulted and lost and lost >= equity[who]
    }
    declare(books, ruined, dict.fromkeys(ruined, "contagion"))


def declare_today(books: Books, scheduled: Iterable[str], period: int) -> None:
    ends: Tokens = {}
    causes: dict[str, str] = {}
    for account in books.accounts:
        since = [owing for owing in owes_since(books, account) if owing is not None]
        who = account.borrower
        late = [day for day in since if books.day - day >= account.terms.grace]
        if late and who not in books.defaulted:
            end = max(min(late) - 1 + period, books.day)
            ends[who] = min(ends.get(who, end), end)
            causes[who] = "liquidity"
    for who in scheduled:
        if who not in books.defaulted:
            ends[who] = books.day + period
            causes[who] = "exogenous"
    declare(books, ends, causes)


def owes_since(books: Books, account: Account) -> list[int | None]:
    """Days since which the borrower has owed collateral, or what was lent."""
    if account.closing or not account.open_loans:
        return []
    due = [loan.maturity for loan in account.open_loans if loan.maturity is not None]
    return [account.unmet_since, *(day for day in due if day <= books.day)]


def declare(books: Books, ends: Mapping[str, int], causes: Mapping[str, str]) -> None:
    """Put participants in default together, and into close-out what they take part in."""
    for who in ends:
        books.defaulted[who] = (books.day, causes[who])
        books.counted[f"defaults_{causes[who]}"] += 1
        owed = sum(
            books.exposure(a)
            for a in books.accounts
            if a.borrower == who and (a.closing is None or a.closing.since == books.day)
        )
        books.counted["exposure_at_default"] += owed
        books.note("default", None, who, causes[who], 0, owed)
    for account in books.accounts:
        parties = [who for who in (account.lender, account.borrower) if who in ends]
        if parties and account.closing is None:
            drop_instructions(books, account)
    for account in books.accounts:
        parties = [who for who in (account.lender, account.borrower) if who in ends]
        if not parties:
            continue
        for loan in account.loans:
            if loan.state == "pending":
                loan.state = "closed out"
        end = max(ends[who] for who in parties)
        if account.closing is None and (account.open_loans or account.claims):
            account.closing = Closing(books.day, end, account.borrower in ends)
        elif account.closing and account.closing.since == books.day and account.open_loans:
            # Contagion on the day on which the other party defaulted.
            account.closing.end = max(account.closing.end, end)
            account.closing.of_borrower |= account.borrower in ends


def sell(books: Books, oracle: Oracle, how: str) -> None:
    """Sell today's part of the collateral of borrowers in default, all at one price."""
    parts: list[tuple[Account, Tokens, Tokens]] = []
    for account in books.accounts:
        closing = account.closing
        if closing is None or not closing.of_borrower or closing.end < books.day:
            continue
        if closing.end > books.day and (how == "end" or closing.since == books.day):
            continue
        left = closing.end - books.day + 1 if how == "parts" else 1
        sold = {t: -(-q // left) for t, q in account.held.items()}
        posted = {t: -(-q // left) for t, q in account.reused.items()}
        for token, quantity in sold.items():
            oracle.impact.sell(token, quantity)
        parts.append((account, sold, posted))
    books.true_prices = oracle.true_prices(books.day)
    for account, sold, posted in parts:
        assert account.closing is not None
        for token, quantity in sold.items():
            value = quantity * books.true_prices[token]
            account.held[token] -= quantity
            account.closing.proceeds += value
            books.wallet[account.lender][books.cash] += value
            books.counted["liquidated_value"] += value
            if quantity:
                books.note("liquidation", account, account.lender, token, quantity, value)
        for token, quantity in posted.items():
            account.reused[token] -= quantity
            value = quantity * books.true_prices[token]
            account.closing.proceeds += value
            books.counted["liquidated_value"] += value
        if account.closing.end == books.day:
            account.closing.proceeds -= account.issued * books.true_prices[account.first]
            account.issued = 0


def pairs_ending(books: Books) -> list[tuple[str, str]]:
    """Who nets with whom today."""
    found = []
    for account in books.accounts:
        if account.closing and account.closing.end == books.day:
            pair = tuple(sorted((account.lender, account.borrower)))
            if pair not in found:
                found.append(pair)
    return found  # type: ignore[return-value]


def net(books: Books, one: str, other: str) -> None:
    """End the close-out between two participants."""
    accounts = [a for a in books.accounts if a.closing and {a.lender, a.borrower} == {one, other}]
    claims: Tokens = counts()
    """What each has to get, in cash, from the other."""
    for account in accounts:
        assert account.closing is not None
        if account.closing.of_borrower:
            claim = books.true_exposure(account) - account.closing.proceeds
            claims[account.lender] += claim
            claims[account.borrower] -= claim
    for account in accounts:
        assert account.closing is not None
        if not account.closing.of_borrower:
            debt = books.true_exposure(account)
            against = min(max(claims[account.borrower], 0), debt)
            lacking = keep_and_return(books, account, debt - against)
            claims[account.borrower] += lacking - against
            claims[account.lender] -= lacking - against
    creditor, debtor = (one, other) if claims[one] > 0 else (other, one)
    amount = claims[creditor]
    since = {books.defaulted[who][0] for who in (one, other) if who in books.defaulted}
    first = {who for who in (one, other) if books.defaulted.get(who, (-1,))[0] == min(since)}
    if amount and debtor in first:
        books.losses[creditor] += amount
        books.counted["close_out_loss"] += amount
    elif amount:
        pay(books, debtor, creditor, amount)
        books.counted["close_out_surplus"] += amount
    for account in accounts:
        account.closing = None
        for loan in account.loans:
            if loan.state == "open":
                loan.state = "closed out"
        account.held.clear()
        account.reused.clear()
        account.issued = 0


def keep_and_return(books: Books, account: Account, kept: int) -> int:
    """A lender in default keeps collateral of a value; gives what the borrower lacks of the rest.

    Below zero, that is what the collateral is worth less than was to be kept.
    """
    lender, prices = account.lender, books.true_prices
    rest = books.true_worth(account.claims) - kept
    for token in books.tokens:
        replaced = min(account.reused[token], books.wallet[lender][token])
        books.wallet[lender][token] -= replaced
        account.held[token] += replaced
    there = sorted(books.tokens, key=lambda token: prices[token], reverse=True)
    for token in there:
        if rest > 0:
            quantity = min(account.held[token], rest // prices[token])
            account.held[token] -= quantity
            rest -= quantity * prices[token]
            hand_over(books, account.borrower, token, quantity)
    cheapest = next((token for token in reversed(there) if account.held[token]), None)
    if rest > 0 and cheapest:
        account.held[cheapest] -= 1
        hand_over(books, account.borrower, cheapest, 1)
        pay(books, account.borrower, lender, prices[cheapest] - rest)
        books.counted["close_out_surplus"] += prices[cheapest] - rest
        rest = 0
    for token in books.tokens:
        books.wallet[lender][token] += account.held[token]
    return rest


def pay(books: Books, payer: str, payee: str, amount: int) -> None:
    """Cash changes hands, minted as far as the payer has none."""
    lacking = max(amount - books.wallet[payer][books.cash], 0)
    books.wallet[payer][books.cash] -= amount - lacking
    books.wallet[payee][books.cash] += amount
