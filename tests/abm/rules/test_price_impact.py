"""Fire sales: what sales do to prices, at once and on later days."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from worlds import loan, market_of

from abm.model import CollateralMarket
from abm.rules.price_impact import MarketImpact
from scenarios.errors import InputError
from scenarios.prices.price_file import PriceFile
from scenarios.scenario import Scenario
from scenarios.stress import AnyImpact, ExponentialImpact, SquareRootImpact

TOKENS = ("A", "B", "JPY")
LIQUID = {"volatility": 0.01 * 252**0.5, "daily_volume": 100}
PRICES = np.array([1_000_000, 1_000_000, 1], np.int64)


def impact_of(rules: AnyImpact, **fields: Any) -> MarketImpact:
    """The impact in a market of `TOKENS` with these rules, 1 % volatility and a volume of 100."""
    market = market_of(
        {"A": [1_000_000] * 9, "B": [1_000_000] * 9},
        loans=[loan(1, "L1", "B1", principal=500)],
        assets={
            "all": {"tokens": ["A", "B"], "volatility": 0.01 * 252**0.5, "daily_volume": 100}
            | fields
        },
        close_out={"impact": rules.model_dump(exclude_unset=True) | {"kind": rules.kind}},
    )
    return market.impact


def test_selling_a_tenth_of_the_outstanding_lowers_the_price_by_a_tenth() -> None:
    """exp(-b·sold/outstanding) with b = 1.053605 (Cifuentes, Ferrucci and Shin 2005)."""
    impact = impact_of(ExponentialImpact(depth=1000, b=1.053605))
    impact.trade(np.array([100, 0, 0]))
    assert impact.applied_to(PRICES).tolist() == pytest.approx([900_000, 1_000_000, 1], abs=1)


def test_part_of_the_impact_stays_and_the_rest_fades() -> None:
    impact = impact_of(ExponentialImpact(depth=1000, b=1.0, permanent=0.3, decay=0.5))
    impact.trade(np.array([100, 0, 0]))
    for days in range(6):
        expected = 1_000_000 * np.exp(-0.03 - 0.07 * 0.5**days)
        assert impact.applied_to(PRICES)[0] == round(expected)
        impact.next_day()


def test_impacts_add_up_whatever_the_order() -> None:
    rules = ExponentialImpact(depth={"A": 500.0, "B": 1000.0}, permanent=1.0)
    together, apart = impact_of(rules), impact_of(rules)
    together.trade(np.array([100, 100, 0]))
    for part in ([60, 0, 0], [0, 100, 0], [40, 0, 0]):
        apart.trade(np.array(part))
    assert (together.applied_to(PRICES) == apart.applied_to(PRICES)).all()
    assert together.applied_to(PRICES)[0] == pytest.approx(810_000, abs=2)
    assert together.applied_to(PRICES)[1] == pytest.approx(900_000, abs=2)


def test_buying_back_moves_prices_up_by_the_same_law() -> None:
    rules = ExponentialImpact(depth=1000, b=1.053605, permanent=1.0)
    bought, back = impact_of(rules), impact_of(rules)
    bought.trade(np.array([-100, 0, 0]))
    assert bought.applied_to(PRICES).tolist() == pytest.approx([1_111_111, 1_000_000, 1], abs=1)
    for signed in ([100, -30, 0], [-100, 30, 0]):
        back.trade(np.array(signed))
    assert (back.applied_to(PRICES) == PRICES).all()


def test_a_price_never_falls_to_nothing() -> None:
    impact = impact_of(ExponentialImpact(depth=1))
    impact.trade(np.array([10**9, 0, 0]))
    assert impact.applied_to(PRICES).tolist() == [1, 1_000_000, 1]


def test_tokens_without_a_depth_do_not_move() -> None:
    impact = impact_of(ExponentialImpact(depth={"A": 10.0}))
    impact.trade(np.array([1, 10**6, 10**6]))
    assert impact.applied_to(PRICES).tolist() == [900_000, 1_000_000, 1]


def root(**fields: Any) -> SquareRootImpact:
    return SquareRootImpact(kind="square-root", volatility="class", **fields)


def fall(impact: MarketImpact) -> float:
    """By how much the logarithmic price of A is lower, seen through prices without rounding."""
    fine = np.array([10**15, 10**15, 1], np.int64)
    return float(-np.log(impact.applied_to(fine)[0] / 1e15))


def test_the_square_root_law() -> None:
    """A quarter of a day's volume moves the price by half a day's volatility (Tóth et al. 2011)."""
    impact = impact_of(root())
    impact.trade(np.array([25, 0, 0]))
    assert fall(impact) == pytest.approx(0.005, rel=1e-9)
    assert impact.applied_to(PRICES).tolist()[1:] == [1_000_000, 1]


def test_twice_the_volume_lowers_the_impact_by_the_root_of_two() -> None:
    thin, deep = impact_of(root()), impact_of(root(), daily_volume=200)
    for impact in (thin, deep):
        impact.trade(np.array([25, 0, 0]))
    assert fall(thin) / fall(deep) == pytest.approx(2**0.5, rel=1e-9)


@pytest.mark.parametrize("nothing", [{"y": 0.0}, {"daily_volume": 1e30}])
def test_it_vanishes_without_y_and_with_endless_depth(nothing: dict[str, float]) -> None:
    impact = impact_of(
        root(**{k: v for k, v in nothing.items() if k == "y"}),
        **{k: v for k, v in nothing.items() if k != "y"},
    )
    impact.trade(np.array([10**6, 0, 0]))
    assert (impact.applied_to(PRICES) == PRICES).all()


@pytest.mark.parametrize("parts", [1, 2, 7])
@pytest.mark.parametrize("overnight", [False, True])
def test_selling_in_parts_moves_the_price_as_selling_at_once(parts: int, overnight: bool) -> None:
    """On one day whatever fades, over several days if nothing does."""
    impact = impact_of(root(permanent=1.0 if overnight else 0.3))
    for _ in range(parts):
        impact.trade(np.array([100 // parts, 0, 0]))
        if overnight:
            impact.next_day()
    assert fall(impact) == pytest.approx(0.01 * (100 // parts * parts / 100) ** 0.5, rel=1e-9)


def test_of_the_square_root_too_a_part_stays_and_the_rest_fades() -> None:
    impact = impact_of(root(permanent=0.3, decay=0.5))
    impact.trade(np.array([100, 0, 0]))
    for days in range(6):
        assert fall(impact) == pytest.approx(0.003 + 0.007 * 0.5**days, rel=1e-9)
        impact.next_day()


def test_buying_back_undoes_a_sale_and_buying_mirrors_it() -> None:
    impact = impact_of(root())
    impact.trade(np.array([-25, 0, 0]))
    assert fall(impact) == pytest.approx(-0.005, rel=1e-9)
    impact.trade(np.array([50, 0, 0]))
    assert fall(impact) == pytest.approx(0.005, rel=1e-9)
    impact.trade(np.array([-25, 0, 0]))
    assert (impact.applied_to(PRICES) == PRICES).all()


def test_realised_volatility_is_of_the_days_so_far() -> None:
    """Returns of 1, 2 and 2 %: their root mean square of the first two, then of all three."""
    path = np.exp(np.cumsum([0, 0.01, -0.02, 0.02, 0.5])) * 1e9
    market = market_of(
        {"A": path.tolist(), "B": path.tolist()},
        loans=[loan(1, "L1", "B1", principal=500)],
        assets={"all": {"tokens": ["A", "B"], "daily_volume": 100}},
        close_out={"impact": {"kind": "square-root"}},
    )
    market.impact.next_day()
    market.impact.next_day()
    market.impact.trade(np.array([100, 0, 0]))
    assert fall(market.impact) == pytest.approx((0.0005 / 2) ** 0.5, rel=1e-6)
    market.impact.trade(np.array([-100, 0, 0]))
    market.impact.next_day()
    market.impact.trade(np.array([100, 0, 0]))
    assert fall(market.impact) == pytest.approx((0.0009 / 3) ** 0.5, rel=1e-3)


def test_realised_volatility_knows_what_lay_before_the_window() -> None:
    """Of a file its earlier days, of a history that is drawn anew the history: in both, of Apple,
    the twenty returns up to 10 September 2008; one more of the path on the first day."""
    stock = PriceFile(file="bundled:us_stocks_2007_2010").read().select(["AAPL"])
    until = stock.dates.get_loc("2008-09-10")
    steps = np.diff(np.log(stock.close[until - 20 : until + 2, 0]))
    volume = stock.volume
    assert volume is not None
    fields: dict[str, Any] = {
        "window": {"start": "2008-09-10", "end": "2008-10-01", "calendar": "sessions"},
        "money": {"unit": 0.01},
        "loan": {"principal": 1000},
        "close_out": {"impact": {"kind": "square-root"}},
    }
    file = {"file": "bundled:us_stocks_2007_2010"}
    replayed = CollateralMarket(
        Scenario.parse(fields | {"prices": {"source": "file", "tokens": ["AAPL"], **file}}, "file"),
        rng=1,
    )
    replayed.impact.next_day()
    replayed.impact.trade(np.array([10**6, 0]))
    of_20 = volume[until - 18 : until + 2, 0].mean()
    assert log_fall(replayed.impact) == pytest.approx(
        np.sqrt((steps[-20:] ** 2).mean() * 10**6 / of_20), rel=1e-6
    )
    source = {
        "source": "bootstrap",
        "tokens": ["AAPL"],
        "block": 5,
        "history": {**file, "start": "2008-01-01", "end": "2008-09-10"},
    }
    drawn = CollateralMarket(Scenario.parse(fields | {"prices": source}, "drawn"), rng=1)
    drawn.impact.trade(np.array([10**6, 0]))
    known = np.diff(np.log(stock.close[until - 20 : until + 1, 0]))
    first = stock.dates.get_loc("2008-01-02")
    average = volume[first : until + 1, 0].mean()
    assert log_fall(drawn.impact) == pytest.approx(
        np.sqrt((known**2).mean() * 10**6 / average), rel=1e-6
    )


def log_fall(impact: MarketImpact) -> float:
    """As `fall`, in a market of one token."""
    return float(-np.log(impact.applied_to(np.array([10**15, 1]))[0] / 1e15))


def test_what_the_law_lacks_is_named() -> None:
    fields: dict[str, Any] = {"loans": [loan(1, "L1", "B1", principal=500)]}
    impact = {"impact": {"kind": "square-root", "volatility": "class"}}
    with pytest.raises(InputError, match=r"volatility: A is in no class with a volatility"):
        market_of({"A": [10, 10]}, close_out=impact, **fields)
    fields["assets"] = {"x": {"tokens": ["A"], "volatility": 0.2}}
    with pytest.raises(InputError, match=r"A has no daily volume; .* a column \"A volume\""):
        market_of({"A": [10, 10]}, close_out=impact, **fields)


def fire_sale(depth: Any, days: int = 5, **impact: Any) -> CollateralMarket:
    """B1 defaults and 100 A are sold on day 2; B2 has a loan on A as well, B3 one on B."""
    return market_of(
        {"A": [10_000] * days, "B": [10_000] * days},
        agreement={"haircut": 0.0},
        loans=[
            loan(1, "L1", "B1", lent={"JPY": 1_000_000}, collateral={"A": 100}),
            loan(2, "L2", "B2", lent={"JPY": 1_000_000}, collateral={"A": 100}),
            loan(3, "L3", "B3", lent={"JPY": 1_000_000}, collateral={"B": 100}),
        ],
        defaults={"scheduled": [{"participant": "B1", "day": 1}]},
        close_out={
            "margin_period_of_risk": 1,
            "impact": None if depth is None else {"depth": depth, **impact},
        },
    )


def test_a_fire_sale_spills_over_to_holders_of_the_same_token_alone() -> None:
    """A tenth of the outstanding is sold at nine tenths of the price; half of the fall stays."""
    market = fire_sale(1000, permanent=0.5, decay=0.0).run()
    days = market.days_frame()
    assert days["liquidated_value"].tolist() == [0, 0, 900_000, 0, 0]
    assert days["close_out_loss"].tolist() == [0, 0, 100_000, 0, 0]
    assert market.standing.losses.tolist()[-3:] == [100_000, 0, 0]
    # On day 3 A is worth 10,000·√0.9: six more are needed for loan 2, none for loan 3.
    after = round(10_000 * 0.9**0.5)
    assert int(market.prices[0]) == after
    assert days["delivered_value"].tolist() == [
        0,
        0,
        0,
        -(-(1_000_000 - 100 * after) // after) * after,
        0,
    ]
    assert market.loans_frame()["posted_B"].tolist()[2] == 100


def test_without_impact_nobody_else_notices() -> None:
    days = fire_sale(None).run().days_frame()
    assert days["close_out_loss"].sum() == 0
    assert days["delivered_value"].sum() == 0


def test_sales_of_one_day_are_made_at_one_price() -> None:
    """Two estates sell 50 each at the price of 100, not one after the other."""
    market = market_of(
        {"A": [10_000] * 3},
        agreement={"haircut": 0.0},
        loans=[
            loan(i, f"L{i}", f"B{i}", lent={"JPY": 500_000}, collateral={"A": 50}) for i in (1, 2)
        ],
        defaults={"scheduled": [{"participant": f"B{i}", "day": 1} for i in (1, 2)]},
        close_out={"margin_period_of_risk": 0, "impact": {"depth": 1000}},
    )
    market.step()
    assert market.standing.losses.tolist() == [0, 0, 50_000, 50_000]


def test_a_margin_spiral() -> None:
    """The impact of one default makes the next borrower fail, and only then."""
    terms = {"haircut": 0.0, "trigger": 0.0, "grace_days": 0}
    fields: dict[str, Any] = {
        "agreement": terms,
        "loans": [
            loan(i, f"L{i}", f"B{i}", lent={"JPY": 1_000_000}, collateral={"A": 100})
            for i in (1, 2, 3)
        ],
        "participants": {"issuance_capacity": 0, "prefunded_inventory": 0.02},
        "defaults": {"scheduled": [{"participant": "B1", "day": 1}]},
    }
    for depth, defaults in ((1000, 2), (10**9, 0)):
        market = market_of(
            {"A": [10_000] * 6},
            close_out={"margin_period_of_risk": 0, "impact": {"depth": depth}},
            **fields,
        ).run()
        assert market.summary()["defaults_liquidity"] == defaults
