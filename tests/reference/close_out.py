"""Defaults, the sale of a defaulter's collateral, and what is left of the claims."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from reference.books import Account, Books, Closing, Tokens, counts
from reference.estates import book_claim, pay_out
from reference.oracle import Oracle
from reference.reuse import give_back
from reference.settlement import finish_instructions


def close_out(
    books: Books,
    oracle: Oracle,
    rules: Mapping[str, Any],
    scheduled: Iterable[str],
    ruined: Callable[[], Mapping[str, str]],
    bring_in: Callable[[str], None],
) -> None:
    """The end of a day: defaults are declared, collateral is sold, claims are netted."""
    period = rules.get("margin_period_of_risk", 2)
    declare_today(books, scheduled, period)
    sell(books, oracle, rules.get("sale", "end"))
    for one, other in pairs_ending(books):
        net(books, one, other)
    pay_out(books, oracle, rules, bring_in)
    causes = ruined()
    declare(books, dict.fromkeys(causes, books.day + max(period, 1)), causes)


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
    live = [account for account in books.accounts if account.closing is None]
    for who in ends:
        books.defaulted.add(who)
        books.counted[f"defaults_{causes[who]}"] += 1
        owed = sum(books.exposure(account) for account in live if account.borrower == who)
        books.counted["exposure_at_default"] += owed
        books.note("default", None, who, cause=causes[who], value=owed)
    for account in live:
        estates = {account.lender, account.borrower} & ends.keys()
        if estates:
            end = max(ends[who] for who in estates)
            account.closing = Closing(books.day, end, frozenset(estates))
            finish_instructions(books, account)
    for account in live:
        if account.closing and not account.open_loans and not account.claims:
            end_account(account)


def sell(books: Books, oracle: Oracle, how: str) -> None:
    """Sell today's part of the collateral of borrowers in default, all at one price."""
    sales: list[tuple[Account, Tokens]] = []
    for account in books.accounts:
        closing = account.closing
        if closing is None or account.borrower not in closing.estates:
            continue
        if closing.end > books.day and (how == "end" or closing.since == books.day):
            continue
        parts = closing.end - books.day + 1
        quantities = {token: -(-held // parts) for token, held in account.held.items()}
        for token, quantity in quantities.items():
            oracle.impact.sell(token, quantity)
        sales.append((account, quantities))
    books.true_prices = oracle.true_prices(books.day)
    for account, quantities in sales:
        assert account.closing is not None
        for token, quantity in quantities.items():
            value = quantity * books.true_prices[token]
            account.held[token] -= quantity
            books.wallet[account.lender][books.cash] += value
            account.closing.proceeds += value
            books.counted["liquidated_value"] += value
            if quantity and token != books.cash:
                books.note("liquidation", account, account.lender, token, quantity, value)
        if account.closing.end == books.day:
            bought = books.true_worth(account.reused) + books.true_worth(account.invested)
            account.closing.proceeds += bought
            books.counted["liquidated_value"] += bought
            account.closing.proceeds -= account.issued * books.true_prices[account.first]
            account.reused.clear()
            account.invested.clear()
            account.issued = 0


def pairs_ending(books: Books) -> list[tuple[str, str]]:
    """Who nets with whom today."""
    found: list[tuple[str, str]] = []
    for account in books.accounts:
        if account.closing and account.closing.end == books.day:
            one, other = sorted((account.lender, account.borrower))
            if (one, other) not in found:
                found.append((one, other))
    return found


def net(books: Books, one: str, other: str) -> None:
    """End the close-out between two participants."""
    accounts = [a for a in books.accounts if a.closing and {a.lender, a.borrower} == {one, other}]
    estates = {who for a in accounts if a.closing for who in a.closing.estates}
    claim: Tokens = counts()
    """What each has to get from the other."""
    surplus: Tokens = counts()
    """What the sale of each one's collateral brought beyond its loans."""

    def owe(debtor: str, creditor: str, amount: int) -> None:
        claim[creditor] += amount
        claim[debtor] -= amount

    for account in accounts:
        if account.closing and account.borrower in estates:
            short = books.true_exposure(account) - account.closing.proceeds
            owe(account.borrower, account.lender, short)
            surplus[account.borrower] -= short
    for account in accounts:
        if account.borrower not in estates:
            debt = books.true_exposure(account)
            against = min(max(claim[account.borrower], 0), debt)
            lacking = unwind(books, account, debt - against)
            owe(account.borrower, account.lender, against)
            owe(account.lender, account.borrower, lacking)
    creditor, debtor = (one, other) if claim[one] > 0 else (other, one)
    paid = claim[creditor]
    if debtor in estates:
        # An estate pays only what the sale of the creditor's own collateral brought it.
        paid = min(max(surplus[creditor], 0), paid) if creditor in estates else 0
    lost = claim[creditor] - paid
    pay(books, debtor, creditor, paid)
    book_claim(books, debtor, creditor, lost, accounts[0])
    books.counted["close_out_surplus"] += paid
    books.counted["residual_claims"] += lost
    books.counted["close_out_loss"] += lost
    if estates == {one, other}:
        party = creditor if lost else debtor if paid else accounts[0].borrower
    else:
        (party,) = {one, other} - estates
    books.note("close_out", accounts[0], party, value=-lost if lost else paid)
    for account in accounts:
        end_account(account)


def end_account(account: Account) -> None:
    """Nothing is left of an account."""
    account.closing, account.issued = None, 0
    for tokens in (account.held, account.reused, account.invested):
        tokens.clear()
    for loan in account.loans:
        if loan.state in ("open", "pending"):
            loan.state = "closed out"


def unwind(books: Books, account: Account, kept: int) -> int:
    """A lender in default keeps collateral of a value, and gives back the rest.

    Gives what the borrower lacks of the rest; below zero, that is what it gets too much, or what
    the collateral is worth less than was to be kept.
    """
    prices = books.true_prices
    rest = books.true_worth(account.claims) - kept
    there = {token: account.owed_back(token) for token in books.tokens}
    back = counts()
    for token in sorted(there, key=lambda token: -prices[token]):
        back[token] = min(max(rest, 0) // prices[token], there[token])
        rest -= back[token] * prices[token]
    left = [token for token in there if back[token] < there[token]]
    if rest > 0 and left:
        cheapest = min(left, key=lambda token: prices[token])
        back[cheapest] += 1
        rest -= prices[cheapest]
    for token, quantity in back.items():
        rest += (quantity - give_back(books, account, token, quantity)) * prices[token]
    for token in books.tokens:
        books.wallet[account.lender][token] += account.held[token]
    return rest


def pay(books: Books, payer: str, payee: str, amount: int) -> None:
    """Cash changes hands, minted as far as the payer has none."""
    books.wallet[payer][books.cash] -= min(amount, books.wallet[payer][books.cash])
    books.wallet[payee][books.cash] += amount
