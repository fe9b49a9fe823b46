"""What policies cost in all: by hand, and where their order turns."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from analysis.errors import ResultsError
from analysis.trade_off import ITEMS, UnitCosts, trade_off, with_costs

QUARTER = UnitCosts(
    0.25, margin_call=10, transfer=5, issuance=25, collateral=0.02, default_rate=0.01
)


def runs_of(**columns: Any) -> pd.DataFrame:
    """Two policies, two replications each: a counts much and loses nothing, b the other way."""
    table = {
        "scenario_id": [0, 0, 1, 1],
        "replication_id": [0, 1, 0, 1],
        "factor.policy": ["a", "a", "b", "b"],
        "lent_mean": 1e6,
        "margin_calls": [40, 44, 10, 12],
        "transfers": [100, 120, 20, 30],
        "borrower_issuances": [2, 2, 4, 4],
        "lender_issuances": [1, 1, 0, 0],
        "gas": 0.0,
        "close_out_loss": [0.0, 0.0, 400.0, 600.0],
        "collateral_value_mean": [1.05e6, 1.05e6, 1.06e6, 1.06e6],
        "uncollateralised_before_mean": [1000.0, 1200.0, 5000.0, 7000.0],
        "uncollateralised_after_mean": 0.0,
    }
    return pd.DataFrame(table | columns)


def test_costs_by_hand() -> None:
    """The first run of a: 400 + 500 + 50 + 25 + 5,250 + 2.5, of a quarter million lent a year."""
    row = with_costs(runs_of(), {0: QUARTER}).iloc[0]
    in_bp = 1e4 / 250_000
    by_hand = {
        "margin_call": 400,
        "transfer": 500,
        "borrower_issuance": 50,
        "lender_issuance": 25,
        "gas": 0,
        "collateral": 5250,
        "expected_loss": 2.5,
        "loss": 0,
        "capital": 0,
    }
    assert by_hand.keys() == ITEMS.keys()
    for item, money in by_hand.items():
        assert row[f"cost.{item}"] == pytest.approx(money * in_bp), item
    assert row["cost"] == pytest.approx(6227.5 * in_bp)
    assert row["cost.lenders"] == pytest.approx((200 + 250 + 25 + 2.5) * in_bp)
    assert row["cost.borrowers"] == pytest.approx((200 + 250 + 50 + 5250) * in_bp)


def test_capital_is_held_against_what_loans_add_to_sheets() -> None:
    prices = {0: UnitCosts(0.25, capital=0.03 * 0.1)}
    with pytest.raises(ResultsError, match="leverage_assets"):
        with_costs(runs_of(), prices)
    runs = runs_of(leverage_assets_mean=9e5, uncollateralised_after_mean=1e5)
    row = with_costs(runs, prices).iloc[0]
    assert row["cost"] == row["cost.lenders"] == pytest.approx(1e4 * 0.003)  # all of what is lent


def test_revenue_is_told_beside_losses() -> None:
    costs = with_costs(runs_of(lenders_revenue=500.0), {0: QUARTER, 1: QUARTER})
    assert costs["revenue"].iloc[0] == pytest.approx(20)  # 500 of 250,000
    lost = 12.5 + 400
    assert costs["revenue_per_loss"].iloc[2] == pytest.approx(500 / lost)


def test_a_policy_costs_the_same_at_the_price_where_it_turns() -> None:
    """Also with that price in the place of today's, which is what it says."""
    runs, prices = runs_of(), dict.fromkeys((0, 1), QUARTER)
    (row,) = trade_off(runs, prices, "factor.policy", "a").to_dict("records")
    costs = with_costs(runs, prices)["cost"].to_numpy()
    pairs = costs[:2] - costs[2:]
    assert row["pairs"] == 2
    assert row["difference"] == pytest.approx(pairs.mean())
    assert pairs.min() <= row["low"] <= row["difference"] <= row["high"] <= pairs.max()
    # Money of a less b: calls 310, transfers 425, issuances -25, collateral -50, losses -512.25.
    assert row["at.transfer"] == pytest.approx(5 - (310 + 425 - 25 - 50 - 512.25) / 85)
    for price in ("transfer", "default_rate", "issuance"):
        turned = QUARTER._replace(**{price: row[f"at.{price}"]})
        again = trade_off(runs, dict.fromkeys((0, 1), turned), "factor.policy", "a")
        assert again["difference"].iloc[0] == pytest.approx(0, abs=1e-9), price
    little = runs_of(close_out_loss=[0.0, 0.0, 100.0, 300.0])
    found = trade_off(little, prices, "factor.policy", "a")["at.margin_call"]
    assert found.isna().all(), "at no price from zero on: a call would have to pay"


@pytest.mark.parametrize("level", ["a", "b"])
def test_the_cheapest_is_told_by_resampling(level: str) -> None:
    cheap = runs_of(margin_calls=[40, 44, 1000, 1000])
    prices = dict.fromkeys((0, 1), UnitCosts(0.25, margin_call=100))
    table = trade_off(cheap, prices, "factor.policy", level)
    assert table["cheapest"].tolist() == [1.0 if level == "a" else 0.0]
    assert (table["difference"].iloc[0] < 0) == (level == "a")


def test_policies_are_compared_at_the_same_prices() -> None:
    prices = {0: QUARTER, 1: QUARTER._replace(transfer=1.0)}
    with pytest.raises(ResultsError, match="prices differ"):
        trade_off(runs_of(), prices, "factor.policy", "a")
    with pytest.raises(ResultsError, match="no level 'c' "):
        trade_off(runs_of(), dict.fromkeys((0, 1), QUARTER), "factor.policy", "c")
