"""The same market in columns and in contracts, for tests that do everything to both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from abm.books.events import EventRecorder
from abm.books.loan_book import ACTIVE, OPEN_LOAN
from abm.books.standing import new_standing
from abm.chain.close_out import TapedLedger
from abm.chain.machine import RevertedError
from abm.chain.platform import Platform
from abm.chain.records import LARGE_DEPOSIT
from abm.chain.terms import contract_terms
from abm.day.close_out import CloseOutDesk
from abm.opening.build import Streams, draw_blueprint
from abm.rules.price_impact import MarketImpact
from abm.rules.requirement import mark_exposures
from scenarios.prices import PricePanel
from scenarios.scenario import Scenario

TOKENS = ("A", "B", "cash")
NAMES = ("P0", "P1", "P2")
PAIRS = ((0, 1, 0), (0, 1, 1), (1, 0, 2), (2, 1, 3), (1, 2, 2))
"""Lender, borrower and agreement of each loan that can be opened."""
AGREEMENTS = ("", "x", "y", "z")
FINITE = 2**62
"""Any capacity of the columns below this one runs out."""


def scenario_of(terms: Sequence[dict[str, Any]], limited: bool) -> Scenario:
    """A scenario with the loans of `PAIRS`, one of whose agreements has each of the terms."""
    return Scenario.parse(
        {
            "window": {"start": "2024-01-01", "end": "2024-01-03"},
            "money": {"currency": "cash", "unit": 1},
            "prices": {"source": "file", "file": "given"},
            "agreement": terms[0],
            "agreements": dict(zip(AGREEMENTS[1:], terms[1:], strict=True)),
            "loans": [
                {
                    "loan_id": number,
                    "lender": NAMES[lender],
                    "borrower": NAMES[borrower],
                    "collateral": {"A": 1},
                    **({"agreement": AGREEMENTS[used]} if used else {}),
                }
                for number, (lender, borrower, used) in enumerate(PAIRS)
            ],
            "participants": {"issuance_capacity": 0.0 if limited else "unlimited"},
        },
        "stateful",
    )


class TwoLedgers:
    """Books with the desk of the columns, and the contracts; no loan is open yet."""

    def set_up(self, scenario: Scenario) -> None:
        """Build both, with the same participants, agreements and deposits."""
        frame = pd.DataFrame(
            [(100.0, 100.0)] * 2, index=pd.date_range("2024-01-01", periods=2), columns=["A", "B"]
        )
        prices = PricePanel.from_frame(frame, "given")
        blueprint = draw_blueprint(scenario, Streams.spawn(1), prices)
        self.books, self.ledger = blueprint.books, TapedLedger(blueprint.ledger)
        self.books.lent[:] = 0
        nobody = MarketImpact(None, np.zeros((1, len(TOKENS))))
        events = EventRecorder(False, 3)
        rules = scenario.close_out.model_copy(update={"margin_period_of_risk": 0})
        standing = new_standing(blueprint.equity)
        self.desk = CloseOutDesk(rules, self.books, self.ledger, standing, nobody, events)
        self.platform = Platform(TOKENS)
        self.addresses = [self.platform.join(name, 2**60) for name in NAMES]
        self.addresses.append(self.platform.join_as_buyer("outside"))
        self.outsider = self.platform.account("outsider")
        self.agreements = [
            self.platform.register_agreement(contract_terms(used, self.books.eligible(t), 1))
            for t, used in enumerate((scenario.agreement, *scenario.agreements.values()))
        ]
        self.ids: dict[int, int] = {}
        self.losses = dict.fromkeys(range(len(NAMES)), 0)
        self.day = 0
        self.settled = False
        capacity = self.books.ledger.capacity
        for row, token in np.argwhere(capacity).tolist():
            amount = int(capacity[row, token])
            amount = min(amount, LARGE_DEPOSIT)
            self.platform.deposit(self.addresses[row], token, amount)

    def post(self, given: tuple[int, int]) -> None:
        """Prices of A and B, from now on."""
        self.prices = np.array([*given, 1], np.int64)
        self.platform.post(list(given))
        mark_exposures(self.books, self.prices)

    def live(self) -> list[int]:
        """Rows of open loans whose account is margined."""
        states, accounts = self.books.loans.state, self.books.accounts.state
        return [i for i in self.ids if states[i] == OPEN_LOAN and accounts[i] == ACTIVE]

    def refused(self, reason: str, function: Callable[..., Any], *arguments: Any) -> None:
        """The contracts refuse a call for this reason."""
        try:
            function(*arguments)
        except RevertedError as refusal:
            assert str(refusal) == reason
        else:
            raise AssertionError(f"not refused, expected: {reason}")

    def check_equal(self) -> None:
        """Both tell the same of all wallets, deposits and loans, and lose no token."""
        p, arrays = self.platform, self.books.ledger
        assert self.ledger.wallets.tolist() == p.balances(self.addresses)
        assert (arrays.minted.tolist(), arrays.burned.tolist()) == p.supply()
        for row in range(len(NAMES)):
            for token in range(3):
                capacity = int(arrays.capacity[row, token])
                if capacity < FINITE:
                    assert capacity == p.deposited(self.addresses[row], token)
        transit = np.zeros(3, np.int64)
        for i, loan_id in self.ids.items():
            transit += self._check_loan(i, loan_id)
        self.ledger.check_conservation()
        owed = self.ledger.collateral.sum(axis=0) + transit
        assert p.balances([p.lending.address])[0] == owed.tolist()
        assert p.balances([self.outsider])[0] == [0, 0, 0]

    def _check_loan(self, i: int, loan_id: int) -> Any:
        """Compare a loan; gives its tokens on the way to the lender."""
        p, arrays, accounts = self.platform, self.books.ledger, self.books.accounts
        loan = p.loan(loan_id)
        assert arrays.balance[arrays.collateral_row + i].tolist() == p.collateral(loan_id)
        assert accounts.advanced[i] == loan.advanced
        if self.books.loans.state[i] == OPEN_LOAN:
            assert accounts.unmet_days[i] == loan.unmet_days
            measure = p.measure(loan_id)
            assert measure.exposure == accounts.exposure[i]
            assert measure.required == accounts.required[i]
            assert (measure.lower, measure.upper) == (accounts.lower[i], accounts.upper[i])
        if not len(self.books.returning):
            return 0
        going = self.books.returning[0, i]
        coming = arrays.balance[arrays.transit_row + i]
        assert (going + coming).tolist() == p.instructed(loan_id)
        assert bool(loan.instructed) == bool((going + coming).any())
        return coming
