"""What a close-out leaves of the claims between two participants, either of whom may default."""

from __future__ import annotations

import pytest
from close_outs import FLAT, defaults, losses
from hypothesis import given
from hypothesis import strategies as st
from networks import paths
from worlds import held, loan, market_of


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
