"""Who defaults, why, and whom a default takes along."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from close_outs import FALLING, FLAT, defaults, losses, pair
from worlds import held, loan, market_of

from abm.model import CollateralMarket
from scenarios.errors import InputError


def test_liquidity_default_after_the_grace() -> None:
    """No means to meet the call of day 1: with two days of grace the default is on day 3.

    The margin period of risk runs from day 0, the last day without an unmet call.
    """
    market = pair(
        FALLING,
        defaults={},
        agreement={"haircut": 0.0, "grace_days": 2},
        participants={"issuance_capacity": 0},
        close_out={"margin_period_of_risk": 5},
    ).run()
    days = market.days_frame()
    assert days["unmet_calls"].tolist()[:5] == [0, 1, 1, 1, 0]
    assert days["unmet_value"].tolist()[:4] == [0, 100, 200, 300]
    assert days["defaults_liquidity"].tolist()[:5] == [0, 0, 0, 1, 0]
    assert days["liquidated_value"].tolist()[5] == 10 * 50
    assert days["close_out_loss"].tolist()[5] == 500


def test_a_call_met_in_time_is_no_default() -> None:
    """Tokens that take two days to mint meet a call within two days of grace, not within one."""
    for grace, count in ((2, 0), (1, 1)):
        market = pair(
            [100, 90, 90, 90, 90, 90],
            defaults={},
            agreement={"haircut": 0.0, "grace_days": grace},
            participants={"minting_days": 2},
        ).run()
        assert market.summary()["defaults_liquidity"] == count


def test_a_default_spreads_through_equity() -> None:
    """Each dealer's loss exceeds its equity: the chain goes down on one day, link by link."""
    prices = {"A": [100, 100, 40, 40], "B": [100] * 4}
    entries = [
        loan(1, "D1", "B1", lent={"JPY": 1000}, collateral={"A": 10}),
        loan(2, "D2", "D1", lent={"JPY": 1000}, collateral={"A": 10}),
        loan(3, "D3", "D2", lent={"JPY": 1000}, collateral={"A": 10}),
        loan(4, "L1", "D3", lent={"JPY": 1000}, collateral={"A": 10}),
    ]
    agreement = {"haircut": 0.0, "trigger": 0.9}

    def run(equity: dict[str, int]) -> CollateralMarket:
        given = [{"name": n, "role": "dealer", "equity": e} for n, e in equity.items()]
        return market_of(
            prices,
            agreement=agreement,
            loans=entries,
            participants={"given": given},
            defaults=defaults(("B1", 1)),
            close_out={"margin_period_of_risk": 1},
        ).run()

    # B1 fails on day 1, its collateral fetches 400 on day 2. D1 loses 600 and fails on day 2.
    # Its own collateral is sold on day 3, and so on; the period delays every link.
    table = run({"D1": 500, "D2": 500, "D3": 500}).participants_frame().set_index("participant")
    assert table["default_day"].to_dict() == {"B1": 1, "D1": 2, "D2": 3, "D3": -1, "L1": -1}
    assert table["losses"].to_dict() == {"B1": 0, "D1": 600, "D2": 600, "D3": 0, "L1": 0}
    assert table["default_cause"].to_dict() == {
        "B1": "exogenous",
        "D1": "contagion",
        "D2": "contagion",
        "D3": "",
        "L1": "",
    }
    # A dealer with enough equity stops it.
    table = run({"D1": 601, "D2": 1, "D3": 1}).participants_frame().set_index("participant")
    assert table["default_day"].to_dict() == {"B1": 1, "D1": -1, "D2": -1, "D3": -1, "L1": -1}
    assert table["equity"]["D1"] == 1


def test_without_a_margin_period_a_chain_falls_one_link_a_day() -> None:
    """Default by contagion is declared at the end of a day: its sales are the next day's."""
    prices = {"A": [100, *[40] * 6]}
    entries = [
        loan(i, f"D{i}", f"D{i - 1}", lent={"JPY": 1000}, collateral={"A": 10}) for i in range(1, 7)
    ]
    market = market_of(
        prices,
        agreement={"haircut": 0.0, "trigger": 0.9},
        loans=entries,
        participants={
            "given": [
                {"name": f"D{i}", "role": "dealer", "equity": 600 + (i == 4)} for i in range(7)
            ]
        },
        defaults=defaults(("D0", 1)),
        close_out={"margin_period_of_risk": 0},
    )
    days = market.run().days_frame()
    # D1 to D3 have equity of exactly their loss, which is gone; D4 keeps one yen.
    assert days["defaults_contagion"].tolist() == [0, 1, 1, 1, 0, 0, 0]
    assert days["close_out_loss"].tolist() == [0, 600, 600, 600, 600, 0, 0]


def test_disjoint_counterparties_do_not_spill_over() -> None:
    market = market_of(
        {"A": [100, 40, 40], "B": [100, 100, 100]},
        agreement={"haircut": 0.0, "trigger": 0.9},
        loans=[
            loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10}),
            loan(2, "L2", "B2", lent={"JPY": 1000}, collateral={"B": 10}),
        ],
        participants={"equity_ratio": 0.01},
        defaults=defaults(("B1", 1)),
        close_out={"margin_period_of_risk": 0},
    )
    assert losses(market) == {"B1": 0, "B2": 0, "L1": 600, "L2": 0}
    assert market.loans_frame()["state"].tolist() == ["closed out", "open"]


