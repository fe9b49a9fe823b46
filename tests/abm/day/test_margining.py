"""Requirements, triggers, minimum transfer amounts, rounding, settlement lag, running short."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import held, loan, market_of

from abm.books.terms import fraction_of
from abm.model import CollateralMarket


def one(
    prices: dict[str, list[float]], lent: int, collateral: int, **terms: Any
) -> CollateralMarket:
    """One cash loan secured by token A."""
    entry = loan(1, "L1", "B1", lent={"JPY": lent}, collateral={"A": collateral})
    return market_of(prices, agreement={"haircut": 0.0, "grace_days": 99, **terms}, loans=[entry])


def test_required_collateral_by_haircut() -> None:
    """200,000 shares at 25 USD, haircut 2 %: 5,102,040.82 USD (FINOS CDM, securities lending)."""
    market = market_of(
        {"SHARE": [25, 25], "BOND": [0.01, 0.01]},
        money={"currency": "USD", "unit": 0.01},
        agreement={"haircut": 0.02, "priority": ["BOND"]},
        loans=[loan(1, "L1", "B1", lent={"SHARE": 200_000})],
    )
    assert market.books.accounts.required.tolist() == [510_204_082]
    assert market.today["exposure"] == 5_000_000
    assert market.today["collateral_value"] == pytest.approx(5_102_040.82)
    assert 0 <= market.today["gap"] < 0.01


def test_required_collateral_by_margin_percentage() -> None:
    """1,000,000 shares at 9.8011 GBP, 102 %: 9,997,122 GBP (FINOS CDM, securities lending)."""
    market = market_of(
        {"SHARE": [9.8011, 9.8011], "GILT": [0.0001, 0.0001]},
        money={"currency": "GBP", "unit": 0.0001},
        agreement={"margin_percentage": 1.02, "priority": ["GILT"]},
        loans=[loan(1, "L1", "B1", lent={"SHARE": 1_000_000})],
    )
    assert market.books.accounts.required.tolist() == [99_971_220_000]
    assert market.today["collateral_value"] == pytest.approx(9_997_122)


@given(st.integers(0, 2**45), st.integers(1, 2**31 - 1), st.integers(1, 2**31 - 1))
def test_fractions_of_amounts_are_exact(amount: int, numerator: int, denominator: int) -> None:
    if amount * numerator // denominator >= 2**62:
        return
    whole, rest = fraction_of(amount, numerator, denominator)
    assert whole == amount * numerator // denominator
    assert Fraction(rest, denominator) == Fraction(amount * numerator, denominator) - whole


@pytest.mark.parametrize(
    ("price", "mta", "moved"),
    [(90, 100, 2), (90, 101, 0), (110, 100, -1), (110, 101, 0), (100, 0, 0), (91, 90, 1)],
)
def test_movements_below_the_minimum_transfer_amount_are_not_made(
    price: int, mta: int, moved: int
) -> None:
    """Δ = required - posted moves if |Δ| ≥ MTA (CDM CSA functions): here Δ = ±100 and 90.

    Deliveries round up, returns down: 100/90 → 2, 100/110 → 0 and one if rounded up.
    """
    market = one({"A": [100, price]}, 1000, 10, minimum_transfer_amount=mta, return_rounding="up")
    market.step()
    assert held(market)[0]["A"] == 10 + moved
    assert market.today["margin_calls"] == (abs(1000 - 10 * price) >= mta)


@pytest.mark.parametrize(
    ("price", "delivery", "back", "moved"),
    [
        (97, "up", "down", 1),
        (97, "down", "down", 0),
        (130, "up", "down", -2),
        (130, "up", "up", -3),
    ],
)
def test_rounding(price: int, delivery: str, back: str, moved: int) -> None:
    market = one({"A": [100, price]}, 1000, 10, delivery_rounding=delivery, return_rounding=back)
    market.step()
    assert held(market)[0]["A"] == 10 + moved
    assert market.today["unmet_calls"] == 0


def test_what_rounding_down_leaves_open_is_not_unmet() -> None:
    """50 are missing: no whole A of 95, and the rule does not go on to B of 10."""
    market = market_of(
        {"A": [100, 95, 95], "B": [10, 10, 10]},
        agreement={"haircut": 0.0, "delivery_rounding": "down"},
        loans=[loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10})],
    )
    market.run()
    assert market.summary()["unmet_calls"] == 0
    assert market.summary()["defaults"] == 0


@pytest.mark.parametrize(("debt", "unmet"), [(989, 0), (990, 90), (991, 91)])
def test_a_whole_token_that_nobody_has_is_unmet_also_if_rounded_down(debt: int, unmet: int) -> None:
    """Ten tokens of 90 secure 989, 990 or 991: 89 are less than a token, 90 are exactly one."""
    market = market_of(
        {"A": [99, 90]},
        agreement={"haircut": 0.0, "delivery_rounding": "down"},
        loans=[loan(1, "L1", "B1", lent={"JPY": debt}, collateral={"A": 10})],
        participants={"issuance_capacity": 0 if unmet else "unlimited"},
    )
    market.step()
    assert market.today["unmet_value"] == unmet
    assert market.today["unmet_calls"] == (unmet > 0)


@pytest.mark.parametrize(
    ("price", "call"), [(99, 0), (98, 0), (97, 1), (102, 0), (103, 1), (101, 0)]
)
def test_the_trigger_is_two_sided_and_strict(price: int, call: int) -> None:
    """A call when |d| > β L: 2 % exactly is none, and a call goes all the way back to d = 0."""
    market = one({"A": [100, price]}, 100_000, 1000, trigger=0.02, return_rounding="up")
    market.step()
    assert market.today["margin_calls"] == call
    if call:
        assert abs(market.today["gap"]) < price
    else:
        assert held(market)[0]["A"] == 1000


def test_a_trigger_of_zero_calls_every_day_also_for_nothing() -> None:
    market = one({"A": [100] * 5}, 1000, 10)
    assert market.run().days_frame()["margin_calls"].tolist() == [0, 1, 1, 1, 1]
    assert market.summary()["transfers"] == 0
    assert market.summary()["delivery_calls"] == market.summary()["return_calls"] == 0


def test_what_is_in_transit_is_netted_by_a_new_call() -> None:
    """Called on day 1 for 3 tokens that settle on day 3; day 2 asks for the one more only."""
    market = one({"A": [100, 80, 75, 75, 75]}, 1000, 10, settlement_lag=2)
    posted, instructed = [], []
    while market.running:
        market.step()
        posted.append(held(market)[0]["A"])
        instructed.append(market.today["delivered_value"])
    assert posted == [10, 10, 13, 14]
    assert instructed == [3 * 80, 75, 0, 0]


def test_a_return_in_transit_is_netted_by_a_fall() -> None:
    """Five instructed to go back at 200; at 100 they are missing again and delivered anew."""
    market = one({"A": [100, 200, 100, 100]}, 1000, 10, settlement_lag=1)
    posted = []
    while market.running:
        market.step()
        posted.append(held(market)[0]["A"])
    assert posted == [10, 5, 10]


def test_wallet_first_then_minting_then_unmet() -> None:
    """A call of 250 at 50: wallet 1 A and 2 B, minting of 1 A and 1 B, nothing for the rest."""
    market = market_of(
        {"A": [100, 50], "B": [40, 40]},
        agreement={"haircut": 0.0, "grace_days": 9},
        loans=[loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 15})],
        participants={
            "given": [
                {
                    "name": "B1",
                    "role": "borrower",
                    "wallet": {"A": 1, "B": 2},
                    "issuance_capacity": {"A": 1, "B": 1},
                }
            ]
        },
        events=True,
    )
    market.step()
    assert held(market) == [{"A": 17, "B": 3, "JPY": 0}]
    assert market.today["unmet_value"] == 1000 - 17 * 50 - 3 * 40
    assert market.today["borrower_issuances"] == 1
    assert market.today["borrower_issued_value"] == 90
    assert market.today["delivered_value"] == 220
    assert market.today["delivery_call_value"] == 250


def test_an_unmet_call_stands_within_the_trigger() -> None:
    """20 % are missing, half of it comes: the rest is called for although β is 15 %."""
    market = market_of(
        {"A": [100, 80, 80, 80]},
        agreement={"haircut": 0.0, "trigger": 0.15, "grace_days": 9},
        loans=[loan(1, "L1", "B1", lent={"JPY": 8000}, collateral={"A": 80})],
        participants={
            "given": [
                {
                    "name": "B1",
                    "role": "borrower",
                    "wallet": {"A": 10},
                    "issuance_capacity": {"A": 0},
                }
            ]
        },
    )
    market.run()
    assert market.days_frame()["unmet_value"].tolist() == [0, 800, 800, 800]
    assert market.loans_frame()["unmet_days"].tolist() == [3]


def test_returns_come_before_deliveries() -> None:
    """What a borrower gets back on one loan meets the call on another, in any order of loans."""
    for first, second in ((1, 2), (2, 1)):
        market = market_of(
            {"A": [100, 100], "B": [100, 100], "C": [100, 50]},
            agreement={"haircut": 0.0},
            loans=[
                loan(first, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 20}),
                loan(second, "L2", "B1", lent={"JPY": 1000}, collateral={"C": 10}),
            ],
            participants={"issuance_capacity": 0},
        )
        market.step()
        assert market.today["unmet_calls"] == 0
        assert market.today["borrower_issuances"] == 0
        assert market.participants["B1"].wallet["A"] == 5


def test_the_calls_on_a_borrower_share_and_the_first_gets_what_is_left_over() -> None:
    market = market_of(
        {"A": [100, 50]},
        agreement={"haircut": 0.0, "grace_days": 9},
        loans=[loan(i, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10}) for i in (30, 7, 12)],
        participants={
            "given": [
                {
                    "name": "B1",
                    "role": "borrower",
                    "wallet": {"A": 14},
                    "issuance_capacity": {"A": 0},
                }
            ]
        },
    )
    market.step()
    table = market.loans_frame()
    assert table["loan_id"].tolist() == [7, 12, 30]
    assert table["posted_A"].tolist() == [15, 15, 14]


def test_aggregated_margining_nets_the_loans_of_a_pair() -> None:
    """One loan has 500 too much, the other 500 too little: together there is no call."""
    entries = [
        loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10}),
        loan(2, "L1", "B1", lent={"JPY": 1000}, collateral={"B": 10}),
        loan(3, "L2", "B1", lent={"JPY": 1000}, collateral={"A": 10}),
    ]
    prices = {"A": [100, 150], "B": [100, 50]}
    apart = market_of(prices, agreement={"haircut": 0.0}, loans=entries)
    together = market_of(prices, agreement={"haircut": 0.0, "aggregated": True}, loans=entries)
    apart.step()
    together.step()
    assert (apart.today["delivery_calls"], apart.today["return_calls"]) == (1, 2)
    assert (together.today["delivery_calls"], together.today["return_calls"]) == (0, 1)
    assert len(held(together)) == 2
    assert together.today["open_loans"] == 3
    assert together.loans_frame()["account"].tolist() == [1, 1, 3]


def test_minting_takes_its_days_and_is_not_asked_for_twice() -> None:
    market = market_of(
        {"A": [100, 50, 50, 50, 50]},
        agreement={"haircut": 0.0, "grace_days": 9},
        loans=[loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10})],
        participants={"minting_days": 2},
    ).run()
    days = market.days_frame()
    assert days["borrower_issued_value"].tolist() == [0, 500, 0, 0, 0]
    assert days["unmet_value"].tolist() == [0, 500, 500, 0, 0]
    assert days["delivered_value"].tolist() == [0, 0, 0, 500, 0]


def test_cash_can_be_collateral() -> None:
    market = market_of(
        {"A": [100, 130]},
        agreement={"margin_percentage": 1.05, "priority": ["JPY"]},
        loans=[loan(1, "L1", "B1", lent={"A": 10})],
    )
    assert held(market) == [{"A": 0, "JPY": 1050}]
    market.step()
    assert held(market) == [{"A": 0, "JPY": 1365}]
