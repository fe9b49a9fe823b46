"""The contracts together: deployed, wired, and called by the parties that may call them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from abm.chain.artefacts import artefact
from abm.chain.machine import DAY, WORD, Contract, Machine, RevertedError, new_machine

MAX_TOKENS = 16
"""Tokens that the lending contract can number, cash among them."""
MAX_BATCH = 64
"""Loans that one transaction handles at most."""
UNLIMITED = WORD - 1
"""A deposit, or an allowance, that never runs out."""
LOAN_STATES = ("none", "offered", "open", "settled", "stopped", "closed out", "withdrawn")
NO_CALL, DELIVERY, RETURN, NOTHING_TO_MOVE = range(4)
"""Calls, numbered as in `abm.rules.trigger`."""

OUTCOMES = (
    "no call",
    "nothing to move",
    "delivery",
    "delivery with mint",
    "return",
    "return with mint",
)
"""What a margin run can come to; with mint, if tokens were issued on the way."""


class LoanState(NamedTuple):
    """A loan as the lending contract stores it."""

    loan_id: int
    lender: str
    borrower: str
    agreement: int
    mask: int
    lent_mask: int
    maturity: int
    term: int
    state: int
    kind: int
    marked: int
    unmet_days: int
    overdue_days: int
    tried: int
    advanced: int
    instructed: int
    instructed_mask: int


class Measure(NamedTuple):
    """A loan's exposure, requirement, trigger band and collateral value at the oracle's prices."""

    exposure: int
    required: int
    lower: int
    upper: int
    worth: int


class Outcome(NamedTuple):
    """What a margin run did to a loan; values in money units."""

    loan_id: int
    kind: int
    excess: int
    worth: int
    moved: int
    transfers: int
    issued: int
    unmet: int

    @property
    def label(self) -> str:
        """One of `OUTCOMES`."""
        name = ("no call", "delivery", "return", "nothing to move")[self.kind]
        return f"{name} with mint" if self.issued else name


class Gas(NamedTuple):
    """Gas of one transaction."""

    day: int
    action: str
    loans: int
    """Loans that it handled; 0 where it is about none."""
    gas: int
    outcome: str = ""
    """What a margin run of a single loan came to, one of `OUTCOMES`."""


class AgreementTerms(NamedTuple):
    """Terms as the lending contract takes them; ratios in basis points."""

    haircut: int
    margin: int
    trigger: int
    minimum: int
    lag: int
    grace: int
    delivery_up: bool
    return_up: bool
    issuance: bool
    priority: tuple[int, ...]


class Platform:
    """Tokens, custodian, oracle, lending contract and close-out desk on one machine.

    Args:
        tokens: names of the tokens, cash last.
        machine: what to run on; a fresh one if not given.
        max_age: seconds after which prices are stale.
    """

    def __init__(
        self, tokens: Sequence[str], machine: Machine | None = None, max_age: int = DAY
    ) -> None:
        self.machine = machine or new_machine()
        self.names = tuple(tokens)
        self.gas: list[Gas] = []
        self.first_day = self.machine.now // DAY
        self.operator = self.account("custodian's operator")
        self.poster = self.account("price poster")
        self.clearing_house = self.account("clearing house")
        deploy = self.machine.deploy
        self.custodian = deploy(artefact("Custodian"), [self.operator], self.operator)
        self.tokens = [
            deploy(artefact("Token"), [name, self.custodian.address], self.operator)
            for name in tokens
        ]
        arguments = [self.poster, len(tokens) - 1, max_age]
        self.oracle = deploy(artefact("Oracle"), arguments, self.poster)
        addresses = [token.address for token in self.tokens]
        arguments = [
            self.clearing_house, self.custodian.address, self.oracle.address, addresses
        ]  # fmt: skip
        self.lending = deploy(artefact("Lending"), arguments, self.clearing_house)
        arguments = [self.clearing_house, self.oracle.address, self.lending.address]
        self.desk = deploy(artefact("CloseOut"), arguments, self.clearing_house)
        for address in addresses:
            self._send("setup", self.custodian, "register", [address], self.operator)
        self._send("setup", self.custodian, "authorise", [self.lending.address], self.operator)
        self._send("setup", self.lending, "appoint", [self.desk.address], self.clearing_house)

    # Clock and gas

    @property
    def day(self) -> int:
        """Days since the platform was deployed."""
        return self.machine.now // DAY - self.first_day

    def go_to(self, day: int) -> None:
        """Set the clock to the beginning of a day since deployment."""
        self.machine.advance_to((self.first_day + day) * DAY)

    def _send(
        self,
        action: str,
        contract: Contract,
        function: str,
        arguments: Sequence[Any],
        sender: str,
        loans: int = 0,
    ) -> Any:
        receipt = self.machine.send(contract, function, arguments, sender)
        self.gas.append(Gas(self.day, action, loans, receipt.gas))
        return receipt.output

    # Participants

    def account(self, name: str) -> str:
        """An account for a name; the same name gets the same address on every machine."""
        address = "0x" + hashlib.sha256(name.encode()).hexdigest()[:40]
        self.machine.create_account(address)
        return address

    def join(self, name: str) -> str:
        """A participant's account, which allows the contracts to move its tokens."""
        address = self.account(f"participant {name}")
        for token in self.tokens:
            arguments = [self.lending.address, UNLIMITED]
            self._send("setup", token, "approve", arguments, address)
        self._send("setup", self.tokens[-1], "approve", [self.desk.address, UNLIMITED], address)
        return address

    def join_as_buyer(self, name: str) -> str:
        """The account of somebody who buys what is liquidated."""
        address = self.account(f"buyer {name}")
        self._send("setup", self.tokens[-1], "approve", [self.desk.address, UNLIMITED], address)
        self._send("setup", self.desk, "register_buyer", [True], address)
        return address

    def deposit(self, owner: str, token: int, amount: int) -> None:
        """Have the custodian record assets that came in."""
        arguments = [owner, self.tokens[token].address, amount]
        self._send("deposit", self.custodian, "record_deposit", arguments, self.operator)

    def mint(self, owner: str, token: int, amount: int) -> None:
        """Have an owner issue tokens against its deposit."""
        self._send("mint", self.custodian, "mint", [self.tokens[token].address, amount], owner)

    def fund(self, owner: str, token: int, amount: int) -> None:
        """Deposit and issue: tokens out of assets that come from outside."""
        if self.deposited(owner, token) < UNLIMITED:
            self.deposit(owner, token, amount)
        self.mint(owner, token, amount)

    def redeem(self, owner: str, token: int, amount: int) -> None:
        """Have an owner redeem tokens."""
        self._send("redeem", self.custodian, "redeem", [self.tokens[token].address, amount], owner)

    # The day's script

    def post(self, prices: Sequence[int]) -> None:
        """Post prices of all tokens but cash, observed now."""
        observed = self.machine.read(self.oracle, "observed", [])
        if observed >= self.machine.now:
            self.machine.advance_to(observed + 1)
        self._send("post", self.oracle, "post", [prices, self.machine.now], self.poster)

    def register_agreement(self, terms: AgreementTerms) -> int:
        """Enter an agreement; gives its number."""
        return int(
            self._send("setup", self.lending, "register_agreement", terms, self.clearing_house)
        )

    def open(
        self,
        lender: str,
        borrower: str,
        agreement: int,
        maturity: int,
        term: int,
        lent: Sequence[int],
        collateral: Sequence[int],
    ) -> int:
        """Open a loan between two participants who hold what it takes; gives its number.

        Args:
            lender: who offers it.
            borrower: who accepts.
            agreement: number of the agreement.
            maturity: day since deployment, 0 for none.
            term: days by which it goes on at maturity, 0 to settle.
            lent: amounts by token.
            collateral: amounts by token.
        """
        until = self.first_day + maturity if maturity else 0
        arguments = [borrower, agreement, until, term, lent, collateral]
        loan = int(self._send("offer", self.lending, "offer", arguments, lender, 1))
        try:
            self._send("accept", self.lending, "accept", [loan], borrower, 1)
        except RevertedError:
            self._send("withdraw", self.lending, "withdraw", [loan], lender, 1)
            raise
        return loan

    def _batch(self, action: str, loans: Sequence[int]) -> list[Any]:
        results: list[Any] = []
        for start in range(0, len(loans), MAX_BATCH):
            ids = list(loans[start : start + MAX_BATCH])
            results += self._send(
                action, self.lending, action, [ids], self.clearing_house, len(ids)
            )
        return results

    def adjust(self, loans: Sequence[int]) -> list[Outcome]:
        """The margin run over loans: all calls and returns, then all deliveries."""
        if len(loans) <= MAX_BATCH:
            done = [Outcome(*outcome) for outcome in self._batch("adjust", loans)]
            if len(done) == 1:
                self.gas[-1] = self.gas[-1]._replace(outcome=done[0].label)
            return done
        outcomes = {outcome.loan_id: outcome for outcome in self.mark(loans)}
        called = [loan for loan in loans if outcomes[loan].kind == DELIVERY]
        outcomes |= {outcome.loan_id: outcome for outcome in self.deliver(called)}
        return list(outcomes.values())

    def mark(self, loans: Sequence[int]) -> list[Outcome]:
        """Calls and returns alone."""
        return [Outcome(*outcome) for outcome in self._batch("mark", loans)]

    def deliver(self, loans: Sequence[int]) -> list[Outcome]:
        """Deliveries on today's calls."""
        return [Outcome(*outcome) for outcome in self._batch("deliver", loans)]

    def settle_instructions(self, loans: Sequence[int]) -> list[int]:
        """Settle what is instructed; gives the tokens that each loan's lender issued."""
        return [int(issued) for issued in self._batch("settle_instructions", loans)]

    def settle(self, loans: Sequence[int]) -> list[bool]:
        """Settle (or roll) loans that are due; says which have."""
        return [bool(done) for done in self._batch("settle", loans)]

    # Default and close-out

    def declare_insolvent(self, participant: str) -> None:
        """Enter a default from outside."""
        arguments = [participant]
        self._send("default", self.desk, "declare_insolvent", arguments, self.clearing_house)

    def declare_unmet(self, loan: int) -> None:
        """Enter the default of a borrower that has not met its calls."""
        self._send("default", self.desk, "declare_unmet", [loan], self.clearing_house, 1)

    def stop(self, loans: Sequence[int], defaulter: str) -> None:
        """End the margining of a defaulter's loans."""
        for start in range(0, len(loans), MAX_BATCH):
            ids = list(loans[start : start + MAX_BATCH])
            arguments = [ids, defaulter]
            self._send("stop", self.desk, "stop", arguments, self.clearing_house, len(ids))

    def liquidate(self, loan: int, buyer: str, amounts: Sequence[int]) -> None:
        """Sell collateral of a stopped loan."""
        arguments = [loan, buyer, amounts]
        self._send("liquidate", self.desk, "liquidate", arguments, self.clearing_house, 1)

    def close_out(
        self, loans: Sequence[int], defaulter: str, counterparty: str, prices: Sequence[int]
    ) -> int:
        """Net all stopped loans of a pair; gives the counterparty's loss, or surplus below zero."""
        order = sorted(range(len(prices)), key=lambda token: (-prices[token], token))
        arguments = [loans, defaulter, counterparty, order]
        house = self.clearing_house
        claim = self._send("close_out", self.desk, "close_out", arguments, house, len(loans))
        return int(claim)

    # What the contracts tell

    def balances(self, owners: Iterable[str]) -> list[list[int]]:
        """Tokens of each owner, by token."""
        read = self.machine.read
        return [[read(token, "balanceOf", [owner]) for token in self.tokens] for owner in owners]

    def deposited(self, owner: str, token: int) -> int:
        """What the custodian can still issue to an owner."""
        arguments = [owner, self.tokens[token].address]
        return int(self.machine.read(self.custodian, "deposit", arguments))

    def supply(self) -> tuple[list[int], list[int]]:
        """Tokens ever issued and ever redeemed, by token."""
        read = self.machine.read
        return (
            [read(token, "minted", []) for token in self.tokens],
            [read(token, "burned", []) for token in self.tokens],
        )

    def loan(self, loan: int) -> LoanState:
        """A loan."""
        return LoanState(*self.machine.read(self.lending, "loan", [loan]))

    def measure(self, loan: int) -> Measure:
        """A loan's exposure and requirement at the oracle's prices."""
        return Measure(*self.machine.read(self.lending, "measure", [loan]))

    def collateral(self, loan: int) -> list[int]:
        """Tokens held for a loan."""
        return list(self.machine.read(self.lending, "collateral", [loan]))

    def instructed(self, loan: int) -> list[int]:
        """Tokens that settle on the next day."""
        return list(self.machine.read(self.lending, "instructed", [loan]))
