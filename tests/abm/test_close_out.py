"""Default, liquidation, netting, loss allocation, contagion."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import paths
from worlds import held, loan, market_of

from abm.model import CollateralMarket
from scenarios.errors import InputError

FLAT: dict[str, Any] = {"agreement": {"haircut": 0.0, "grace_days": 1000}}


def defaults(*events: tuple[str, int]) -> dict[str, Any]:
    return {"scheduled": [{"participant": name, "day": day} for name, day in events]}


def pair(
    prices: list[float], tokens: int = 10, debt: int = 1000, **fields: Any
) -> CollateralMarket:
    """A loan of 1000 secured by ten tokens that cost 100 on day 0; B1 defaults on day 1."""
    fields = {**FLAT, "defaults": defaults(("B1", 1)), **fields}
    entry = loan(1, "L1", "B1", lent={"JPY": debt}, collateral={"A": tokens})
    return market_of({"A": prices}, loans=[entry], **fields)


def losses(market: CollateralMarket) -> dict[str, float]:
    table = market.run().participants_frame()
    return dict(zip(table["participant"], table["losses"], strict=True))


# Falling ten a day; the call of day 1 is still met: 12 tokens at 90 are worth 1080.
FALLING = [100, 90, 80, 70, 60, 50, 40, 30, 20, 10, 10, 10, 10]


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


def test_all_loans_with_a_counterparty_are_netted() -> None:
    """L1 has a surplus of 300 on one loan and a loss of 400 on the other: 100 remain."""
    market = market_of(
        {"A": [100] * 4, "B": [100, 100, 60, 60], "C": [100, 100, 130, 130]},
        **FLAT,
        loans=[
            loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"B": 10}),
            loan(2, "L1", "B1", lent={"JPY": 1000}, collateral={"C": 10}),
            loan(3, "L2", "B1", lent={"JPY": 1000}, collateral={"C": 10}),
        ],
        defaults=defaults(("B1", 1)),
        close_out={"margin_period_of_risk": 1},
    )
    assert losses(market) == {"B1": 0, "L1": 100, "L2": 0}
    assert market.summary()["close_out_surplus"] == 300, "of L2; that of L1 is netted"


def test_loans_in_both_directions_are_netted() -> None:
    """D2 owes D1 1000 against collateral worth 600; D1 owes D2 500 against collateral of 500.

    When D2 defaults, D1 sells 600, keeps what it owes, 400 of it, and has lost nothing.
    """
    market = market_of(
        {"A": [100, 100, 100], "B": [100, 60, 60]},
        agreement={"haircut": 0.0, "trigger": 0.9},
        loans=[
            loan(1, "D1", "D2", lent={"JPY": 1000}, collateral={"B": 10}),
            loan(2, "D2", "D1", lent={"JPY": 500}, collateral={"A": 5}),
        ],
        defaults=defaults(("D2", 1)),
        close_out={"margin_period_of_risk": 0},
    )
    assert market.participants["D1"].wallet["JPY"] == 500
    market.step()
    assert market.today["close_out_loss"] == 0
    # Of the 500 lent 400 pay for the loss; for the remaining 100 the estate keeps one A.
    assert market.participants["D1"].wallet["A"] == 4
    assert market.participants["D2"].wallet["A"] == 1


@pytest.mark.parametrize("transfer", ["pledge", "title"])
def test_a_defaulted_lender_gives_the_excess_back(transfer: str) -> None:
    """The borrower keeps the loan of 1000 and gets back what its collateral is worth beyond."""
    market = market_of(
        {"A": [200, 300, 300]},
        agreement={"haircut": 0.0, "trigger": 0.9, "transfer": transfer},
        loans=[loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 6})],
        defaults=defaults(("L1", 1)),
        close_out={"margin_period_of_risk": 0},
    )
    market.step()
    # Worth 1800: three tokens back are 100 too much, which the borrower pays.
    assert market.participants["B1"].wallet["A"] == 3
    assert market.participants["B1"].wallet["JPY"] == 900
    assert market.participants["L1"].wallet["A"] == 3
    assert market.participants["L1"].wallet["JPY"] == 100
    assert market.today["close_out_loss"] == 0
    assert market.loans_frame()["state"].tolist() == ["closed out"]


def test_a_borrower_owes_a_defaulted_lender_what_its_collateral_lacks() -> None:
    market = market_of(
        {"A": [100, 20, 20]},
        agreement={"haircut": 0.0, "trigger": 0.9},
        loans=[loan(1, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10})],
        defaults=defaults(("L1", 1)),
        close_out={"margin_period_of_risk": 0},
    )
    market.step()
    assert market.participants["B1"].wallet["JPY"] == 200
    assert market.participants["L1"].wallet["A"] == 10
    assert market.participants["L1"].wallet["JPY"] == 800


def test_excess_that_a_defaulted_lender_posted_further_is_a_loss() -> None:
    """Ten A rose to 190 each; 900 are due back, but six of the ten are with D1's own lender."""
    wide = {"haircut": 0.0, "trigger": 0.95, "grace_days": 1000}
    market = market_of(
        {"A": [100, 100, 190, 190], "B": [1, 1, 1, 1]},
        agreement={**wide, "transfer": "title", "reuse_rate": 0.6},
        agreements={"plain": {**wide, "priority": ["A"]}},
        loans=[
            loan(1, "D1", "B1", lent={"JPY": 1000}, collateral={"A": 10}),
            loan(2, "L1", "D1", lent={"JPY": 1000}, collateral={"B": 1}, agreement="plain"),
        ],
        participants={"given": [{"name": "D1", "role": "dealer", "issuance_capacity": {}}]},
        defaults=defaults(("D1", 2)),
        close_out={"margin_period_of_risk": 0},
    )
    market.step()
    assert market.books.reused[0, 0] == 6
    market.step()
    assert market.participants["B1"].wallet["A"] == 4
    assert market.participants_frame().set_index("participant")["losses"].to_dict() == {
        "B1": 900 - 4 * 190,
        "D1": 0,
        "L1": 0,
    }


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


