"""Balance sheets: what is outside the ledger, what is traded there, and what everybody is worth.

What is asked of trades is here; how they are made, who is funded no longer and what becomes of
cash collateral is in `outside`, `funding` and `reinvestment`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from math import ceil, floor
from typing import Any, NamedTuple

from reference.books import UNLIMITED, Books, Tokens, counts
from reference.funding import Funding
from reference.margining import deliver_all, margin_run
from reference.oracle import Oracle
from reference.outside import Outside
from reference.reinvestment import Reinvestment
from reference.settlement import settle
from reference.short_sales import ShortSales

WITHOUT_END = 2 * UNLIMITED


class Worth(NamedTuple):
    """What a balance sheet comes to at some prices."""

    assets: int
    liabilities: int
    risky: int
    """Assets other than cash and what sales bring."""
    cash: int

    @property
    def equity(self) -> int:
        return self.assets - self.liabilities

    def is_levered_above(self, limit: float) -> bool:
        """Whether assets other than cash over equity are above this; endless without equity."""
        if self.equity <= 0:
            return self.risky > 0
        return self.risky > Fraction(str(limit)) * self.equity


class Sheets:
    """Keeps those of all participants; what is outside is their capacity, less what goes beyond."""

    def __init__(
        self,
        books: Books,
        oracle: Oracle,
        table: Mapping[str, Any],
        roles: Mapping[str, str],
        equity: Mapping[str, int],
        used: Mapping[str, Tokens],
    ):
        self.books, self.oracle, self.names = books, oracle, sorted(roles)
        self.rules = {
            who: table["balance"].get(who) or table["balance"].get(role) or {}
            for who, role in roles.items()
        }
        self.outside = Outside(books, oracle, table.get("assets", {}), self.names)
        agreement = table.get("agreement", {}).get("transfer")
        self.titled = {None: agreement == "title"} | {
            name: terms.get("transfer") == "title" for name, terms in table["agreements"].items()
        }
        self.funding = Funding(books, oracle, self.rules)
        self.reinvestment = Reinvestment(self.outside, self.rules, self.titled)
        self.debt, self.equity = counts(), counts()
        self.given: dict[str, Tokens] = {who: counts() for who in self.names}
        self.losses: Tokens = counts()
        self.shorts = ShortSales(self.outside, self.rules)
        self._open(equity, used)

    def _open(self, equity: Mapping[str, int], used: Mapping[str, Tokens]) -> None:
        books, cash, allowed = self.books, self.books.cash, self.outside.allowed
        for who in self.names:
            rules = self.rules[who]
            given, line = rules.get("outside"), rules.get("credit_line", "unlimited")
            for token in books.tokens:
                capacity = books.capacity.get(who, {}).get(token, UNLIMITED)
                if isinstance(given, Mapping):
                    capacity = given.get(token, 0)
                elif given is not None:
                    capacity = floor(Fraction(str(given)) * used[who][token])
                elif capacity >= UNLIMITED:
                    endless = token != cash or line == "unlimited"
                    allowed[who][token] = capacity = WITHOUT_END if endless else 0
                books.capacity.setdefault(who, {})[token] = capacity
            self._use_funds(who, rules)
        self.reinvestment.open()
        for who in self.names:
            rules = self.rules[who]
            line = rules.get("credit_line", "unlimited")
            if line != "unlimited":
                credit = floor(Fraction(str(line)) * self.worth(who, books.prices).assets)
                allowed[who][cash] += credit
                books.capacity[who][cash] += credit
            worth = self.worth(who, books.prices)
            wanted = equity.get(who)
            if "leverage" in rules:
                wanted = floor(worth.risky / Fraction(str(rules["leverage"])))
            if wanted is not None:
                self.equity[who] = wanted
                self.debt[who] = max(worth.equity - wanted, 0)
                books.capacity[who][cash] += max(wanted - worth.equity, 0)
        self.drawn = {who: self.outside.credit(who) for who in self.names}

    def _use_funds(self, who: str, rules: Mapping[str, Any]) -> None:
        books, cash, borrowed = self.books, self.books.cash, counts()
        for account in books.accounts:
            for loan in account.open_loans if account.borrower == who else ():
                for token, quantity in loan.lent.items():
                    borrowed[token] += quantity
        goods = [token for token in books.tokens if token != cash]
        for token in goods:
            here = min(borrowed[token], books.wallet[who][token])
            sold = floor(Fraction(str(rules.get("short", 0))) * here)
            books.wallet[who][token] -= sold
            books.capacity[who][cash] += sold * books.prices[token]
        part = Fraction(str(rules.get("invest", 0))) / len(goods)
        spendable = part * min(borrowed[cash], books.wallet[who][cash])
        for token in goods:
            bought = floor(spendable / books.prices[token])
            books.capacity[who][token] += bought
            books.wallet[who][cash] -= bought * books.prices[token]

    def worth(self, who: str, prices: Mapping[str, int]) -> Worth:
        """All lines of a balance sheet, each at these prices."""
        books, cash, outside = self.books, self.books.cash, self.outside

        def value(tokens: Mapping[str, int]) -> int:
            return sum(prices[token] * n for token, n in tokens.items())

        money = books.wallet[who][cash] + outside.position(who, cash)
        money += outside.minting(who, cash) + outside.credit(who)
        risky = value(self.reinvestment.held(who))
        for token in books.tokens:
            if token != cash:
                mine = outside.position(who, token) + outside.minting(who, token)
                mine += outside.to_come(who, token)
                risky += prices[token] * (books.wallet[who][token] + mine)
        owed = self.debt[who] + outside.credit(who)
        for account in books.accounts:
            lends, borrows = account.lender == who, account.borrower == who
            if not (lends or borrows):
                continue
            lent = sum(value(loan.lent) for loan in account.open_loans)
            held, reused = value(account.held), value(account.reused) + value(account.invested)
            under_way = sum(
                prices[d.token] * d.quantity for d in books.deliveries if d.account is account
            )
            fetched = account.closing.proceeds if account.closing else 0
            issued = account.issued * prices[account.first]
            titled = self.titled[account.agreement]
            risky += lends * (lent + issued + titled * held)
            risky += borrows * (held + reused + under_way + fetched)
            owed += lends * (titled * (held + reused) + fetched) + borrows * (lent + issued)
        return Worth(money + outside.to_come(who, cash) + risky, owed, risky, money)

    def begin(self) -> Tokens:
        """What was traded arrives, and what is due of placements is paid."""
        self.outside.arrive()
        return self.reinvestment.redeem()

    def morning(self) -> None:
        """Before prices are published: everybody sells and buys."""
        paid = self.begin()
        self.funding.observe()
        self.outside.trade(self.shorts.buy_ins(), at_once=True)
        books, prices, orders = self.books, self.oracle.true_prices(self.books.day), {}
        due, ending = self.due()
        for who in self.names:
            if who in books.defaulted:
                continue
            orders[who] = self.raising(who, due[who], prices)
            for token, sold in self.deleveraging(who, prices).items():
                if orders[who][token] <= 0:
                    orders[who][token] = min(orders[who][token], -sold)
            self.shorts.sell(who, orders[who], due[who])
        self.shorts.clear()
        selling = {who for who, mine in orders.items() if min(mine.values(), default=0) < 0}
        idle = selling | books.defaulted
        for who, bought in self.reinvestment.invest(paid, idle, ending).items():
            for token, quantity in bought.items():
                orders[who][token] += quantity
        self.outside.trade(orders)

    def mark(self) -> None:
        """Once prices are published: what was given is entered, and everybody is marked."""
        self.contribute()
        self.note_marks()

    def note_marks(self) -> None:
        """By which funding is decided on."""
        self.funding.marks = {who: self.worth(who, self.books.prices) for who in self.names}

    def due(self) -> tuple[dict[str, Tokens], set[int]]:
        """What is to be returned before a trade of today settles.

        And the accounts, by their first loans, whose invested cash goes back by then.
        """
        books = self.books
        need: dict[str, Tokens] = defaultdict(counts)
        back, ended = counts(), set()
        for account in books.accounts:
            ending = [
                loan
                for loan in (account.open_loans if account.closing is None else ())
                if loan.maturity is not None and loan.maturity <= books.day + self.outside.ahead
                if loan.at_maturity != "roll" or loan.maturity < books.day
            ]
            for loan in ending:
                for token, quantity in loan.lent.items():
                    need[account.borrower][token] += quantity
            if ending:
                need[account.borrower][account.first] += account.issued
            lender = account.lender
            if self.reinvestment.ending(account, ending) and self.rules[lender].get("raises_funds"):
                back[lender] += account.invested[books.cash]
                ended.add(account.loan_id)
        for who, amount in back.items():
            need[who][books.cash] += max(amount - self.reinvestment.coming(who), 0)
        return need, ended

    def raising(self, who: str, need: Mapping[str, int], prices: Mapping[str, int]) -> Tokens:
        """Buy what is needed and not there, and sell for what that and the cash needed lack."""
        books, cash, outside, orders = self.books, self.books.cash, self.outside, counts()
        if not self.rules[who].get("raises_funds"):
            return orders
        at_hand = {
            token: books.wallet[who][token]
            + outside.there(who, token)
            + outside.to_come(who, token)
            for token in books.tokens
        }
        lacking = need.get(cash, 0) - at_hand[cash] - outside.undrawn(who)
        spare = {}
        for token in books.tokens:
            if token != cash:
                orders[token] = max(need.get(token, 0) - at_hand[token], 0)
                lacking += orders[token] * prices[token]
                left = at_hand[token] - need.get(token, 0)
                spare[token] = max(min(outside.there(who, token), left), 0)
        for token, sold in self.sales(who, max(lacking, 0), spare, prices).items():
            orders[token] -= sold
        return orders

    def deleveraging(self, who: str, prices: Mapping[str, int]) -> Tokens:
        """Above the limit: sell down to the target."""
        rules, worth = self.rules[who], self.worth(who, prices)
        limit = rules.get("leverage_limit")
        if limit is None or not worth.is_levered_above(limit):
            return {}
        keeps = Fraction(str(rules.get("leverage_target", limit))) * max(worth.equity, 0)
        tokens = [token for token in self.books.tokens if token != self.books.cash]
        there = {token: self.outside.there(who, token) for token in tokens}
        return self.sales(who, worth.risky - keeps, there, prices)

    def sales(
        self, who: str, value: Fraction | int, there: Tokens, prices: Mapping[str, int]
    ) -> Tokens:
        """Tokens worth a value, in the order of liquidation; of one place the same part of each."""
        order = list(self.rules[who].get("liquidation", ()))
        places = [[token] for token in order] + [[t for t in there if t not in order]]
        sold, left = counts(), Fraction(value)
        for place in places:
            worth = sum(there[token] * prices[token] for token in place)
            if worth and left > 0:
                part = min(left / worth, Fraction(1))
                for token in place:
                    sold[token] = ceil(part * there[token])
            left -= worth
        return sold

    def meet_calls(self) -> None:
        """Raise funds for what calls left unmet, and lenders could not return."""
        books, need = self.books, defaultdict[str, Tokens](counts)
        for account in books.accounts:
            if account.missing and account.closing is None:
                priority = account.terms.priority
                token = books.cash if books.cash in priority else account.first
                need[account.borrower][token] += -(-account.missing // books.prices[token])
        for who in self.reinvestment.names:
            need[who][books.cash] += self.reinvestment.lacking(who)
        prices = self.oracle.true_prices(books.day)
        self.outside.trade(
            {
                who: self.raising(who, need[who], prices)
                for who in need
                if who not in books.defaulted
            }
        )

    def settle(self) -> None:
        """Loans settle, and lenders return what they have invested."""
        with self.reinvestment.cash_at_hand():
            settle(self.books, self.funding.decide, self.funding.hoarders)

    def margin_run(self) -> None:
        """Calls, returns and deliveries."""
        with self.reinvestment.cash_at_hand():
            wanting = margin_run(self.books)
        deliver_all(self.books, wanting, self.funding.hoarders)

    def take(self, who: str, token: str, quantity: int) -> None:
        """What is minted for a loan that begins comes from outside, or is contributed."""
        taken = min(quantity, self.outside.there(who, token))
        self.books.capacity[who][token] -= taken
        self.given[who][token] += quantity - taken

    def contribute(self) -> None:
        """What was minted without limit beyond what there was is given."""
        for who in self.names:
            value = self.books.worth(self.given[who])
            self.given[who].clear()
            for token in self.books.tokens:
                beyond = max(-self.outside.position(who, token), 0)
                if self.outside.allowed[who][token] == WITHOUT_END and beyond:
                    self.books.capacity[who][token] += beyond
                    value += beyond * self.books.prices[token]
            if value:
                self.books.note("contribution", None, who, value=value)

    def end(self) -> None:
        """The evening, before close-outs."""
        self.contribute()
        for who in self.names:
            drawn = self.outside.credit(who) - self.drawn[who]
            if drawn:
                self.books.note("credit", None, who, value=drawn)
        self._enter_equity()

    def after_close_outs(self) -> None:
        self.drawn = {who: self.outside.credit(who) for who in self.names}
        self._enter_equity()

    def _enter_equity(self) -> None:
        self.losses = dict(self.books.losses)
        for who in self.equity:
            self.equity[who] = self.worth(who, self.books.prices).equity

    def ruined(self) -> dict[str, str]:
        """Whose equity is gone, and why: by losses, if there would be some without them."""
        found = {}
        for who, evening in self.equity.items():
            lost = self.books.losses[who]
            left = evening - lost + self.losses.get(who, 0)
            if left <= 0 and who not in self.books.defaulted:
                found[who] = "contagion" if left + lost > 0 else "insolvency"
        return found

    def bring_in(self, who: str) -> None:
        """An estate pays debt to outside first; the rest comes into its wallet."""
        books, cash = self.books, self.books.cash
        placed = self.reinvestment.held(who)
        there = {t: self.outside.there(who, t) + placed[t] for t in books.tokens}
        for day in self.reinvestment.placed.values():
            day[who].clear()
        owed = self.debt[who] + max(-self.outside.position(who, cash), 0)
        paid = min(owed, there[cash])
        there[cash] -= paid
        owed -= paid
        worth = sum(n * books.true_prices[token] for token, n in there.items() if token != cash)
        part = min(Fraction(owed, worth), Fraction(1)) if worth else Fraction(0)
        for token, quantity in there.items():
            given = ceil(part * quantity) if token != cash else 0
            owed -= given * books.true_prices[token]
            books.wallet[who][token] += quantity - given
            books.capacity[who][token] = self.outside.allowed[who][token] = 0
        self.debt[who] = max(owed, 0)
