"""What must hold of money whatever parties do, without any reference to the simulator.

One borrower always has what it owes; the other often does not. Lenders, outsiders and the clearing
house act in any order and at any time of a day.
"""

from __future__ import annotations

import contextlib
from typing import Any

from evm_world import ENOUGH, new_world
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from abm.chain.machine import DAY, RevertedError
from abm.chain.platform import Platform
from abm.chain.records import CUTOFF, NO_CAP, SKIPPED, AgreementTerms

OPEN, SETTLED, STOPPED, CLOSED_OUT = 2, 3, 4, 5
GOOD, POOR = "good", "poor"
START = {"A": 100, "B": 200}
AMPLE = 10**6


class Economy(RuleBasedStateMachine):
    """Two lenders, a borrower that always pays and one that may not."""

    @initialize(
        lag=st.integers(0, 1),
        trigger=st.sampled_from([0, 200]),
        up=st.booleans(),
        grace=st.integers(0, 1),
    )
    def begin(self, lag: int, trigger: int, up: bool, grace: int) -> None:
        self.p = Platform(["A", "B", "cash"])
        names = ("L1", "L2", GOOD, POOR)
        self.at = {name: self.p.join(name, ENOUGH) for name in names}
        self.outsider = self.p.account("outsider")
        self.buyer = self.p.join_as_buyer("buyer")
        terms = AgreementTerms(500, 0, trigger, 0, lag, grace, 1, NO_CAP, up, up, True, (0, 1))
        self.agreement = self.p.register_agreement(terms)
        self.p.fund(self.buyer, 2, 10**9)
        for token in range(3):
            self.p.fund(self.at[GOOD], token, AMPLE)
            self.p.deposit(self.at[GOOD], token, AMPLE)
        self.prices = [100, 200]
        self.day = 0
        self.loans: dict[int, tuple[str, str]] = {}
        self.p.go_to(0)
        self.p.post(self.prices)
        for lender in ("L1", "L2"):
            for borrower in (GOOD, POOR):
                self.open(lender, borrower, 3)
        # Two of the borrower's loans are those of its lenders: pairs both ways.
        self.open(POOR, "L1", 0)

    def send(self, to: str, function: str, arguments: list[Any], sender: str) -> Any:
        return self.p.machine.send(getattr(self.p, to), function, arguments, sender).output

    def tries(self, to: str, function: str, arguments: list[Any], sender: str) -> Any:
        with contextlib.suppress(RevertedError):
            return self.send(to, function, arguments, sender)
        return None

    def open(self, lender: str, borrower: str, maturity: int) -> None:
        one, other = self.at[lender], self.at[borrower]
        self.p.fund(one, 2, 14_250)
        self.p.fund(other, 0, 110)
        self.p.fund(other, 1, 55)
        until = self.day + maturity if maturity else 0
        loan = self.p.open(one, other, self.agreement, until, 0, [0, 0, 14_250], [110, 55, 0])
        self.loans[loan] = (lender, borrower)

    # Time

    @rule(moves=st.tuples(st.integers(-24, 24), st.integers(-24, 24)), late=st.booleans())
    def next_day(self, moves: tuple[int, int], late: bool) -> None:
        self.day += 1
        start = (self.p.first_day + self.day) * DAY
        self.p.machine.advance_to(start + (CUTOFF if late else 60))
        pairs = zip(self.prices, moves, strict=True)
        self.prices = [min(max(price * (100 + move) // 100, 20), 900) for price, move in pairs]
        self.p.post(self.prices)

    @rule()
    def evening(self) -> None:
        end = (self.p.first_day + self.day) * DAY + CUTOFF
        if self.p.machine.now < end:
            self.p.machine.advance_to(end)

    # What anybody does, allowed or not

    @rule(loan=st.integers(1, 5), who=st.sampled_from(["L1", "L2", GOOD, POOR, "house", "out"]))
    def margin(self, loan: int, who: str) -> None:
        sender = {"house": self.p.clearing_house, "out": self.outsider}.get(who) or self.at[who]
        self.tries("lending", "settle_instructions", [[loan]], sender)
        self.tries("lending", "adjust", [[loan]], sender)

    @rule()
    def margin_of_all(self) -> None:
        self.tries("lending", "settle_instructions", [list(self.loans)], self.p.clearing_house)
        self.tries("lending", "adjust", [list(self.loans)], self.p.clearing_house)

    @rule(loan=st.integers(1, 5), who=st.sampled_from(["L1", "L2", GOOD, POOR, "out"]))
    def settle(self, loan: int, who: str) -> None:
        sender = self.outsider if who == "out" else self.at[who]
        self.tries("lending", "settle", [[loan]], sender)

    @rule(loan=st.integers(1, 5))
    def declare(self, loan: int) -> None:
        """Its lender declares whatever it can."""
        self.tries("desk", "declare_unmet", [loan], self.at[self.loans[loan][0]])

    @rule(amount=st.integers(1, 20_000))
    def poor_gives_away(self, amount: int) -> None:
        held = self.p.balances([self.at[POOR]])[0][2]
        self.tries("custodian", "redeem", [self.cash, min(amount, held)], self.at[POOR])

    @rule(loan=st.integers(1, 5), token=st.integers(0, 1), amount=st.integers(1, 50))
    def top_up(self, loan: int, token: int, amount: int) -> None:
        self.tries("lending", "top_up", [loan, token, amount], self.at[self.loans[loan][1]])

    @rule(token=st.integers(0, 2), amount=st.sampled_from([0, 10**12]))
    def lender_changes_its_allowance(self, token: int, amount: int) -> None:
        arguments = [self.p.lending.address, amount]
        self.p.machine.send(self.p.tokens[token], "approve", arguments, self.at["L1"])

    @property
    def cash(self) -> str:
        return str(self.p.tokens[2].address)

    # What must hold

    @invariant()
    def who_pays_is_not_in_default(self) -> None:
        assert self.p.machine.read(self.p.desk, "default_day", [self.at[GOOD]]) == 0

    @invariant()
    def everything_is_backed(self) -> None:
        everybody = [*self.at.values(), self.outsider, self.buyer]
        minted, burned = self.p.supply()
        for number, token in enumerate(self.p.tokens):
            deposits = sum(self.p.deposited(owner, number) for owner in everybody)
            backed = self.p.machine.read(self.p.custodian, "backed", [token.address])
            assert backed == deposits + minted[number] - burned[number]

    @invariant()
    def pools_hold_what_they_owe(self) -> None:
        owed = [0, 0, 0]
        for loan in self.loans:
            held, under_way = self.p.collateral(loan), self.p.instructed(loan)
            coming = self.p.loan(loan).instructed == 1
            for token in range(3):
                owed[token] += held[token] + (under_way[token] if coming else 0)
        for owner in self.at.values():
            for token in range(3):
                owed[token] += self.p.machine.read(self.p.lending, "credit", [owner, token])
        assert self.p.balances([self.p.lending.address])[0] == owed

    def teardown(self) -> None:
        """Every loan can end, and everything be claimed, without clearing house or buyer."""
        self.tick()
        for loan in self.loans:
            for party in self.loans[loan]:
                self.tries("lending", "end_early", [loan], self.at[party])
        self.tick()
        for loan, (_, borrower) in self.loans.items():
            self.tries("lending", "settle", [[loan]], self.at[borrower])
        for loan, (lender, borrower) in self.loans.items():
            state = self.p.loan(loan).state
            if borrower == GOOD:
                assert state == SETTLED, "who has what it owes can end its loans"
            elif state == OPEN:
                self.close(loan, lender, borrower)
        for owner in self.at.values():
            for token in range(3):
                self.tries("lending", "claim", [token, owner], owner)
            self.tries("desk", "take", [owner], owner)
        assert self.p.balances([self.p.lending.address, self.p.desk.address]) == [[0, 0, 0]] * 2

    def tick(self) -> None:
        self.next_day((0, 0), True)

    def close(self, loan: int, lender: str, borrower: str) -> None:
        """A lender helps itself against a borrower that does not pay."""
        one, other = self.at[lender], self.at[borrower]
        for _ in range(3):
            if self.p.machine.read(self.p.desk, "default_day", [other]):
                break
            if self.send("lending", "settle", [[loan]], one) == [True]:
                # It was paid with what another loan has brought in the meantime.
                return
            self.tries("desk", "declare_unmet", [loan], one)
            self.tick()
        assert self.p.machine.read(self.p.desk, "default_day", [other])
        self.tick()
        self.send("desk", "stop", [[loan], other], one)
        assert self.p.loan(loan).state == STOPPED
        left, taken = self.p.measure(loan).exposure, [0, 0, 0]
        for token, held in enumerate(self.p.collateral(loan)[:2]):
            taken[token] = min(held, left // self.prices[token])
            left -= taken[token] * self.prices[token]
        if any(taken):
            self.send("desk", "liquidate", [loan, one, taken], one)
        rest = [held * (token < 2) for token, held in enumerate(self.p.collateral(loan))]
        if any(rest):
            self.p.liquidate(loan, self.buyer, rest, [*self.prices, 1])
        order = sorted(range(3), key=lambda token: (-[*self.prices, 1][token], token))
        self.send("desk", "close_out", [[loan], other, one, order], one)
        assert self.p.loan(loan).state == CLOSED_OUT


Economy.TestCase.settings = settings(
    max_examples=settings().max_examples // 8,  # each has 25 steps
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestEconomy = Economy.TestCase


@given(
    posts=st.lists(st.integers(20, 600), min_size=1, max_size=5),
    up=st.booleans(),
)
@settings(max_examples=20, deadline=None)
def test_what_a_poster_alone_can_cost(posts: list[int], up: bool) -> None:
    """However often it posts on a day, a quarter of the collateral's value is the most it moves."""
    world = new_world(priority=(0, 1), return_up=up, trigger=0)
    p = world.platform
    p.deposit(world.lender, 0, 10**6)
    p.go_to(1)
    for price in posts:
        p.machine.advance_to(p.machine.now + 1)
        p.machine.send(p.oracle, "post", [[price, 2 * price], p.machine.now], p.poster)
    with contextlib.suppress(RevertedError):
        assert p.adjust([world.loan])[0].kind != SKIPPED
    held = p.collateral(world.loan)
    worth = 100 * held[0] + 200 * held[1] - 100 * p.loan(world.loan).advanced
    # One token may be missing by rounding; 25 % is the bound of this oracle.
    assert worth * 125 // 100 >= 300_000 - 200
