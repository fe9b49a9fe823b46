"""What lenders stand to lose in the morning, after the day and in close-outs, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from networks import networks
from worlds import loan, market_of

from abm.measures.exposures import Exposures

World = tuple[dict[str, Any], dict[str, list[int]]]


@pytest.mark.parametrize(("lag", "second"), [(0, 0), (1, 100)])
def test_before_and_after_the_calls(lag: int, second: int) -> None:
    """Ten tokens fall from 100 to 90, and to 80: ten more are there in the evening or two days on.

    With a lag of a day, what was called on day 1 (two tokens) is not there on the morning of day 2.
    """
    market = market_of(
        {"A": [100, 90, 80, 80]},
        agreement={"haircut": 0.0, "settlement_lag": lag},
        loans=[loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10})],
    )
    market.step()
    today = market.today
    assert today["uncollateralised_before"] == today["requirement_shortfall_before"] == 100
    assert today["gap_before"] == -100
    assert today["uncollateralised_before_bp"] == today["requirement_shortfall_before_bp"] == 1000
    assert today["uncollateralised_after"] == (100 if lag else 0)
    market.step()
    # At once: 12 tokens at 80. With a lag: 10 at 80 in the morning, 12 after what has settled.
    assert market.today["uncollateralised_before"] == (200 if lag else 40)
    assert market.today["uncollateralised_after"] == (40 if lag else 0)


def test_exposure_and_shortfall_before_calls_are_apart() -> None:
    """1250 against 1000 at a haircut of 20 %; then 1100, and with what was called 1250 - 375."""
    market = market_of(
        {"A": [125, 110, 77]},
        agreement={"haircut": 0.2, "delivery_rounding": "up"},
        loans=[loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10})],
    )
    market.step()
    assert market.today["uncollateralised_before"] == 0
    assert market.today["requirement_shortfall_before"] == pytest.approx(120)
    assert market.today["requirement_shortfall"] == 0
    market.step()  # 12 tokens at 77
    assert market.today["uncollateralised_before"] == 1000 - 12 * 77
    assert market.today["requirement_shortfall_before"] == pytest.approx(1000 - 0.8 * 12 * 77)
    assert market.today["lent_before"] == market.today["lent"] == 1000


def closing(**close_out: Any) -> dict[str, Any]:
    return {
        "agreement": {"haircut": 0.0},
        "participants": {"given": [{"name": "B1", "role": "borrower", "issuance_capacity": {}}]},
        "loans": [
            loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10}),
            loan(2, "L1", "B2", lent={"JPY": 1000}, collateral={"A": 10}),
        ],
        "close_out": close_out,
        "recalls": {},
    }


def test_close_outs_stay_in_the_exposure() -> None:
    """B1 fails on day 1 at 90; five tokens are sold at 80 on day 2, the rest at 60 on day 3."""
    market = market_of(
        {"A": [100, 90, 80, 60, 60]},
        **closing(margin_period_of_risk=3, sale="parts"),
        defaults={"scheduled": [{"day": 1, "participant": "B1"}]},
    )
    market.step()
    assert market.today["defaults_exogenous"] + market.today["defaults_liquidity"] == 1
    assert market.today["uncollateralised_before"] == 200
    assert market.today["uncollateralised_after"] == 100 == market.today["close_out_exposure"] / 10
    assert market.today["uncollateralised_close_out"] == 100
    assert market.today["close_out_gap"] == -100
    assert market.today["exposure"] == 1000 and market.today["lent"] == 2000
    assert market.today["uncollateralised_after_bp"] == 500
    loans = market.loans_frame()
    assert loans["uncollateralised_exposure"].tolist() == [100, 0]
    sold = 0
    while market.phases.closing:
        market.step()
        price = market.prices[0]
        (fetched,) = market.phases.closing.values() or [None]
        if fetched is not None:
            left = int(market.ledger.collateral[0, 0])
            wanted = 1000 - left * int(price) - fetched
            assert market.today["uncollateralised_close_out"] == max(wanted, 0)
            sold += 1
    assert sold > 0, "a part was sold before the end"
    assert market.today["uncollateralised_close_out"] == 0 == market.today["close_out_exposure"]


def test_wrong_way_share_is_exposure_to_who_fails() -> None:
    """Both are short by 100 in the morning of day 1; B1 defaults, B2 delivers."""
    market = market_of(
        {"A": [100, 90, 90]},
        **closing(),
        defaults={"scheduled": [{"day": 1, "participant": "B1"}]},
    )
    market.step()
    assert market.today["wrong_way_share"] == 0.5
    market.step()
    assert market.today["wrong_way_share"] == 1, "what is left is that to who is in default"


@given(networks())
def test_profiles_of_borrowers_are_those_of_their_days(world: World) -> None:
    fields, prices = world
    market = market_of(prices, **fields).run()
    daily, days = market.exposures_frame(), market.days_frame()
    late = days[days["day"] > 0]
    by_day = daily.groupby("day")["uncollateralised_before"].sum()
    assert by_day.tolist() == pytest.approx(late["uncollateralised_before"].tolist())
    people = market.participants_frame().set_index("participant")
    for name, rows in daily.groupby("participant")["uncollateralised_before"]:
        assert people.loc[name, "expected_exposure"] == pytest.approx(rows.mean())
        assert people.loc[name, "exposure_q975"] == pytest.approx(rows.quantile(0.975))
    assert (late["wrong_way_share"].dropna() <= 1 + 1e-12).all()
    assert (late["uncollateralised_close_out"] <= late["uncollateralised_after"] + 1e-9).all()


def test_exposures_keep_what_is_not_zero() -> None:
    kept = Exposures(3)
    kept.add(1, np.array([[0.0, 5, 0], [0, 0, 0]]))
    kept.add(3, np.array([[0.0, 7, 2]]))
    assert kept.mean().tolist() == [0, 4, 2 / 3]
    assert kept.quantile(0.5).tolist() == [0, 5, 0]
    frame = kept.frame(["X", "Y", "Z"], [1, 2])
    assert frame["participant"].tolist() == ["Y", "Z"] * 3
    assert frame["uncollateralised_before"].tolist() == [5, 0, 0, 0, 7, 2]
    assert frame["day"].tolist() == [1, 1, 2, 2, 3, 3]


def test_a_loan_that_begins_today_was_not_there_in_the_morning() -> None:
    """A second loan begins on day 1, at the prices of the day."""
    market = market_of(
        {"A": [100, 90, 90]},
        agreement={"haircut": 0.0},
        loans=[
            loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10}),
            loan(2, "L1", "B1", lent={"JPY": 500}, collateral={"A": 6}, start=1),
        ],
    )
    market.step()
    assert market.today["lent_before"] == 1000
    assert market.today["lent"] == 1500
    assert market.today["uncollateralised_before"] == 100
