"""The contracts together: deployed, wired, and called by the parties that may call them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from abm.chain.artefacts import artefact
from abm.chain.machine import (
    DAY,
    TRANSACTION_GAS,
    Contract,
    Machine,
    RevertedError,
)
from abm.chain.machines import new_machine
from abm.chain.records import (
    BOUND,
    CUSTODY,
    CUTOFF,
    DELIVERY,
    FIXED_GAS,
    LOAN_GAS,
    MAX_BATCH,
    AgreementTerms,
    Gas,
    LoanState,
    Measure,
    Outcome,
)


class Platform:
    """Tokens, custodian, oracle, lending contract and close-out desk on one machine.

    Args:
        tokens: names of the tokens, cash last.
        machine: what to run on; a fresh one if not given.
        max_age: seconds after which prices are stale.
        bound: basis points by which a price may move in a day without the guardian's word.
        restricted: whether only accounts that are permitted may hold tokens.
        smallest_loan: what a loan is worth at least when it opens, in whole units of money.
    """

    def __init__(
        self,
        tokens: Sequence[str],
        machine: Machine | None = None,
        max_age: int = DAY,
        bound: int = BOUND,
        restricted: bool = False,
        smallest_loan: int = 0,
    ) -> None:
        self.machine = machine or new_machine()
        self.names = tuple(tokens)
        self.gas: list[Gas] = []
        self.first_day = self.machine.now // DAY
        self.admin = self.account("administrator")
        self.guardian = self.account("guardian")
        self.operator = self.account("custodian's operator")
        self.enforcer = self.account("enforcer")
        self.poster = self.account("price poster")
        self.clearing_house = self.account("clearing house")
        self._deploy(tokens, max_age, bound, restricted, smallest_loan)
        self._wire()

    def _deploy(
        self,
        tokens: Sequence[str],
        max_age: int,
        bound: int,
        restricted: bool,
        smallest_loan: int,
    ) -> None:
        """Put all contracts on the machine."""

        def put(name: str, *arguments: Any) -> Contract:
            return self.machine.deploy(artefact(name), arguments, self.admin)

        admin, guardian = self.admin, self.guardian
        self.custodian = put("Custodian", admin, self.operator, guardian)
        self.tokens = [
            put("Token", name, self.custodian.address, admin, self.enforcer, guardian, restricted)
            for name in tokens
        ]
        addresses = [token.address for token in self.tokens]
        self.oracle = put("Oracle", admin, self.poster, guardian, len(tokens) - 1, max_age, bound)
        shared = (self.custodian.address, self.oracle.address, addresses)
        loans = put("Loans", *shared, smallest_loan)
        self.lending = put("Lending", admin, self.clearing_house, guardian, *shared, loans.address)
        self.desk = put("CloseOut", self.oracle.address, self.lending.address)

    def _wire(self) -> None:
        """Tell the contracts about one another."""
        pools = (self.lending.address, self.desk.address)
        for token in self.tokens:
            self._send(
                "setup", self.custodian, "set_limit", [token.address, CUSTODY], self.guardian
            )
            for pool in pools:
                self._send("setup", token, "name_pool", [pool], self.admin)
        self._send("setup", self.custodian, "authorise", [self.lending.address], self.admin)
        self._send("setup", self.lending, "appoint", [self.desk.address], self.admin)

    # Clock and gas

    @property
    def day(self) -> int:
        """Days since the platform was deployed."""
        return self.machine.now // DAY - self.first_day

    def go_to(self, day: int) -> None:
        """Set the clock to the cut-off of a day since deployment, when its script runs."""
        self.machine.advance_to((self.first_day + day) * DAY + CUTOFF)

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

    def join(self, name: str, allowance: int = 0) -> str:
        """A participant's account.

        Args:
            name: the participant's.
            allowance: what the lending contract may take of each token, until it is renewed.
        """
        address = self.account(f"participant {name}")
        if allowance:
            for token in range(len(self.tokens)):
                self.allow(address, token, allowance)
        return address

    def allow(self, owner: str, token: int, amount: int) -> None:
        """Renew what the lending contract may take: the most that its owner can lose to a fault."""
        arguments = [self.lending.address, amount]
        self._send("allow", self.tokens[token], "approve", arguments, owner)

    def allowed(self, owner: str, token: int) -> int:
        """What the lending contract may still take."""
        arguments = [owner, self.lending.address]
        return int(self.machine.read(self.tokens[token], "allowance", arguments))

    def join_as_buyer(self, name: str) -> str:
        """The account of somebody who buys what is liquidated."""
        address = self.account(f"buyer {name}")
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
        self.deposit(owner, token, amount)
        self.mint(owner, token, amount)

    def redeem(self, owner: str, token: int, amount: int) -> None:
        """Have an owner redeem tokens."""
        self._send("redeem", self.custodian, "redeem", [self.tokens[token].address, amount], owner)

    # The day's script

    def post(self, prices: Sequence[int], age: int = 0) -> None:
        """Post prices of all tokens but cash; the guardian confirms them if they are doubted.

        Args:
            prices: in whole units of money.
            age: seconds since they were observed.
        """
        last = self.machine.read(self.oracle, "observed", [])
        if last >= self.machine.now - age:
            self.machine.advance_to(last + age + 1)
        observed = self.machine.now - age
        if not self._send("post", self.oracle, "post", [prices, observed], self.poster):
            self._send("confirm", self.oracle, "confirm", [observed], self.guardian)

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

    def batch_size(self, action: str) -> int:
        """Loans that a transaction takes at most, so that it stays below what one may use."""
        first, other = LOAN_GAS[action]
        worst = first + other * len(self.tokens)
        return max(min(MAX_BATCH, (TRANSACTION_GAS - FIXED_GAS) // worst), 1)

    def _batches(self, action: str, loans: Sequence[int]) -> Iterator[list[int]]:
        size = self.batch_size(action)
        for start in range(0, len(loans), size):
            yield list(loans[start : start + size])

    def _batch(self, action: str, loans: Sequence[int]) -> list[Any]:
        results: list[Any] = []
        for ids in self._batches(action, loans):
            results += self._send(
                action, self.lending, action, [ids], self.clearing_house, len(ids)
            )
        return results

    def adjust(self, loans: Sequence[int]) -> list[Outcome]:
        """The margin run over loans: all calls and returns, then all deliveries."""
        if len(loans) <= self.batch_size("adjust"):
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

    def deliver_part(
        self, loan: int, held: Sequence[int], issued: Sequence[int], borrower: str
    ) -> None:
        """Have a borrower deliver a part of what it is called for: amounts by token."""
        arguments = [loan, held, issued]
        self._send("deliver", self.lending, "deliver_part", arguments, borrower, 1)

    def settle_instructions(self, loans: Sequence[int]) -> list[int]:
        """Settle what is instructed; gives the tokens that each loan's lender issued."""
        return [int(issued) for issued in self._batch("settle_instructions", loans)]

    def settle(self, loans: Sequence[int]) -> list[bool]:
        """Settle (or roll) loans that are due; says which have."""
        return [bool(done) for done in self._batch("settle", loans)]

    def end_early(self, loan: int, party: str) -> None:
        """Have a party recall a loan, end its rolling, or agree to its end."""
        self._send("end_early", self.lending, "end_early", [loan], party, 1)

    def top_up(self, loan: int, token: int, amount: int, borrower: str) -> None:
        """Have a borrower add collateral of its own accord."""
        self._send("top_up", self.lending, "top_up", [loan, token, amount], borrower, 1)

    # Default and close-out

    def declare_insolvent(self, participant: str) -> None:
        """Enter a default from outside, which guardian and clearing house both know of."""
        evidence = "0x" + hashlib.sha256(f"insolvency of {participant}".encode()).hexdigest()
        arguments = [participant, evidence]
        self._send("default", self.desk, "attest", arguments, self.guardian)
        self._send("default", self.desk, "declare_insolvent", arguments, self.clearing_house)

    def declare_unmet(self, loan: int) -> None:
        """Enter the default of a borrower that has not met its calls."""
        self._send("default", self.desk, "declare_unmet", [loan], self.clearing_house, 1)

    def stop(self, loans: Sequence[int], defaulter: str) -> None:
        """End the margining of a defaulter's loans."""
        for ids in self._batches("stop", loans):
            arguments = [ids, defaulter]
            self._send("stop", self.desk, "stop", arguments, self.clearing_house, len(ids))

    def liquidate(
        self, loan: int, buyer: str, amounts: Sequence[int], prices: Sequence[int]
    ) -> None:
        """Sell collateral of a stopped loan to a buyer, which allows as much as it costs."""
        sold = zip(amounts[:-1], prices[:-1], strict=True)
        cost = sum(int(amount) * int(price) for amount, price in sold)
        if cost:
            self._send("liquidate", self.tokens[-1], "approve", [self.desk.address, cost], buyer)
        arguments = [loan, buyer, amounts]
        self._send("liquidate", self.desk, "liquidate", arguments, self.clearing_house, 1)

    def close_out(
        self, loans: Sequence[int], defaulter: str, counterparty: str, prices: Sequence[int]
    ) -> int:
        """Net all stopped loans of a pair; gives the counterparty's loss, or surplus below zero.

        Loans that the defaulter borrowed come first. The counterparty pays what it then owes, and
        both take what is theirs.
        """
        order = sorted(range(len(prices)), key=lambda token: (-prices[token], token))
        claim = 0
        for ids in self._batches("close_out", loans):
            arguments = [ids, defaulter, counterparty, order]
            house = self.clearing_house
            claim = self._send("close_out", self.desk, "close_out", arguments, house, len(ids))
        owed = self.machine.read(self.desk, "debt", [counterparty, defaulter])
        if owed:
            cash = self.tokens[-1]
            self._send("close_out", cash, "approve", [self.desk.address, owed], counterparty)
            self._send("close_out", self.desk, "pay_debt", [defaulter, owed], counterparty)
        for party in (defaulter, counterparty):
            if self.machine.read(self.desk, "credit", [party]):
                self._send("take", self.desk, "take", [party], party)
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

    def kept(self, defaulter: str, counterparty: str) -> int:
        """Cash from sales that the desk keeps until the claims of a pair are netted."""
        return int(self.machine.read(self.desk, "kept", [defaulter, counterparty]))

    def instructed(self, loan: int) -> list[int]:
        """Tokens that settle on the next day."""
        return list(self.machine.read(self.lending, "instructed", [loan]))
