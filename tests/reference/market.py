"""The margin rules of `docs/replication.md`, one loan and one token at a time.

Written from the rules and not from `abm`: dicts of Python integers, exact fractions, no passes, no
re-use and no defaults. A lender's holding is signed, as in the paper: the tokens that it issued
beyond what it held count as negative.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

PAPER = {
    0: {"adjustment": "single", "settlement_lag": 1, "lender_issuance": True},
    1: {"adjustment": "single", "lender_issuance": True},
    2: {"adjustment": "multi"},
    3: {"adjustment": "single", "lender_issuance": True, "trigger": 0.02},
    4: {"adjustment": "multi", "trigger": 0.02},
}
"""The five models as the paper describes them (Table 1)."""


def whole(value: int, price: int, rounding: str) -> int:
    """How many tokens a value comes to."""
    return -(-value // price) if rounding == "up" else value // price


def whole_back(value: int, price: int, rounding: str, spare: int) -> int:
    """Number of tokens that go back: rounding up takes a quarter of the requirement at most."""
    up = whole(value, price, rounding)
    return up if up * price - value <= spare else value // price


@dataclass
class Account:
    """The collateral of one loan, or of all loans of a pair."""

    lender: str
    borrower: str
    terms: Mapping[str, Any]
    loans: list[dict[str, Any]]
    agreement: str | None = None
    held: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    unmet_before: bool = False
    value: int = 0
    """Collateral value as the paper measures it: after the day's moves, before the issuance."""

    @property
    def ratio(self) -> Fraction:
        """Required collateral per unit of loan."""
        if "margin_percentage" in self.terms:
            return Fraction(str(self.terms["margin_percentage"]))
        return 1 / (1 - Fraction(str(self.terms.get("haircut", 0.05))))

    def term(self, name: str, default: Any) -> Any:
        return self.terms.get(name, default)