def test_without_a_margin_period_a_chain_falls_on_one_day() -> None:
    prices = {"A": [100, 40, 40]}
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
    market.step()
    # D1 to D3 have equity of exactly their loss, which is gone; D4 keeps one yen.
    assert market.today["defaults_contagion"] == 3
    assert market.today["close_out_loss"] == 4 * 600


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


def test_what_is_in_transit_goes_back_to_the_defaulter() -> None:
    market = pair(
        [100, 50, 50, 50],
        agreement={"haircut": 0.0, "settlement_lag": 2},
        close_out={"margin_period_of_risk": 1},
    )
    market.step()
    assert not market.ledger.in_transit.any()
    assert market.participants["B1"].wallet["A"] == 10
    assert losses(market)["L1"] == 500


def test_lent_securities_are_claimed_at_the_price_of_the_day() -> None:
    """The lender needs 10 B back, which have risen: its loss is a squeeze, not a fall."""
    market = market_of(
        {"A": [100, 100, 100], "B": [100, 100, 150]},
        **FLAT,
        loans=[loan(1, "L1", "B1", lent={"B": 10}, collateral={"A": 10})],
        defaults=defaults(("B1", 1)),
        close_out={"margin_period_of_risk": 1},
    )
    assert losses(market)["L1"] == 500


def test_an_aggregated_account_is_closed_out_as_one() -> None:
    market = market_of(
        {"A": [100, 100, 80], "B": [100, 100, 100]},
        agreement={"haircut": 0.0, "aggregated": True},
        loans=[loan(i, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10}) for i in (1, 2)],
        defaults=defaults(("B1", 1)),
        close_out={"margin_period_of_risk": 1},
    )
    assert len(held(market)) == 1
    assert losses(market)["L1"] == 400
    assert market.loans_frame()["state"].tolist() == ["closed out"] * 2


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


@given(
    paths(("A", "B"), 6),
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4)), min_size=1, max_size=6),
    st.lists(st.integers(1, 5), min_size=4, max_size=4),
    st.integers(0, 4),
    st.sampled_from(["end", "parts"]),
    st.booleans(),
)
def test_what_lenders_lose_is_what_the_collateral_did_not_fetch(
    prices: dict[str, list[int]],
    pairs: list[tuple[int, int]],
    days: list[int],
    period: int,
    sale: str,
    impact: bool,
) -> None:
    """Claims - proceeds = losses - surpluses over all close-outs, and each is netted by pair."""
    prices = {token: path + path[-1:] * 6 for token, path in prices.items()}
    market = market_of(
        prices,
        agreement={"haircut": 0.02, "grace_days": 1000},
        loans=[
            loan(i, f"L{lender}", f"B{borrower}", principal=1000 * i + 777)
            for i, (lender, borrower) in enumerate(pairs, start=1)
        ],
        defaults=defaults(*((f"B{b}", days[b - 1]) for b in {borrower for _, borrower in pairs})),
        close_out={
            "margin_period_of_risk": period,
            "sale": sale,
            "impact": {"depth": 300} if impact else None,
        },
        events=True,
    ).run()
    frame, events = market.days_frame(), market.events_frame()
    claims = frame["exposure_at_default"].sum()
    assert claims == sum(1000 * i + 777 for i in range(1, len(pairs) + 1))
    fetched = frame["liquidated_value"].sum()
    assert claims - fetched == frame["close_out_loss"].sum() - frame["close_out_surplus"].sum()
    sold = events[events["event"] == "liquidation"]
    assert sold["value"].sum() == fetched
    assert not market.ledger.collateral.any()
    owed: dict[tuple[str, str], float] = {}
    for i, (lender, borrower) in enumerate(pairs, start=1):
        key = (f"L{lender}", f"B{borrower}")
        owed[key] = owed.get(key, 0) + 1000 * i + 777
    for row in sold.itertuples():
        owed[row.lender, row.borrower] -= row.value
    assert frame["close_out_loss"].sum() == sum(max(claim, 0) for claim in owed.values())
