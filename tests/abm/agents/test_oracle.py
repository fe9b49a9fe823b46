"""What the clearing house works with when publication is late, missing or wrong."""

from __future__ import annotations

from typing import Any

from worlds import held, loan, market_of

from abm.model import CollateralMarket

PATH = {"A": [100, 110, 120, 130, 140, 150], "B": [10, 11, 12, 13, 14, 15]}


def market_with(faults: dict[str, Any], **fields: Any) -> CollateralMarket:
    entry = loan(1, "L1", "B1", lent={"JPY": 10_000}, collateral={"A": 100})
    terms = {"haircut": 0.0, "trigger": 0.9}
    return market_of(
        PATH, loans=[entry], oracle=faults, events=True, **{"agreement": terms, **fields}
    )


def published(market: CollateralMarket) -> list[tuple[int, int]]:
    rows = [(int(market.prices[0]), int(market.prices[1]))]
    while market.running:
        market.step()
        rows.append((int(market.prices[0]), int(market.prices[1])))
    return rows


def events(market: CollateralMarket, kind: str) -> list[tuple[int, str, float]]:
    table = market.events_frame().query(f"event == '{kind}'")
    return list(table[["day", "token", "value"]].itertuples(index=False, name=None))


def test_without_faults_the_day_s_prices_are_published() -> None:
    market = market_with({})
    assert published(market) == list(zip(PATH["A"], PATH["B"], strict=True))
    assert not events(market, "stale_price")


def test_a_delay() -> None:
    market = market_with({"delay": 2})
    assert [a for a, _ in published(market)] == [100, 100, 100, 110, 120, 130]
    assert {day for day, _, _ in events(market, "stale_price")} == {1, 2, 3, 4, 5}


def test_an_outage_keeps_the_last_good_price() -> None:
    market = market_with({"outages": [{"day": 2, "days": 3}]})
    assert published(market) == [(100, 10), (110, 11), (110, 11), (110, 11), (110, 11), (150, 15)]
    assert events(market, "stale_price") == [
        (day, token, price) for day in (2, 3, 4) for token, price in (("A", 110), ("B", 11))
    ]


def test_an_outage_of_single_tokens() -> None:
    market = market_with({"outages": [{"day": 1, "days": 2, "tokens": ["B"]}]})
    assert published(market)[:4] == [(100, 10), (110, 10), (120, 10), (130, 13)]


def test_a_wrong_price_moves_tokens_on_its_day() -> None:
    """A tenth of the true price on day 2: nine tenths are called, and come back a day later."""
    faults = {"wrong_prices": [{"day": 2, "token": "A", "factor": 0.1}]}
    market = market_with(faults, agreement={"haircut": 0.0, "return_rounding": "up"})
    posted = []
    while market.running:
        market.step()
        posted.append(held(market)[0]["A"])
    assert events(market, "wrong_price") == [(2, "A", 12)]
    assert posted == [90, 834, 76, 71, 66]


def test_the_clearing_house_values_at_published_prices_and_sales_fetch_true_ones() -> None:
    market = market_with(
        {"outages": [{"day": 1, "days": 9}]},
        agreement={"haircut": 0.0},
        defaults={"scheduled": [{"participant": "B1", "day": 2}]},
        close_out={"margin_period_of_risk": 1},
    ).run()
    days = market.days_frame()
    assert days["collateral_value"].tolist()[1] == 10_000
    assert days["liquidated_value"].tolist()[3] == 100 * 130
    assert days["margin_calls"].sum() == 2
    assert days["transfers"].tolist()[1:] == [0] * 5
