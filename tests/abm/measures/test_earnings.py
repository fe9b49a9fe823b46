"""Fees, interest and shares: invoices to the cent, sums of zero, and what a year earns."""

from __future__ import annotations

import copy
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from abm.measures.earnings import PARTS, accrue, in_parts
from abm.model import CollateralMarket
from scenarios.errors import InputError
from scenarios.scenario import Scenario

PRICES = [
    *(26.87, 27.23, 27.23, 27.23, 27.67, 28.04, 28.72, 29.53, 30.03, 30.03, 30.03, 31.13, 31.87),
    *(31.93, 31.46, 32.12, 32.12, 32.12, 32.01, 30.72, 28.34, 28.18),
]
"""Of 1 to 22 October 2020: the securities loan that FINOS CDM's sample invoice bills
(create-security-lending-invoice), whose average of them is 29.755."""


def billed(values: list[int], rate: float) -> int:
    """Cents, accrued one calendar day at a time."""
    divisor, total = PARTS * 360, 0
    left = np.array([divisor // 2])
    for value in values:
        paid, left = accrue(np.array([value]) * in_parts(rate), left, divisor)
        total += int(paid[0])
    return total


class TestInvoice:
    """The sample gives quantities, prices, rate and day count; the amounts follow."""

    CENTS = tuple(round(100 * price) for price in PRICES)

    def test_the_samples_average_price(self) -> None:
        assert np.mean(PRICES) == pytest.approx(29.755, abs=1e-12)

    def test_full_return(self) -> None:
        """200,000 shares for 22 days at 1 %: 200,000 · 29.755 · 0.01 · 22/360 = 3,636.72."""
        assert billed([200_000 * cents for cents in self.CENTS], 0.01) == 363_672

    def test_part_return(self) -> None:
        """200,000 to 9 October, of which 50,000 go back, and 150,000 from the 10th on:
        (200,000 · 252.55 + 150,000 · 402.06) · 0.01/360 = 3,078.31, rounded once."""
        shares = [200_000] * 9 + [150_000] * 13
        exact = sum(map(lambda n, p: n * Fraction(p, 100), shares, self.CENTS)) / 100 / 360
        bill = billed([n * p for n, p in zip(shares, self.CENTS, strict=True)], 0.01)
        assert bill == round(100 * exact) == 307_831

    def test_rebate_on_cash(self) -> None:
        """5,000,000 dollars for 22 days at 1 %: 3,055.56."""
        assert billed([500_000_000] * 22, 0.01) == 305_556

    def test_a_negative_rate(self) -> None:
        assert billed([500_000_000] * 22, -0.01) == -305_556


TABLE: dict[str, Any] = {
    "window": {"start": "2020-01-03", "end": "2020-01-14", "calendar": "sessions"},
    "assets": {
        "bonds": {"tokens": ["GOV"], "volatility": 1e-9, "lending_fee": 0.001},
        "shares": {"tokens": ["EQ"], "volatility": 1e-9, "lending_fee": 0.036},
    },
    "prices": {"source": "classes"},
    "fees": {"benchmark": 0.018, "reinvestment": 0.0216},
    "loan": {"lent": {"EQ": 1000}, "composition": {"USD": 1}},
    "agreement": {"margin_percentage": 1.02, "priority": ["USD"]},
    "measures": [
        f"abm.measures.earnings:{name}"
        for name in ("lending_fees", "cash_interest", "reinvestment_income", "lenders_revenue")
    ]
    + ["abm.measures.earnings:revenue_bp"],
}


def market(**changes: Any) -> CollateralMarket:
    scenario = Scenario.parse(copy.deepcopy(TABLE), "test")
    return CollateralMarket(scenario.with_changes(changes) if changes else scenario, rng=1)


def test_a_week_by_hand() -> None:
    """100,000 dollars lent at 3.6 %, 10 a day; 102,000 in cash cost 5.10 and earn 6.12 a day."""
    days = market().run().days_frame()
    passed = [3, 1, 1, 1, 1, 3, 1]  # from a Friday; the last day counts once
    assert days["lending_fees"].tolist() == pytest.approx([10 * n for n in passed])
    assert days["cash_interest"].tolist() == pytest.approx([5.10 * n for n in passed])
    assert days["reinvestment_income"].tolist() == pytest.approx([6.12 * n for n in passed])
    assert days["lenders_revenue"].tolist() == pytest.approx([11.02 * n for n in passed])
    assert days["revenue_bp"].tolist() == pytest.approx([396.72] * 7)


def test_parties_by_hand() -> None:
    ended = market().run()
    assert ended.earnings is not None
    by_name = dict(zip(ended.population.names, ended.earnings.by_participant, strict=True))
    assert by_name == {"L1": 11 * 1102, "B1": 11 * (510 - 1000)}
    assert ended.earnings.outside == -11 * 612


def test_days_that_nobody_asks_about_are_counted_too() -> None:
    """Without a measure of one's own days could run together in compiled code."""
    asked, alone = market().run(), market(measures=[]).run()
    assert asked.earnings is not None and alone.earnings is not None
    assert alone.earnings.by_participant.tolist() == asked.earnings.by_participant.tolist()
    assert alone.earnings.by_participant.any()


def test_securities_as_collateral_earn_the_fee_alone() -> None:
    changes = {"loan.composition": {"GOV": 1}, "agreement.priority": ["GOV"]}
    days = market(**changes).run().days_frame()
    assert not days["cash_interest"].any()
    assert days["lenders_revenue"].tolist() == days["lending_fees"].tolist()
    assert days["revenue_bp"].tolist() == pytest.approx([360] * 7)


def test_cash_lent_costs_nothing_here() -> None:
    changes = {"loan": {"principal": 100_000}, "agreement.priority": ["GOV"]}
    days = market(**changes).run().days_frame()
    assert not days["lending_fees"].any()
    assert days["revenue_bp"].isna().all()


def test_nothing_else_depends_on_it() -> None:
    with_fees, without = market(), market(fees=None, measures=[])
    days = with_fees.run().days_frame()
    assert without.earnings is None
    plain = without.run().days_frame()
    assert days[plain.columns].equals(plain)


def test_a_defaulter_accrues_no_more() -> None:
    scheduled = [{"participant": "B1", "day": 3}]
    days = market(**{"defaults.scheduled": scheduled}).run().days_frame()
    assert (days["lending_fees"] > 0).tolist() == [True] * 3 + [False] * 4


class TestBook:
    @pytest.fixture(scope="class")
    @staticmethod
    def book() -> CollateralMarket:
        changes: dict[str, Any] = {"book.loans": 2000, "window.end": "2024-02-15"}
        return CollateralMarket("securities-lending-book", rng=2, **changes)

    def test_every_day_adds_up_to_zero_to_the_unit(self, book: CollateralMarket) -> None:
        earned = book.earnings
        assert earned is not None
        while book.running:
            book.step()
            total = earned.by_participant.sum() + earned.by_agent.sum() + earned.outside
            assert total == 0
        assert (earned.by_agent > 0).all()
        assert earned.outside < 0

    def test_agents_have_their_share(self, book: CollateralMarket) -> None:
        """A tenth, but for less than a unit of each margin account."""
        days = book.run().days_frame()
        agents, lenders = days["agents_revenue"].sum(), days["lenders_revenue"].sum()
        assert agents == pytest.approx((agents + lenders) / 10, abs=len(book.books.accounts) / 100)

    def test_revenue_is_what_the_targets_come_to(self, book: CollateralMarket) -> None:
        """0.45 · 90 + 0.43 · 10 + 0.12 · 20 bp of fees; 10 bp on 102 % of what is against cash."""
        days = book.run().days_frame()
        wanted = 0.45 * 90 + 0.43 * 10 + 0.12 * 20 + 0.522 * 1.02 * 10
        assert days["revenue_bp"].mean() == pytest.approx(wanted, rel=0.15)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fees.agent_share": 0.1}, "only lenders of a .book. have agents"),
        ({"fees": None}, r"need a table \[fees\]"),
        ({"ledger": "evm"}, "fees: the contracts know none"),
        ({"fees.day_count": 364}, r"fees\.day_count"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        market(**changes)
