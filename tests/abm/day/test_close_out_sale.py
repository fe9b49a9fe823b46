"""When collateral of a defaulter is sold, and for how much."""

from __future__ import annotations

import pytest
from close_outs import FALLING, defaults, losses, pair
from worlds import held, loan, market_of


@pytest.mark.parametrize(
    ("period", "proceeds"), [(0, 12 * 90), (1, 12 * 80), (2, 12 * 70), (10, 12 * 10)]
)
def test_all_is_sold_at_the_end_of_the_margin_period_of_risk(period: int, proceeds: int) -> None:
    """The period counts from the last met call, which is the one of the day of the default."""
    market = pair(FALLING, close_out={"margin_period_of_risk": period}).run()
    days = market.days_frame()
    assert days["liquidated_value"].tolist() == [
        proceeds if day == 1 + period else 0 for day in range(len(FALLING))
    ]
    loss = max(1000 - proceeds, 0)
    assert days["close_out_loss"].sum() == loss
    assert days["close_out_surplus"].sum() == max(proceeds - 1000, 0)
    assert days["exposure_at_default"].tolist()[1] == 1000
    assert losses(market) == {"B1": 0, "L1": loss}
    assert days["close_out_exposure"].tolist() == [
        1000 if 1 <= day < 1 + period else 0 for day in range(len(FALLING))
    ]
    assert market.summary()["loss_given_default"] == loss / 1000
    assert market.loans_frame()["state"].tolist() == ["closed out"]


def test_sale_in_equal_parts_on_each_day_until_the_end() -> None:
    market = pair(FALLING, close_out={"margin_period_of_risk": 4, "sale": "parts"}).run()
    sold = market.days_frame()["liquidated_value"].tolist()
    assert sold == [0, 0, 3 * 80, 3 * 70, 3 * 60, 3 * 50] + [0] * 7
    assert market.days_frame()["close_out_loss"].sum() == 1000 - sum(sold)


def test_parts_that_do_not_divide_are_sold_in_full() -> None:
    market = pair([100] * 8, tokens=10, close_out={"margin_period_of_risk": 3, "sale": "parts"})
    assert market.run().days_frame()["liquidated_value"].tolist()[2:5] == [400, 300, 300]
    assert not market.ledger.collateral.any()


def test_a_part_is_sold_once_a_day_even_if_a_default_spreads_on_it() -> None:
    """B2's estate ends while B1's is being sold in parts, and its loss ruins D1 on that day."""
    market = market_of(
        {"A": [100] * 8, "B": [100] * 8},
        agreement={"trigger": 0.99, "haircut": 0.0},
        loans=[
            loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 16}),
            loan(2, "D1", "B2", lent={"JPY": 1000}, collateral={"B": 1}),
            loan(3, "L1", "D1", lent={"JPY": 10}, collateral={"B": 1}),
        ],
        participants={"given": [{"name": "D1", "role": "dealer", "equity": 1}]},
        defaults=defaults(("B2", 1), ("B1", 2)),
        close_out={"margin_period_of_risk": 4, "sale": "parts"},
    )
    left = []
    while market.running:
        market.step()
        left.append(held(market)[0]["A"])
    assert left == [16, 16, 12, 8, 4, 0, 0]
    assert market.days_frame()["defaults_contagion"].tolist() == [0, 0, 0, 0, 0, 1, 0, 0]


def test_the_surplus_goes_back_to_the_defaulter() -> None:
    rising = [100, 100, 150, 150]
    market = pair(rising, close_out={"margin_period_of_risk": 1}).run()
    assert market.days_frame()["close_out_surplus"].sum() == 500
    assert market.participants["B1"].wallet["JPY"] == 0, "redeemed at the end, as all it holds"
    market = pair(rising, close_out={"margin_period_of_risk": 1})
    market.step()
    market.step()
    assert market.participants["B1"].wallet["JPY"] == 1000 + 500
    assert market.participants["L1"].wallet["JPY"] == 1000


def test_what_is_in_transit_is_final_and_is_sold_with_the_rest() -> None:
    market = pair(
        [100, 50, 50, 50],
        agreement={"haircut": 0.0, "settlement_lag": 2},
        close_out={"margin_period_of_risk": 1},
    )
    market.step()
    assert not market.ledger.in_transit.any()
    assert market.participants["B1"].wallet["A"] == 0
    assert losses(market)["L1"] == 0
