"""What the plain market knows: wallets, accounts, loans, and what is counted in a day."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from reference.schedules import Schedule

UNLIMITED = 10**30

PAPER = {
    0: {
        "adjustment": "single",
        "settlement_lag": 1,
        "lender_issuance": True,
        "every_call_issues": True,
    },
    1: {"adjustment": "single", "lender_issuance": True},
    2: {"adjustment": "multi"},
    3: {"adjustment": "single", "lender_issuance": True, "trigger": 0.02},
    4: {"adjustment": "multi", "trigger": 0.02},
}
"""The five models as the paper describes them (Table 1)."""

Tokens = dict[str, int]


def counts() -> Tokens:
    return defaultdict(int)


class Terms:
    """An agreement, in exact numbers."""

    def __init__(
        self,
        given: Mapping[str, Any],
        tokens: tuple[str, ...],
        cash: str,
        schedule: Schedule | None = None,
    ):
        self.schedule = schedule
        terms = {**PAPER.get(given.get("model"), {}), **given}  # type: ignore[call-overload]
        if "margin_percentage" in terms:
            self.ratio = Fraction(str(terms["margin_percentage"]))
        else:
            self.ratio = 1 / (1 - Fraction(str(terms.get("haircut", 0.05))))
        """Required collateral per unit of loan."""
        self.trigger = Fraction(str(terms.get("trigger", 0)))
        self.minimum: int = terms.get("minimum_transfer_amount", 0)
        self.delivery_rounding: str = terms.get("delivery_rounding", "up")
        self.return_rounding: str = terms.get("return_rounding", "down")
        self.lag: int = terms.get("settlement_lag", 0)
        self.lender_issuance: bool = terms.get("lender_issuance", False)
        self.every_call_issues: bool = terms.get("every_call_issues", False)
        self.aggregated: bool = terms.get("aggregated", False)
        title = terms.get("transfer", "pledge") == "title"
        self.reuse_rate = Fraction(str(terms.get("reuse_rate", 0))) if title else Fraction(0)
        self.grace: int = terms.get("grace_days", 0)
        order = tuple(terms.get("priority", [token for token in tokens if token != cash]))
        single = terms.get("adjustment", "multi") == "single"
        self.eligible: tuple[str, ...] = order
        self.priority = order[:1] if single else order

    def at_haircut(self, haircut: Fraction) -> Terms:
        """The same at another haircut."""
        raised = copy(self)
        raised.ratio = 1 / (1 - haircut)
        return raised


@dataclass
class Loan:
    loan_id: int
    lent: Tokens
    at_maturity: str
    term: int
    maturity: int | None
    """None for an open-ended loan that nobody has recalled."""
    opened: int = 0
    failed: int = 0
    """Days on which it has not been returned."""
    state: str = "pending"
    collateral: Tokens | None = None
    """What is posted when it begins, if that was agreed in tokens ..."""
    composition: Mapping[str, Any] | None = None
    """... or else its shares by value; all eligible tokens alike if not given."""


@dataclass
class Account:
    """The collateral of one loan, or of all loans of a pair under one agreement."""

    loan_id: int
    """Of its first loan."""
    lender: str
    borrower: str
    agreement: str | None
    terms: Terms
    own: Terms
    """Those of its agreement, where a haircut was raised."""
    loans: list[Loan] = field(default_factory=list)
    held: Tokens = field(default_factory=counts)
    """Tokens that are there."""
    reused: Tokens = field(default_factory=counts)
    """Tokens that the lender has posted further, and owes back to the account."""
    invested: Tokens = field(default_factory=counts)
    """Cash that the lender has invested outside the ledger, and owes back to the account."""
    issued: int = 0
    """Tokens of the first priority that the lender issued, and the borrower owes to it."""
    issued_today: int = 0
    """What the lender issued on today's call, after the gap was measured."""
    unmet_since: int | None = None
    missing: int = 0
    """Of today's call, if it is unmet."""
    to_return: bool = False
    """Whether today's call is for a return."""
    closing: Closing | None = None

    @property
    def open_loans(self) -> list[Loan]:
        return [loan for loan in self.loans if loan.state == "open"]

    @property
    def first(self) -> str:
        return self.terms.priority[0]

    def owed_back(self, token: str) -> int:
        """What came from the borrower, wherever it is."""
        return self.held[token] + self.reused[token] + self.invested[token]

    def claim(self, token: str) -> int:
        """What the borrower is owed of a token, or owes."""
        return self.owed_back(token) - (self.issued if token == self.first else 0)

    @property
    def claims(self) -> Tokens:
        every = {*self.held, *self.reused, *self.invested, self.first}
        return {token: self.claim(token) for token in every if self.claim(token)}


