"""Participants allow the lending contract what they are about to owe, and no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from worlds import loan, market_of

from abm.chain.allowances import CALLS_COVERED
from abm.chain.day import chain_of
from abm.chain.platform import Platform
from abm.model import CollateralMarket

FALLING = {"A": [100, 90, 90, 81, 45], "B": [10, 10, 10, 10, 10]}


def market(**fields: Any) -> CollateralMarket:
    """95,000 against 1,000 A at 100 and a haircut of 5 %; 5,000 A and 9,000 B in the wallet."""
    return market_of(
        FALLING,
        loans=[loan(1, "L", "B", lent={"JPY": 95_000}, collateral={"A": 1000})],
        agreement={"haircut": 0.05, "priority": ["A", "B"], "adjustment": "multi"},
        participants={
            "given": [{"name": "B", "role": "borrower", "wallet": {"A": 5000, "B": 9000}}],
            "issuance_capacity": 0,
        },
        ledger="evm",
        **fields,
    )


def allowed(market: CollateralMarket, name: str) -> list[int]:
    chain = chain_of(market)
    owner = chain.addresses[market.population.names.index(name)]
    return [chain.platform.allowed(owner, token) for token in range(len(market.tokens))]


def test_five_calls_of_todays_size_are_allowed_at_most() -> None:
    """Day 1 misses 100,000 - 90,000, which are 112 A at 90; 560 are allowed. Day 3 misses
    100,000 - 1112 x 81, which are 123 A and within the 448 that are left; day 4, 44,425 at 45
    and thus 988 A, is not: 4,940 are allowed. B is not needed."""
    one = market()
    assert allowed(one, "B") == allowed(one, "L") == [0, 0, 0], "the opening took what it needed"
    left = []
    while one.running:
        one.step()
        left.append(allowed(one, "B"))
    assert left == [[448, 0, 0], [448, 0, 0], [325, 0, 0], [4 * 988, 0, 0]]
    assert allowed(one, "L") == [0, 0, 0]
    one.conclude()
    assert one.loans_frame()["state"].tolist() == ["open"], "no maturity"


def test_a_repayment_is_allowed_on_the_day_and_to_the_token() -> None:
    one = market_of(
        {"A": [100, 100, 100]},
        loans=[loan(1, "L", "B", lent={"JPY": 95_000}, collateral={"A": 1000}, maturity=2)],
        agreement={"haircut": 0.05},
        ledger="evm",
    )
    one.step()
    assert allowed(one, "B") == [0, 0]
    one.step()
    assert one.loans_frame()["state"].tolist() == ["settled"]
    assert allowed(one, "B") == [0, 0]


def test_an_allowance_too_low_would_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ninth of what is renewed, 62 A of the 112 that are called: the rest is unmet."""
    one, allow = market(), Platform.allow
    monkeypatch.setattr(
        Platform, "allow", lambda self, owner, token, amount: allow(self, owner, token, amount // 9)
    )
    one.step()
    assert one.days_frame()["unmet_calls"].tolist() == [0, 1]
    assert one.days_frame()["delivered_value"].tolist() == [0, 62 * 90]


def test_the_bound_is_said_in_the_docs() -> None:
    text = (Path(__file__).parents[3] / "docs" / "contracts.md").read_text(encoding="utf-8")
    assert f"{CALLS_COVERED} calls of the day's size" in text