def test_hazard_takes_borrowers_at_its_rate() -> None:
    count = 400
    market = market_of(
        {"A": [100] * 21},
        **FLAT,
        participants={"lenders": 1, "borrowers": count},
        loan={"principal": 1000},
        defaults={"daily_hazard": 0.05},
    ).run()
    table = market.participants_frame()
    gone = (table["default_day"] >= 0).sum()
    expected = count * (1 - 0.95**20)
    assert abs(gone - expected) < 4 * np.sqrt(expected * 0.95**20)
    assert table.loc[table["role"] == "lender", "default_day"].tolist() == [-1]
    assert market.summary()["close_out_loss"] == 0
    assert market.summary()["defaults_exogenous"] == gone


def test_lenders_default_on_schedule_though_no_hazard_takes_them() -> None:
    market = market_of(
        {"A": [100] * 5},
        **FLAT,
        participants={"lenders": 2, "borrowers": 3},
        loan={"principal": 1000},
        network={"topology": "complete"},
        defaults={**defaults(("L2", 2), ("B3", 3)), "daily_hazard": 1e-9},
    ).run()
    table = market.participants_frame().set_index("participant")
    gone = table[table["default_day"] >= 0]
    assert gone["default_day"].to_dict() == {"L2": 2, "B3": 3}
    assert set(gone["default_cause"]) == {"exogenous"}
    assert market.days_frame()["defaults_exogenous"].tolist() == [0, 0, 1, 1, 0]


def test_a_defaulter_stays_out() -> None:
    """No calls, recalls, maturities or second defaults for what is being closed out."""
    market = market_of(
        {"A": FALLING},
        **FLAT,
        loans=[
            loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10}, maturity=3),
            loan(2, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10}, open_ended=True),
        ],
        recalls={"scheduled": [(2, 2)], "notice": 1},
        defaults=defaults(("B1", 1), ("B1", 4)),
        close_out={"margin_period_of_risk": 6},
    ).run()
    days = market.days_frame()
    assert days["margin_calls"].tolist()[2:] == [0] * 11
    assert days["loans_settled"].sum() == 0
    assert days["recall_fails"].sum() == 0
    assert days["defaults_exogenous"].sum() == 1
    assert days["gap"].tolist()[2:] == [0] * 11


def test_unknown_participants_cannot_default() -> None:
    with pytest.raises(InputError, match="no participant X1; there are B1, L1"):
        pair(FALLING, defaults=defaults(("X1", 1)))


def test_each_trouble_disappears_with_its_cause() -> None:
    """A crash with a day's lag, finite inventories and price impact; then one cause less."""
    crash = {"A": [100, 100, 88, 75, 70, 70, 70, 70], "B": [100, 100, 94, 90, 90, 90, 90, 90]}
    crisis: dict[str, Any] = {
        "agreement": {"haircut": 0.05, "settlement_lag": 1},
        "loan": {"principal": 100_000, "composition": {"A": 3, "B": 1}},
        "participants": {
            "lenders": 2,
            "borrowers": 4,
            "prefunded_inventory": 0.1,
            "issuance_capacity": 0,
        },
        "close_out": {"margin_period_of_risk": 2, "impact": {"depth": 40_000}},
    }
    worst = market_of(crash, **crisis).run().summary()
    assert worst["unmet_calls"] > 0
    assert worst["defaults_liquidity"] == 4
    assert worst["close_out_loss"] > 0
    without_impact = {**crisis, "close_out": {"margin_period_of_risk": 2}}
    assert (
        market_of(crash, **without_impact).run().summary()["close_out_loss"]
        < worst["close_out_loss"]
    )
    rich = {**crisis, "participants": {**crisis["participants"], "prefunded_inventory": 2}}
    calm = market_of(crash, **rich).run().summary()
    assert (calm["unmet_calls"], calm["defaults"], calm["close_out_loss"]) == (0, 0, 0)


@pytest.mark.parametrize("defaulter", ["B1", "L1"])
def test_what_is_under_way_when_a_party_defaults_reaches_the_collateral(defaulter: str) -> None:
    """Ten A are delivered on day 1 and would settle on day 4; the default is declared on day 2."""
    market = market_of(
        {"A": [100, 50, 50, 50, 50]},
        agreement={"haircut": 0.0, "settlement_lag": 3},
        loans=[loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10})],
        defaults={"scheduled": [{"participant": defaulter, "day": 2}]},
        close_out={"margin_period_of_risk": 2},
    )
    market.step()
    assert market.ledger.in_transit.sum() == 10
    market.step()
    assert not market.ledger.in_transit.any()
    assert held(market)[0]["A"] == 20
    assert market.participants["B1"].wallet["A"] == 0
    market.run()
    assert market.days_frame()["close_out_loss"].sum() == 0


def test_a_return_under_way_to_a_party_in_default_is_dropped() -> None:
    """Prices double: five A are to go back on day 4, and stay with the lender."""
    market = market_of(
        {"A": [100, 200, 200, 200, 200]},
        agreement={"haircut": 0.0, "settlement_lag": 3},
        loans=[loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10})],
        defaults={"scheduled": [{"participant": "B1", "day": 2}]},
        close_out={"margin_period_of_risk": 3},
    )
    for _ in range(4):
        market.step()
    assert held(market)[0]["A"] == 10
