"""Random sequences of everything that can happen, on both ledgers: they stay equal.

The reference is the compiled passes over columns; in between, outsiders try whatever they can.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
from evm_ledgers import FINITE, PAIRS, TwoLedgers, scenario_of
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from abm.books.answers import nobody
from abm.books.calendar import DUE
from abm.books.loan_book import ACTIVE, SETTLED
from abm.chain.machine import RevertedError
from abm.day.call_and_return import run_returns
from abm.day.deliver import run_deliveries
from abm.day.instructions import settle_deliveries, settle_returns
from abm.day.open import open_anew
from abm.day.settle import settle_loans
from abm.rules.trigger import DELIVERY_CALL

amounts = st.integers(1, 400)
prices = st.tuples(st.integers(20, 400), st.integers(20, 400))
moves = st.tuples(st.integers(-20, 20), st.integers(-20, 20))
Lent = tuple[int, int, int]
lent = st.tuples(st.sampled_from([0, 0, 10]), st.sampled_from([0, 0, 5]), st.integers(60, 105))
"""Tokens, and cash as a percentage of what the collateral allows."""
Posted = tuple[int, int, int]
posted = st.tuples(st.integers(1, 150), st.integers(0, 150), st.sampled_from([0, 0, 3_000]))
agreement = st.fixed_dictionaries(
    {
        "haircut": st.sampled_from([0.0, 0.02, 0.05, 0.3333]),
        "trigger": st.sampled_from([0.0, 0.02, 0.1]),
        "adjustment": st.sampled_from(["single", "multi"]),
        "delivery_rounding": st.sampled_from(["up", "down"]),
        "return_rounding": st.sampled_from(["up", "down"]),
        "settlement_lag": st.integers(0, 1),
        "lender_issuance": st.booleans(),
        "minimum_transfer_amount": st.sampled_from([0.0, 300.0]),
        "priority": st.sampled_from([("A", "B"), ("B", "A"), ("A", "B", "cash"), ("cash", "A")]),
    }
)


class Ledgers(TwoLedgers, RuleBasedStateMachine):
    """Everything that can happen, done to both."""

    @initialize(
        terms=st.lists(agreement, min_size=4, max_size=4),
        first=st.lists(st.tuples(lent, posted), min_size=2, max_size=2),
        limited=st.booleans(),
        start=prices,
    )
    def begin(
        self,
        terms: list[dict[str, Any]],
        first: list[tuple[Lent, Posted]],
        limited: bool,
        start: tuple[int, int],
    ) -> None:
        self.set_up(scenario_of(terms, limited))
        self.post(start)
        for i, (lent, posted) in enumerate(first):
            self.open(i, lent, posted, 6)

    # Time

    @rule(moves=moves, how=st.sampled_from(["one batch", "one batch", "two halves", "not at all"]))
    def next_day(self, moves: tuple[int, int], how: str) -> None:
        """Prices move, instructions settle, and the margin process runs."""
        self.day += 1
        self.books.totals[:] = 0
        self.settled = False
        self.platform.go_to(self.day)
        self.post(self.moved(moves))
        if len(self.books.returning):
            due = [i for i in sorted(self.ids) if self.platform.loan(self.ids[i]).instructed]
            accounts = len(self.books.accounts)
            settle_returns(self.books, self.prices, self.day, 0, accounts)
            settle_deliveries(self.books, self.prices, self.day, 0, accounts)
            self.platform.settle_instructions([self.ids[i] for i in due])
        if how != "not at all":
            self.adjust(how == "two halves")

    @rule(moves=moves)
    def correct_prices(self, moves: tuple[int, int]) -> None:
        self.post(self.moved(moves))

    def moved(self, moves: tuple[int, int]) -> tuple[int, int]:
        one, other = (
            min(max(int(price) * (100 + move) // 100, 5), 2_000)
            for price, move in zip(self.prices[:2], moves, strict=True)
        )
        return one, other

    # Custody

    @rule(row=st.integers(0, 2), token=st.integers(0, 2), amount=amounts)
    def deposit(self, row: int, token: int, amount: int) -> None:
        capacity = self.books.ledger.capacity
        if capacity[row, token] < FINITE:
            capacity[row, token] += amount
            self.platform.deposit(self.addresses[row], token, amount)

    @rule(row=st.integers(0, 2), token=st.integers(0, 2), amount=amounts)
    def mint(self, row: int, token: int, amount: int) -> None:
        capacity = self.books.ledger.capacity
        if amount > capacity[row, token]:
            self.refused(
                "beyond the deposit", self.platform.mint, self.addresses[row], token, amount
            )
            return
        if capacity[row, token] < FINITE:
            capacity[row, token] -= amount
        self.ledger.mint(row, token, amount)
        self.platform.mint(self.addresses[row], token, amount)

    @rule(row=st.integers(0, 2), token=st.integers(0, 2), amount=amounts)
    def redeem(self, row: int, token: int, amount: int) -> None:
        if amount > self.ledger.wallets[row, token]:
            self.refused(
                "balance too low", self.platform.redeem, self.addresses[row], token, amount
            )
            return
        self.ledger.burn(row, token, amount)
        self.platform.redeem(self.addresses[row], token, amount)

    @rule(
        source=st.integers(0, 2),
        receiver=st.integers(0, 2),
        token=st.integers(0, 2),
        amount=amounts,
    )
    def transfer(self, source: int, receiver: int, token: int, amount: int) -> None:
        p = self.platform
        arguments = (p.tokens[token], "transfer", [self.addresses[receiver], amount])
        if amount > self.ledger.wallets[source, token]:
            self.refused("balance too low", p.machine.send, *arguments, self.addresses[source])
            return
        self.ledger.transfer(source, receiver, token, amount)
        p.machine.send(*arguments, self.addresses[source])

    # Loans

    @rule(i=st.integers(0, len(PAIRS) - 1), lent=lent, posted=posted, days=st.integers(1, 6))
    def open(self, i: int, lent: Lent, posted: Posted, days: int) -> None:
        loans, accounts = self.books.loans, self.books.accounts
        if i in self.ids:
            return
        lender, borrower, used = PAIRS[i]
        parties = (self.addresses[lender], self.addresses[borrower])
        terms = self.books.terms[used]
        worth = int(np.dot(posted, self.prices))
        allowed = worth * int(terms.required_denominator) // int(terms.required_numerator)
        left = allowed * lent[2] // 100 - int(np.dot(lent[:2], self.prices[:2]))
        lent = (*lent[:2], max(left, 1))
        exposure = int(np.dot(lent, self.prices))
        numerator = int(terms.required_numerator)
        required = -(-exposure * numerator // int(terms.required_denominator))
        enough = worth >= required
        solvent = (self.desk.standing.default_day[[lender, borrower]] < 0).all()
        if not (enough and solvent):
            reason = "not enough collateral" if solvent else "party in default"
            self.refused(
                reason, self.platform.open, *parties, self.agreements[used], 0, 0, lent, posted
            )
            return
        for party, given in zip(parties, (lent, posted), strict=True):
            for token, amount in enumerate(given):
                if amount:
                    self.platform.fund(party, token, amount)
        maturity = self.day + days
        self.ids[i] = self.platform.open(*parties, self.agreements[used], maturity, 0, lent, posted)
        self.books.lent[i] = lent
        table = np.zeros((len(PAIRS), 3), np.int64)
        table[i] = posted
        open_anew(self.books, self.prices, np.arange(len(PAIRS)), table, i, i + 1)
        loans.maturity[i] = maturity
        # A loan of today takes part in the next margin run, on both ledgers.
        assert accounts.state[i] == ACTIVE

    def adjust(self, in_two: bool) -> None:
        rows = sorted(self.live())
        accounts = len(self.books.accounts)
        calls = np.zeros(accounts, np.int8)
        default = nobody(len(self.prices))
        run_returns(self.books, self.prices, self.day, default, calls, 0, accounts)
        run_deliveries(self.books, self.prices, self.day, default, calls, 0, accounts)
        if not rows:
            return
        ids = [self.ids[i] for i in rows]
        if in_two:
            outcomes = self.platform.mark(ids)
            called = [outcome.loan_id for outcome in outcomes if outcome.kind == DELIVERY_CALL]
            kinds = [outcome.kind for outcome in outcomes]
            self.platform.deliver(called)
        else:
            kinds = [outcome.kind for outcome in self.platform.adjust(ids)]
        assert kinds == calls[rows].tolist()

    @precondition(lambda self: not self.settled)
    @rule()
    def settle(self) -> None:
        loans = self.books.loans
        self.settled = True
        due = [i for i in sorted(self.live()) if loans.maturity[i] <= self.day]
        modes, number = np.zeros(len(PAIRS), np.int64), len(PAIRS)
        for i in due:
            since = int(loans.maturity[i])
            self.books.calendar.status.view(np.uint8)[i] = DUE
            settle_loans(self.books, self.prices, self.day, since, modes, number, i, i + 1)
            done = self.platform.settle([self.ids[i]])
            assert done == [loans.state[i] == SETTLED]

    @precondition(lambda self: self.day > 4)
    @rule(row=st.integers(0, 2))
    def default(self, row: int) -> None:
        address = self.addresses[row]
        if self.desk.standing.default_day[row] >= 0:
            self.refused("already in default", self.platform.declare_insolvent, address)
            return
        rows = [i for i in self.live() if row in PAIRS[i][:2]]
        borrowed = [i for i in rows if PAIRS[i][1] == row]
        self.platform.declare_insolvent(address)
        self.platform.stop([self.ids[i] for i in rows], address)
        self.ledger.mints.clear()
        held = {}
        for i in borrowed:
            held[i] = self.platform.collateral(self.ids[i])
        # This default alone: nobody's unmet call is to be one too.
        self.desk.declares = lambda row, days: False
        result = self.desk.run(self.day, np.array([row], np.int64), self.prices)
        assert result.defaults == [1, 0, 0, 0]
        for owner, token, amount in self.ledger.mints:
            self.platform.fund(self.addresses[owner], token, amount)
        for i in borrowed:
            if any(held[i]):
                self.platform.liquidate(
                    self.ids[i], self.addresses[-1], held[i], self.prices.tolist()
                )
        for other in sorted({sum(PAIRS[i][:2]) - row for i in rows}):
            ids = [self.ids[i] for i in sorted(borrowed) if PAIRS[i][0] == other]
            ids += [self.ids[i] for i in sorted(rows) if PAIRS[i][:2] == (row, other)]
            claim = self.platform.close_out(
                ids, address, self.addresses[other], self.prices.tolist()
            )
            self.losses[other] += max(claim, 0)
            assert self.losses[other] == self.desk.standing.losses[other]

    # Others

    @rule(data=st.data())
    def outsider_tries(self, data: st.DataObject) -> None:
        """Anything, with any arguments; what it may do moves nobody's tokens."""
        p = self.platform
        contract = data.draw(st.sampled_from([*p.tokens, p.custodian, p.oracle, p.lending, p.desk]))
        changing = [
            entry
            for entry in contract.artefact.abi
            if entry["type"] == "function" and entry["stateMutability"] == "nonpayable"
        ]
        entry = data.draw(st.sampled_from(changing))
        addresses = [*self.addresses, self.outsider, p.lending.address, p.tokens[0].address]
        small = st.one_of(st.integers(0, 6), st.sampled_from([2**63, 2**256 - 1]))
        kinds = {
            "address": st.sampled_from(addresses),
            "uint256": small,
            "bool": st.booleans(),
            "uint8": st.integers(26, 29),
            "bytes32": st.sampled_from(["0x" + "00" * 32, "0x" + "12" * 32]),
            "uint256[]": st.lists(small, max_size=3),
            "uint256[16]": st.lists(small, max_size=3),
        }
        arguments = [data.draw(kinds[argument["type"]]) for argument in entry["inputs"]]
        with contextlib.suppress(RevertedError):
            p.machine.send(contract, entry["name"], arguments, self.outsider)

    @invariant()
    def equal(self) -> None:
        self.check_equal()


Ledgers.TestCase.settings = settings(
    max_examples=settings().max_examples // 4,  # each has 30 steps
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestLedgers = Ledgers.TestCase