@dataclass
class Closing:
    """An account that is being closed out."""

    since: int
    end: int
    estates: frozenset[str]
    """The party whose default closes it out, or both if they were declared together."""
    proceeds: int = 0


@dataclass
class Instruction:
    """Collateral that was instructed and settles later."""

    due: int
    account: Account
    token: str
    quantity: int


@dataclass
class Minting:
    """Tokens that were asked for and arrive later."""

    due: int
    who: str
    token: str
    quantity: int


class Books:
    """Everything that is so at a moment."""

    def __init__(self, tokens: tuple[str, ...], cash: str, minting_days: int):
        self.tokens, self.cash, self.minting_days = tokens, cash, minting_days
        self.day, self.start = 0, date.min
        self.prices: Tokens = {}
        """Published today."""
        self.true_prices: Tokens = {}
        self.accounts: list[Account] = []
        self.wallet: dict[str, Tokens] = defaultdict(counts)
        self.capacity: dict[str, Tokens] = {}
        """Only of those whose capacity is limited."""
        self.mintings: list[Minting] = []
        self.deliveries: list[Instruction] = []
        self.returns: list[Instruction] = []
        self.defaulted: set[str] = set()
        self.losses: Tokens = counts()
        """Less what has been recovered."""
        self.recovered: Tokens = counts()
        self.residual: dict[tuple[str, str], int] = defaultdict(int)
        """What an estate still owes a creditor after its close-outs."""
        self.claimed_in: dict[tuple[str, str], Account] = {}
        """The first account of the close-out in which that arose."""
        self.settled_on: dict[str, int] = {}
        """Day of somebody's last close-out."""
        self.counted: Counter[str] = Counter()
        self.events: Counter[tuple[Any, ...]] = Counter()

    @property
    def date(self) -> date:
        return self.start + timedelta(days=self.day)

    def note(
        self,
        kind: str,
        account: Account | None,
        who: str = "",
        token: str = "",
        quantity: int = 0,
        value: int | None = None,
        loan_id: int | None = None,
        cause: str = "",
    ) -> None:
        """Record an event; its value is that of the tokens unless given.

        It is about a loan, if one is given, or else about its account's first one.
        """
        if value is None:
            value = quantity * self.prices[token] if token else 0
        number = loan_id if loan_id is not None else account.loan_id if account else -1
        self.events[kind, number, who, token, cause, quantity, value] += 1

    def worth(self, tokens: Mapping[str, int]) -> int:
        """Value at published prices."""
        return sum(self.prices[token] * n for token, n in tokens.items())

    def true_worth(self, tokens: Mapping[str, int]) -> int:
        """Value at true prices."""
        return sum(self.true_prices[token] * n for token, n in tokens.items())

    def exposure(self, account: Account) -> int:
        return sum(self.worth(loan.lent) for loan in account.open_loans)

    def true_exposure(self, account: Account) -> int:
        return sum(self.true_worth(loan.lent) for loan in account.open_loans)

    def required(self, account: Account) -> int:
        exact = account.terms.ratio * self.exposure(account)
        return -(-exact.numerator // exact.denominator)

    def in_transit(self, account: Account) -> int:
        coming = sum(
            self.worth({d.token: d.quantity}) for d in self.deliveries if d.account is account
        )
        going = sum(self.worth({r.token: r.quantity}) for r in self.returns if r.account is account)
        return coming - going

    def can_mint(self, who: str, token: str) -> int:
        return self.capacity[who][token] if who in self.capacity else UNLIMITED

    def use_capacity(self, who: str, token: str, quantity: int) -> None:
        if who in self.capacity:
            self.capacity[who][token] -= quantity

    def mint(self, account: Account, who: str, token: str, quantity: int) -> None:
        """Have tokens minted that an account needs, into a wallet, at once or in some days."""
        if quantity:
            self.use_capacity(who, token, quantity)
            self.note("mint", account, who, token, quantity)
            if self.minting_days:
                due = self.day + self.minting_days
                self.mintings.append(Minting(due, who, token, quantity))
            else:
                self.wallet[who][token] += quantity
