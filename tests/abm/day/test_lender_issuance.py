"""Tokens that a lender issues to complete a return, and what rounding up may take."""

from __future__ import annotations

from typing import Any

import pytest
from worlds import held, loan, market_of

from abm.model import CollateralMarket

ISSUING = {
    "haircut": 0.0,
    "adjustment": "single",
    "lender_issuance": True,
    "priority": ["A"],
    "grace_days": 1000,
}


def issuing_market(b: list[int], **terms: Any) -> CollateralMarket:
    """2,000 lent against ten A at 100 and ten B; the lender can issue 1,000 A, the borrower 20."""
    return market_of(
        {"A": [100] * len(b), "B": b},
        agreement={**ISSUING, **terms},
        participants={
            "given": [
                {"name": "L1", "role": "lender", "issuance_capacity": {"A": 1000}},
                {"name": "B1", "role": "borrower", "issuance_capacity": {"A": 20}},
            ]
        },
        loans=[loan(1, "L1", "B1", lent={"JPY": 2000}, collateral={"A": 10, "B": 10})],
    )


def deposit_of_lender(market: CollateralMarket) -> int:
    row = market.participants["L1"].row
    return int(market.ledger.arrays.capacity[row, 0])


@pytest.mark.parametrize("lag", [0, 1])
def test_what_comes_back_can_be_issued_again(lag: int) -> None:
    """B at 300: ten A go back and ten more are issued; B at 100: all come back, ten are burned."""
    market = issuing_market([100, 300, 300, 100, 100, 100], settlement_lag=lag)
    market.step()
    market.step()
    assert market.books.accounts.advanced[0] == 10
    assert deposit_of_lender(market) == 990
    for _ in range(3):
        market.step()
    assert market.books.accounts.advanced[0] == 0
    assert held(market) == [{"A": 10, "B": 10, "JPY": 0}]
    assert deposit_of_lender(market) == 1000


def test_settlement_restores_the_deposit() -> None:
    """The loan ends while ten A that the lender issued are still with the borrower."""
    market = issuing_market([100, 300, 300])
    market.run()
    assert market.books.accounts.advanced[0] == 0
    assert deposit_of_lender(market) == 1000


@pytest.mark.parametrize(
    ("tokens", "left"),
    [(1, 1), (2, 2), (3, 3), (5, 4)],
)
def test_rounding_up_takes_a_quarter_at_most(tokens: int, left: int) -> None:
    """An excess of 1 does not return the only token, nor one of three; of five it does."""
    market = market_of(
        {"A": [1000, 1000]},
        agreement={"haircut": 0.0, "return_rounding": "up"},
        loans=[loan(1, "L1", "B1", lent={"JPY": 1000 * tokens - 1}, collateral={"A": tokens})],
    )
    market.step()
    assert held(market) == [{"A": left, "JPY": 0}]
