"""Balance sheets: what is outside the ledger, what is traded there, and what everybody is worth.

Funding, uses of funds, trades and their settlement, raising funds, deleveraging; withdrawal of
funding, hoarding and reinvestment are not written here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from math import ceil, floor
from typing import Any, NamedTuple

from reference.books import UNLIMITED, Books, Tokens, counts
from reference.oracle import Oracle

Orders = dict[str, Tokens]
"""Tokens to buy, negative to sell, of each participant."""

WITHOUT_END = 2 * UNLIMITED


class Worth(NamedTuple):
    """What a balance sheet comes to at some prices."""

    assets: int
    liabilities: int
    risky: int
    """Assets other than cash and what sales bring."""

    @property
    def equity(self) -> int:
        return self.assets - self.liabilities


class Sheets:
    """Keeps those of all participants; what is outside is their capacity, less what goes beyond."""

    def __init__(
        self,
        books: Books,
        oracle: Oracle,
        table: Mapping[str, Any],
        roles: Mapping[str, str],
        equity: Mapping[str, int],
    ):
        self.books, self.oracle, self.names = books, oracle, sorted(roles)
        self.rules = {
            who: table["balance"].get(who) or table["balance"].get(role) or {}
            for who, role in roles.items()
        }
        self.days = dict.fromkeys(books.tokens, 2)
        for kind in table.get("assets", {}).values():
            for token in kind["tokens"]:
                self.days[token] = kind.get("settlement_days", 2)
        self.days[books.cash] = 0
        self.ahead = max(1, *self.days.values())
        """Days that somebody looks ahead, to trade for what will be due."""
        agreement = table.get("agreement", {}).get("transfer")
        self.titled = {None: agreement == "title"} | {
            name: terms.get("transfer") == "title" for name, terms in table["agreements"].items()
        }
        self.allowed: dict[str, Tokens] = {who: counts() for who in self.names}
        """How far what is outside may go below zero."""
        self.unsettled: dict[int, Orders] = defaultdict(lambda: defaultdict(counts))
        """What arrives on a day."""
        self.debt, self.equity = counts(), counts()
        self.given: dict[str, Tokens] = {who: counts() for who in self.names}
        self.losses: Tokens = counts()
        self.shorted: dict[str, Tokens] = {who: counts() for who in self.names}
        """Tokens that went outside to be sold on the next morning."""
        self._open(equity)

    def outside(self, who: str, token: str) -> int:
        """Below zero of cash where credit is drawn."""
        return self.books.capacity[who][token] - self.allowed[who][token]

    def there(self, who: str, token: str) -> int:
        return max(self.outside(who, token), 0)

    def _open(self, equity: Mapping[str, int]) -> None:
        books, cash = self.books, self.books.cash
        for who in self.names:
            rules = self.rules[who]
            given, line = rules.get("outside"), rules.get("credit_line", "unlimited")
            for token in books.tokens:
                capacity = books.capacity.get(who, {}).get(token, UNLIMITED)
                if given is not None:
                    capacity = given.get(token, 0) if given else 0
                elif capacity >= UNLIMITED:
                    endless = token != cash or line == "unlimited"
                    self.allowed[who][token] = capacity = WITHOUT_END if endless else 0
                books.capacity.setdefault(who, {})[token] = capacity
            self._use_funds(who, rules)
            if line != "unlimited":
                credit = floor(Fraction(str(line)) * self.worth(who, books.prices).assets)
                self.allowed[who][cash] += credit
                books.capacity[who][cash] += credit
            worth = self.worth(who, books.prices)
            wanted = equity.get(who)
            if "leverage" in rules:
                wanted = floor(worth.risky / Fraction(str(rules["leverage"])))
            if wanted is not None:
                self.equity[who] = wanted
                self.debt[who] = max(worth.equity - wanted, 0)
                books.capacity[who][cash] += max(wanted - worth.equity, 0)
        self.drawn = {who: self.credit(who) for who in self.names}

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

    def minting(self, who: str, token: str) -> int:
        return sum(m.quantity for m in self.books.mintings if (m.who, m.token) == (who, token))

    def credit(self, who: str) -> int:
        cash = self.books.cash
        return max(-self.outside(who, cash) - self.minting(who, cash), 0)

    def worth(self, who: str, prices: Mapping[str, int]) -> Worth:
        """All lines of a balance sheet, each at these prices."""
        books, cash = self.books, self.books.cash

        def value(tokens: Mapping[str, int]) -> int:
            return sum(prices[token] * n for token, n in tokens.items())

        money = books.wallet[who][cash] + self.outside(who, cash) + self.minting(who, cash)
        money += self.credit(who) + sum(day[who][cash] for day in self.unsettled.values())
        risky = 0
        for token in books.tokens:
            if token != cash:
                to_come = sum(day[who][token] for day in self.unsettled.values())
                mine = self.outside(who, token) + self.minting(who, token) + to_come
                risky += prices[token] * (books.wallet[who][token] + mine)
        owed = self.debt[who] + self.credit(who)
        for account in books.accounts:
            lends, borrows = account.lender == who, account.borrower == who
            if not (lends or borrows):
                continue
            lent = sum(value(loan.lent) for loan in account.open_loans)
            held, reused = value(account.held), value(account.reused)
            under_way = sum(
                prices[d.token] * d.quantity for d in books.deliveries if d.account is account
            )
            fetched = account.closing.proceeds if account.closing else 0
            issued = account.issued * prices[account.first]
            titled = self.titled[account.agreement]
            risky += lends * (lent + issued + titled * held)
            risky += borrows * (held + reused + under_way + fetched)
            owed += lends * (titled * (held + reused) + fetched) + borrows * (lent + issued)
        return Worth(money + risky, owed, risky)

    def arrive(self) -> None:
        """What was traded long enough ago."""
        prices = self.oracle.true_prices(self.books.day)
        for who, tokens in self.unsettled.pop(self.books.day, {}).items():
            for token, quantity in tokens.items():
                self.books.capacity[who][token] += quantity
                if quantity:
                    value = quantity * prices[token]
                    self.books.note("trade_settlement", None, who, token, quantity, value)

    def begin(self) -> None:
        """The morning, before prices are published."""
        self.arrive()
        self.trade(self.buy_ins(), at_once=True)
        prices, orders = self.oracle.true_prices(self.books.day), {}
        due = self.due()
        for who in self.names:
            if who in self.books.defaulted:
                continue
            orders[who] = self.raising(who, due[who], prices)
            for token, sold in self.deleveraging(who, prices).items():
                if orders[who][token] <= 0:
                    orders[who][token] = min(orders[who][token], -sold)
            raises = bool(self.rules[who].get("raises_funds"))
            for token, sold in self.shorted[who].items():
                if orders[who][token] <= 0:
                    spare = max(self.there(who, token) - raises * due[who][token], 0)
                    orders[who][token] = min(orders[who][token], -min(sold, spare))
        for tokens in self.shorted.values():
            tokens.clear()
        self.trade(orders)

    def buy_ins(self) -> Orders:
        """What lenders buy in that has failed to come back for too long."""
        books, need = self.books, defaultdict[str, Tokens](counts)
        for account in books.accounts:
            days = self.rules[account.lender].get("buy_in_days", UNLIMITED)
            late = account.open_loans if account.closing is None else []
            for loan in late if account.borrower not in books.defaulted else ():
                for token, quantity in loan.lent.items() if loan.failed >= days else ():
                    need[account.borrower][token] += quantity
        for who, tokens in need.items():
            for token in tokens:
                coming = sum(day[who][token] for day in self.unsettled.values())
                there = books.wallet[who][token] + self.there(who, token) + coming
                tokens[token] = max(tokens[token] - there, 0) if token != books.cash else 0
        return need

    def sell_begun(self) -> None:
        """Part of what was borrowed today goes outside, to be sold on the next morning."""
        borrowed = defaultdict[str, Tokens](counts)
        for account in self.books.accounts:
            for loan in account.open_loans:
                for token, quantity in loan.lent.items() if loan.opened == self.books.day else ():
                    borrowed[account.borrower][token] += quantity
        for who, tokens in borrowed.items():
            part = Fraction(str(self.rules[who].get("short", 0)))
            for token, quantity in tokens.items():
                if token != self.books.cash:
                    sold = floor(part * min(quantity, self.books.wallet[who][token]))
                    self.books.wallet[who][token] -= sold
                    self.books.capacity[who][token] += sold
                    self.shorted[who][token] += sold

    def due(self) -> dict[str, Tokens]:
        """What is to be returned before a trade of today settles."""
        need: dict[str, Tokens] = defaultdict(counts)
        until = self.books.day + self.ahead
        for account in self.books.accounts:
            ending = [
                loan
                for loan in (account.open_loans if account.closing is None else ())
                if loan.maturity is not None and loan.maturity <= until
                if loan.at_maturity != "roll"
            ]
            for loan in ending:
                for token, quantity in loan.lent.items():
                    need[account.borrower][token] += quantity
            if ending:
                need[account.borrower][account.first] += account.issued
        return need

    def raising(self, who: str, need: Mapping[str, int], prices: Mapping[str, int]) -> Tokens:
        """Buy what is needed and not there, and sell for what that and the cash needed lack."""
        books, cash, orders = self.books, self.books.cash, counts()
        if not self.rules[who].get("raises_funds"):
            return orders
        at_hand = {
            token: books.wallet[who][token]
            + self.there(who, token)
            + sum(day[who][token] for day in self.unsettled.values())
            for token in books.tokens
        }
        lacking = need.get(cash, 0) - at_hand[cash]
        lacking -= self.allowed[who][cash] + min(self.outside(who, cash), 0)
        spare = {}
        for token in books.tokens:
            if token != cash:
                orders[token] = max(need.get(token, 0) - at_hand[token], 0)
                lacking += orders[token] * prices[token]
                left = at_hand[token] - need.get(token, 0)
                spare[token] = max(min(self.there(who, token), left), 0)
        for token, sold in self.sales(who, max(lacking, 0), spare, prices).items():
            orders[token] -= sold
        return orders

    def deleveraging(self, who: str, prices: Mapping[str, int]) -> Tokens:
        """Above the limit: sell down to the target."""
        rules, worth = self.rules[who], self.worth(who, prices)
        limit = rules.get("leverage_limit")
        if limit is None or worth.risky <= limit * max(worth.equity, 0):
            return {}
        keeps = Fraction(str(rules.get("leverage_target", limit))) * max(worth.equity, 0)
        tokens = [token for token in self.books.tokens if token != self.books.cash]
        there = {token: self.there(who, token) for token in tokens}
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
        """Raise funds for what calls left unmet."""
        books, need = self.books, defaultdict[str, Tokens](counts)
        for account in books.accounts:
            if account.missing and account.closing is None:
                priority = account.terms.priority
                token = books.cash if books.cash in priority else account.first
                need[account.borrower][token] += -(-account.missing // books.prices[token])
        prices = self.oracle.true_prices(books.day)
        self.trade(
            {
                who: self.raising(who, need[who], prices)
                for who in need
                if who not in books.defaulted
            }
        )

    def trade(self, orders: Orders, at_once: bool = False) -> None:
        """Sell and buy together, at the prices that all of it leaves."""
        usual, bought_as = self.days, "buy_in" if at_once else "purchase"
        if at_once:
            self.days = dict.fromkeys(usual, 0)
        books, cash = self.books, self.books.cash
        before = self.oracle.true_prices(books.day)
        sales: Orders = {}
        buys: Orders = {}
        for who, order in orders.items():
            sales[who] = {t: min(max(-n, 0), self.there(who, t)) for t, n in order.items()}
            money = books.wallet[who][cash] + books.capacity[who][cash]
            buys[who], spent = {}, 0
            for token in books.tokens:
                together = (t for t in sales[who] if self.days[t] == self.days[token])
                brought = sum(sales[who][t] * before[t] for t in together)
                most = max(money - spent + brought, 0) // before[token]
                buys[who][token] = min(max(order.get(token, 0), 0), most)
                spent += buys[who][token] * before[token]
        for token in books.tokens:
            net = sum(sales[who].get(token, 0) - buys[who][token] for who in orders)
            self.oracle.impact.sell(token, net)
        prices = books.true_prices = self.oracle.true_prices(books.day)
        for who in orders:
            for token, quantity in sales[who].items():
                books.capacity[who][token] -= quantity
                self._enter(who, token, cash, quantity * prices[token])
                self._note("sale", who, token, quantity, prices)
        for token in books.tokens:
            dropped = 0
            for who in orders:
                bought = self._buy(who, token, buys[who][token], prices[token])
                dropped += buys[who][token] - bought
                self._note(bought_as, who, token, bought, prices)
            self.oracle.impact.sell(token, dropped)
        books.true_prices = self.oracle.true_prices(books.day)
        self.days = usual

    def _enter(self, who: str, traded: str, token: str, quantity: int) -> None:
        """What a trade brings arrives after the settlement of what is traded."""
        days = self.days[traded]
        if days:
            self.unsettled[self.books.day + days][who][token] += quantity
        else:
            self.books.capacity[who][token] += quantity

    def _buy(self, who: str, token: str, wanted: int, price: int) -> int:
        """Pay with what sales bring by then, cash outside, the wallet, and credit."""
        books, cash = self.books, self.books.cash
        arrival = (
            self.unsettled[books.day + self.days[token]][who] if self.days[token] else counts()
        )
        money = arrival[cash] + books.wallet[who][cash] + books.capacity[who][cash]
        bought = min(wanted, max(money, 0) // price)
        left = bought * price
        netted = min(left, arrival[cash])
        arrival[cash] -= netted
        left -= netted
        outside = min(left, self.there(who, cash))
        wallet = min(left - outside, books.wallet[who][cash])
        books.wallet[who][cash] -= wallet
        books.capacity[who][cash] -= left - wallet
        self._enter(who, token, token, bought)
        return bought

    def _note(self, kind: str, who: str, token: str, n: int, prices: Mapping[str, int]) -> None:
        if n:
            self.books.note(kind, None, who, token, n, n * prices[token])
            side = "sold" if kind == "sale" else "bought"
            self.books.counted[f"outside_{side}_value"] += n * prices[token]

    def take(self, who: str, token: str, quantity: int) -> None:
        """What is minted for a loan that begins comes from outside, or is contributed."""
        taken = min(quantity, self.there(who, token))
        self.books.capacity[who][token] -= taken
        self.given[who][token] += quantity - taken

    def contribute(self) -> None:
        """What was minted without limit beyond what there was is given."""
        for who in self.names:
            value = self.books.worth(self.given[who])
            self.given[who].clear()
            for token in self.books.tokens:
                beyond = max(-self.outside(who, token), 0)
                if self.allowed[who][token] == WITHOUT_END and beyond:
                    self.books.capacity[who][token] += beyond
                    value += beyond * self.books.prices[token]
            if value:
                self.books.note("contribution", None, who, value=value)

    def end(self) -> None:
        """The evening, before close-outs."""
        self.contribute()
        for who in self.names:
            drawn = self.credit(who) - self.drawn[who]
            if drawn:
                self.books.note("credit", None, who, value=drawn)
        self._enter_equity()

    def after_close_outs(self) -> None:
        self.drawn = {who: self.credit(who) for who in self.names}
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
        there = {token: self.there(who, token) for token in books.tokens}
        owed = self.debt[who] + max(-self.outside(who, cash), 0)
        paid = min(owed, there[cash])
        there[cash] -= paid
        owed -= paid
        worth = sum(n * books.true_prices[token] for token, n in there.items() if token != cash)
        part = min(Fraction(owed, worth), Fraction(1)) if worth else Fraction(0)
        for token, quantity in there.items():
            given = ceil(part * quantity) if token != cash else 0
            owed -= given * books.true_prices[token]
            books.wallet[who][token] += quantity - given
            books.capacity[who][token] = self.allowed[who][token] = 0
        self.debt[who] = max(owed, 0)
