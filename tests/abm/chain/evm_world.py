"""A platform with an open loan, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ENOUGH = 2**60
"""An allowance that does not bind, where allowances are not what a test is about."""


@dataclass
class World:
    """Contracts, a lender with cash, a borrower with collateral, and one loan between them."""

    platform: Any
    lender: str
    borrower: str
    buyer: str
    outsider: str
    agreement: int
    loan: int

    def state(self) -> tuple[Any, ...]:
        """All that a refused call must leave as it is."""
        p = self.platform
        owners = [self.lender, self.borrower, self.buyer, self.outsider, p.lending.address]
        read = p.machine.read
        return (
            p.balances(owners),
            p.supply(),
            [[p.deposited(owner, token) for token in range(3)] for owner in owners],
            [
                read(token, "allowance", [owner, spender.address])
                for token in p.tokens
                for owner in owners
                for spender in (p.lending, p.desk)
            ],
            [
                (p.loan(loan), p.collateral(loan), p.instructed(loan))
                for loan in range(1, read(p.lending, "loans", []) + 1)
            ],
            read(p.lending, "agreements", []),
            read(p.lending, "desk", []),
            read(p.custodian, "lending", []),
            read(p.oracle, "observed", []),
            [read(p.desk, "default_day", [owner]) for owner in owners],
            [read(p.desk, "buyers", [owner]) for owner in owners],
            read(p.desk, "proceeds", [self.loan]),
            [read(p.desk, "credit", [owner]) for owner in owners],
            [read(p.lending, "credit", [owner, token]) for owner in owners for token in range(3)],
            [read(p.lending, role, []) for role in ("admin", "operator", "guardian")],
            read(p.lending, "paused_until", []),
        )

    def day(self, day: int, *prices: int) -> None:
        """Go to a day and post its prices."""
        self.platform.go_to(day)
        self.platform.post(prices)

    def lender_two(self) -> str:
        """Another participant, with 1,000 of cash."""
        address: str = self.platform.join("another", ENOUGH)
        self.platform.fund(address, 2, 1_000)
        return address

    def house(self, function: str, *arguments: Any, contract: str = "lending") -> Any:
        """A transaction of the clearing house."""
        p = self.platform
        return p.machine.send(getattr(p, contract), function, arguments, p.clearing_house).output


def new_world(
    machine: Any = None, platform: Mapping[str, Any] | None = None, **terms: Any
) -> World:
    """285,000 lent against 1,000 A at 100 and 1,000 B at 200, haircut 5 %, trigger 2 %."""
    from abm.chain.platform import Platform
    from abm.chain.records import NO_CAP, AgreementTerms

    p = Platform(["A", "B", "cash"], machine, **(platform or {}))
    lender, borrower = p.join("lender", ENOUGH), p.join("borrower", ENOUGH)
    buyer, outsider = p.join_as_buyer("buyer"), p.account("outsider")
    given = {
        "haircut": 500,
        "margin": 0,
        "trigger": 200,
        "minimum": 0,
        "lag": 0,
        "grace": 1,
        "notice": 2,
        "cap": NO_CAP,
        "delivery_up": True,
        "return_up": True,
        "issuance": True,
        "priority": (0, 1),
    }
    agreement = p.register_agreement(AgreementTerms(**{**given, **terms}))
    p.post([100, 200])
    p.fund(lender, 2, 285_000)
    p.fund(borrower, 0, 1_000)
    p.fund(borrower, 1, 1_000)
    loan = p.open(lender, borrower, agreement, 30, 0, [0, 0, 285_000], [1_000, 1_000, 0])
    return World(p, lender, borrower, buyer, outsider, agreement, loan)


def send(
    world: World, function: str, arguments: list[Any], sender: str, to: str = "lending"
) -> Any:
    p = world.platform
    return p.machine.send(getattr(p, to), function, arguments, sender).output


def another_loan(world: World, maturity: int = 0, term: int = 0) -> int:
    """950 more against ten A, of the same pair."""
    p = world.platform
    p.fund(world.lender, 2, 950)
    p.fund(world.borrower, 0, 10)
    pair = (world.lender, world.borrower, world.agreement)
    return int(p.open(*pair, maturity, term, [0, 0, 950], [10, 0, 0]))