class ReferenceMarket:
    """Runs a scenario table whose `loans` are given one by one with `lent` and `collateral`."""

    def __init__(self, table: Mapping[str, Any], prices: Sequence[Mapping[str, int]]):
        """Open the loans of a table on day 0.

        Args:
            table: the scenario, as a TOML file would hold it.
            prices: of each day, in smallest money units, without cash.
        """
        self.cash = table["money"]["currency"]
        self.prices = [{**day, self.cash: 1} for day in prices]
        self.tokens = tuple(self.prices[0])
        self.minting_days = table.get("participants", {}).get("minting_days", 0)
        self.day = 0
        self.wallet: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self.capacity: dict[str, dict[str, int]] = {}
        """Only of those whose capacity is limited."""
        self.mints: list[tuple[int, str, str, int]] = []
        self.deliveries: list[tuple[int, int, str, int]] = []
        self.returns: list[tuple[int, int, str, int]] = []
        for given in table.get("participants", {}).get("given", ()):
            for token, quantity in given.get("wallet", {}).items():
                self.wallet[given["name"]][token] += quantity
            if "issuance_capacity" in given:
                # Cash comes from outside the market and is limited only if it is named.
                limits = {self.cash: 10**30, **given["issuance_capacity"]}
                self.capacity[given["name"]] = limits
        self.accounts: list[Account] = []
        for given in sorted(table["loans"], key=lambda loan: loan["loan_id"]):
            self._open(table, given)
        for account in self.accounts:
            account.value = self.collateral_value(account)
        self.calls = 0
        self.unmet = 0

    def _open(self, table: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        name = given.get("agreement")
        terms = table["agreements"][name] if name else table.get("agreement", {})
        terms = {**PAPER.get(terms.get("model"), {}), **terms}
        loan = {"open": True, "maturity": len(self.prices), **given}
        for account in self.accounts:
            key = (account.agreement, account.lender, account.borrower)
            if terms.get("aggregated") and key == (name, loan["lender"], loan["borrower"]):
                account.loans.append(loan)
                break
        else:
            account = Account(loan["lender"], loan["borrower"], terms, [loan], name)
            self.accounts.append(account)
        for token, quantity in loan["collateral"].items():
            account.held[token] += quantity
        for token, quantity in loan["lent"].items():
            self.wallet[loan["borrower"]][token] += quantity

    @property
    def today(self) -> Mapping[str, int]:
        return self.prices[min(self.day, len(self.prices) - 1)]

    def collateral_value(self, account: Account) -> int:
        return sum(self.today[token] * n for token, n in account.held.items())

    def exposure(self, account: Account) -> int:
        return sum(
            self.today[token] * n
            for loan in account.loans
            if loan["open"]
            for token, n in loan["lent"].items()
        )

    def required(self, account: Account) -> int:
        exact = account.ratio * self.exposure(account)
        return -(-exact.numerator // exact.denominator)

    def in_transit(self, number: int) -> int:
        came = sum(q * self.today[t] for _, a, t, q in self.deliveries if a == number)
        goes = sum(q * self.today[t] for _, a, t, q in self.returns if a == number)
        return came - goes

    def gap(self, account: Account) -> Fraction:
        """The paper's gap, `(1-α)·C - L`."""
        if not any(loan["open"] for loan in account.loans):
            return Fraction(0)
        return account.value / account.ratio - self.exposure(account)

    def priority(self, account: Account) -> tuple[str, ...]:
        all_tokens = tuple(token for token in self.tokens if token != self.cash)
        order = tuple(account.term("priority", all_tokens))
        return order[:1] if account.term("adjustment", "multi") == "single" else order

    def can_mint(self, who: str, token: str) -> int:
        return self.capacity[who].get(token, 0) if who in self.capacity else 10**30

    def use_capacity(self, who: str, token: str, quantity: int) -> None:
        if who in self.capacity:
            self.capacity[who][token] = self.capacity[who].get(token, 0) - quantity

    def step(self) -> None:
        """One day, in the order of `architecture.md`."""
        self.day += 1
        self.calls = self.unmet = 0
        for due, who, token, quantity in self.mints:
            if due == self.day:
                self.wallet[who][token] += quantity
        self.mints = [mint for mint in self.mints if mint[0] > self.day]
        self.settle_instructions()
        self.settle_loans()
        wanting = self.make_returns()
        self.make_deliveries(wanting)

    def settle_instructions(self) -> None:
        returns, self.returns = self.returns, [r for r in self.returns if r[0] != self.day]
        for due, number, token, quantity in returns:
            if due == self.day:
                self.give_back(self.accounts[number], token, quantity)
        deliveries = self.deliveries
        self.deliveries = [d for d in deliveries if d[0] != self.day]
        for due, number, token, quantity in deliveries:
            if due == self.day:
                self.receive(self.accounts[number], token, quantity)

    def give_back(self, account: Account, token: str, quantity: int) -> None:
        """Return tokens, the lender issuing those that it does not hold as far as it can."""
        beyond = max(quantity - max(account.held[token], 0), 0)
        if beyond:
            issued = min(beyond, self.can_mint(account.lender, token))
            self.use_capacity(account.lender, token, issued)
            quantity += issued - beyond
        account.held[token] -= quantity
        self.wallet[account.borrower][token] += quantity

    def receive(self, account: Account, token: str, quantity: int) -> None:
        """Collateral comes in; what the lender had issued can be issued again."""
        repaid = min(quantity, max(-account.held[token], 0))
        self.use_capacity(account.lender, token, -repaid)
        account.held[token] += quantity

    def settle_loans(self) -> None:
        """Loans that mature: what was lent goes back, and with the last one the collateral."""
        due = [
            (loan["loan_id"], loan, number)
            for number, account in enumerate(self.accounts)
            for loan in account.loans
            if loan["open"] and loan["maturity"] <= self.day
        ]
        for _, loan, number in sorted(due, key=lambda entry: entry[0]):
            account = self.accounts[number]
            wallet = self.wallet[account.borrower]
            lacking = {t: max(q - wallet[t], 0) for t, q in loan["lent"].items()}
            if any(
                q and (self.minting_days or q > self.can_mint(account.borrower, t))
                for t, q in lacking.items()
            ):
                continue
            for token, quantity in lacking.items():
                self.use_capacity(account.borrower, token, quantity)
                wallet[token] += quantity
            for token, quantity in loan["lent"].items():
                wallet[token] -= quantity
                self.wallet[account.lender][token] += quantity
            loan["open"] = False
            if any(other["open"] for other in account.loans):
                continue
            for _, _, token, quantity in [d for d in self.deliveries if d[1] == number]:
                wallet[token] += quantity
            self.deliveries = [d for d in self.deliveries if d[1] != number]
            self.returns = [r for r in self.returns if r[1] != number]
            for token in self.tokens:
                # Tokens that the lender had issued come back; who lacks them has them minted.
                self.use_capacity(account.lender, token, min(account.held[token], 0))
                wallet[token] = max(wallet[token] + account.held[token], 0)
                account.held[token] = 0

    def make_returns(self) -> list[int]:
        """Call every account, and make the returns; gives those called for deliveries."""
        wanting = []
        for number, account in enumerate(self.accounts):
            account.value = self.collateral_value(account)
            exposure, ratio = self.exposure(account), account.ratio
            if not any(loan["open"] for loan in account.loans):
                continue
            effective = account.value + self.in_transit(number)
            missing = self.required(account) - effective
            if abs(missing) < account.term("minimum_transfer_amount", 0):
                continue
            trigger = Fraction(str(account.term("trigger", 0)))
            gap = effective / ratio - exposure
            short = gap < -trigger * exposure or (account.unmet_before and missing > 0)
            if trigger == 0:
                self.calls += 1
                if missing < 0:
                    self.return_excess(number, -missing)
                elif missing > 0:
                    wanting.append(number)
            elif short:
                self.calls += 1
                wanting.append(number)
            elif gap > trigger * exposure:
                self.calls += 1
                self.return_excess(number, -missing)
        return wanting

    def return_excess(self, number: int, excess: int) -> None:
        account = self.accounts[number]
        spare = self.required(account) // 4
        rounding = account.term("return_rounding", "down")
        lag = account.term("settlement_lag", 0)
        priority = self.priority(account)
        for token in reversed(priority):
            leaving = sum(q for _, a, t, q in self.returns if a == number and t == token)
            free = max(max(account.held[token], 0) - leaving, 0)
            quantity = min(whole_back(excess, self.today[token], rounding, spare), free)
            self.move_back(number, token, quantity, lag)
            account.value -= 0 if lag else quantity * self.today[token]
            excess -= quantity * self.today[token]
            if quantity < free or excess <= 0:
                return
        if account.term("lender_issuance", False):
            token = priority[0]
            quantity = whole_back(excess, self.today[token], rounding, spare)
            self.move_back(number, token, quantity, lag)

    def move_back(self, number: int, token: str, quantity: int, lag: int) -> None:
        if lag:
            self.returns.append((self.day + lag, number, token, quantity))
        else:
            self.give_back(self.accounts[number], token, quantity)

    def make_deliveries(self, wanting: Sequence[int]) -> None:
        pending: dict[tuple[str, str], int] = defaultdict(int)
        for _, who, token, quantity in self.mints:
            pending[who, token] += quantity
        for number, account in enumerate(self.accounts):
            account.unmet_before = False
            if number in wanting:
                self.deliver(number, account, pending)

    def deliver(self, number: int, account: Account, pending: dict[tuple[str, str], int]) -> None:
        who, wallet = account.borrower, self.wallet[account.borrower]
        rounding = account.term("delivery_rounding", "up")
        lag = account.term("settlement_lag", 0)
        missing = self.required(account) - self.collateral_value(account) - self.in_transit(number)
        priority = self.priority(account)
        chosen: dict[str, int] = defaultdict(int)
        planned, complete = missing, False
        for source in ("wallet", "mint"):
            for token in priority:
                if planned <= 0 or complete:
                    break
                wanted = whole(planned, self.today[token], rounding)
                there = (
                    wallet[token]
                    if source == "wallet"
                    else self.can_mint(who, token) + pending[who, token]
                )
                chosen[token] += min(wanted, there)
                planned -= min(wanted, there) * self.today[token]
                complete = wanted <= there
        for token, quantity in chosen.items():
            lacking = max(quantity - wallet[token], 0)
            expected = min(lacking, pending[who, token])
            pending[who, token] -= expected
            self.use_capacity(who, token, lacking - expected)
            if self.minting_days:
                if lacking > expected:
                    due = self.day + self.minting_days
                    self.mints.append((due, who, token, lacking - expected))
                quantity -= lacking
            else:
                wallet[token] += lacking
            wallet[token] -= quantity
            missing -= quantity * self.today[token]
            if lag:
                self.deliveries.append((self.day + lag, number, token, quantity))
            else:
                self.receive(account, token, quantity)
                account.value += quantity * self.today[token]
        # Less than a token is what rounding down leaves open.
        least = 1 if rounding == "up" else max(self.today[token] for token in priority)
        account.unmet_before = missing >= least
        self.unmet += missing >= least
