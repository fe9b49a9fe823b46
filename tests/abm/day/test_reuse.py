"""Re-use under title transfer: chains, limits, return fails."""

from __future__ import annotations

from typing import Any

import pytest
from worlds import held, loan, market_of

from abm.model import CollateralMarket

TITLE: dict[str, Any] = {"transfer": "title", "grace_days": 1000}


def chain(
    haircut: float, rate: float, demand: list[int], days: int = 8, scale: int = 10_000
) -> CollateralMarket:
    """B1 has 100·scale tokens A of price 1 and posts them to D1, which posts on, and so on.

    Every loan begins with one token, so that what is lent is called for on the days after. A
    lender at the end of the chain cannot post further.
    """
    number = len(demand) - 1
    parties = ["B1", *(f"D{i}" for i in range(1, number + 1)), "L1"]
    return market_of(
        {"A": [1] * days, "X": [1] * days},
        agreement={**TITLE, "haircut": haircut, "reuse_rate": rate, "priority": ["A"]},
        loans=[
            loan(i + 1, parties[i + 1], parties[i], lent={"JPY": lent}, collateral={"X": 1})
            for i, lent in enumerate(demand)
        ],
        participants={
            "given": [
                {
                    "name": "B1",
                    "role": "borrower",
                    "wallet": {"A": 100 * scale},
                    "issuance_capacity": {"JPY": 10**9},
                },
                *(
                    {"name": name, "role": "dealer", "issuance_capacity": {"JPY": 10**9}}
                    for name in parties[1:-1]
                ),
            ]
        },
    )


def in_total(market: CollateralMarket) -> float:
    return sum(row["A"] for row in held(market)) / 10_000


def test_chain_of_three_reuses_by_the_haircut() -> None:
    """A₀(1-q⁴)/(1-q) with q = (1-h)θ = 0.95: 370.9875 for A₀ = 100 (reference results, Networks).

    Each link borrows what its collateral allows after the haircut, and needs that much of it.
    """
    lent = [round(1_000_000 * 0.95**i * 0.95) for i in range(1, 5)]
    # B1 lacks nothing: it owes 95 % of a million; D1 borrows 95 % of that, ...
    market = chain(0.05, 1.0, [950_000, *lent[:3]])
    totals = []
    while market.running:
        market.step()
        totals.append(in_total(market))
    # One link a day: what arrives today can be posted tomorrow.
    assert totals[:4] == pytest.approx([99.9999, 194.9998, 285.2497, 370.9871], abs=1e-3)
    assert totals[-1] == pytest.approx(370.9875, abs=1e-3)
    assert market.today["reuse_chain"] == 3
    assert market.today["collateral_velocity"] == pytest.approx(3.709875, rel=1e-5)
    assert market.today["reuse_outstanding"] == pytest.approx(2_709_875, abs=10)


@pytest.mark.parametrize(
    ("rate", "links", "total"),
    [(0.95, 3, 370.9875), (0.5, 3, 187.5), (0.29, 1, 129.0), (1.0, 5, 600.0)],
)
def test_chain_limited_by_the_reuse_rate(rate: float, links: int, total: float) -> None:
    """θ limits what a lender posts further, however much is called for."""
    market = chain(0.0, rate, [1_000_001] + [2_000_000] * links, days=links + 4).run()
    assert sum(market.loans_frame()["posted_A"]) / 10_000 == pytest.approx(total, abs=1e-3)


@pytest.mark.parametrize("percent", [7, 14, 28, 29, 55, 57, 58])
def test_the_limit_is_computed_in_whole_numbers(percent: int) -> None:
    """In floats 0.29 · 100 is less than 29."""
    market = chain(0.0, percent / 100, [101, 1000], scale=1).run()
    assert market.loans_frame()["posted_A"].tolist() == [100, percent]


def dealt(demand: list[tuple[str, int]], prices: list[int], **dealer: Any) -> CollateralMarket:
    """D1 gets 100 A of each of B1 and B2 on day 1, and may post half of each further.

    On the day after it is called for what it borrowed of the lenders named, which is worth as much
    as the prices of token Y say.
    """
    terms = {**TITLE, "haircut": 0.0, "reuse_rate": 0.5, "priority": ["A"]}
    days = len(prices)
    return market_of(
        {"A": [1] * days, "X": [1] * days, "Y": prices},
        agreement=terms,
        loans=[
            *(
                loan(i, "D1", f"B{i}", lent={"JPY": 101}, collateral={"X": 1}, maturity=days + 9)
                for i in (1, 2)
            ),
            *(
                loan(i, name, "D1", lent={"Y": lent}, collateral={"X": 1})
                for i, (name, lent) in enumerate(demand, 3)
            ),
        ],
        participants={
            "given": [
                *({"name": f"B{i}", "role": "borrower", "wallet": {"A": 100}} for i in (1, 2)),
                {"name": "D1", "role": "dealer", **dealer},
            ],
        },
    )


def test_the_limit_holds_for_each_account_over_all_that_is_posted_from_it() -> None:
    """Two are served on one day: the first out of one account, the second out of the other."""
    market = dealt([("L1", 51), ("L2", 51)], [1, 1, 1, 1], issuance_capacity={})
    for _ in range(2):
        market.step()
    assert [row["A"] for row in held(market)] == [100, 100, 50, 50]
    assert market.books.reused[:, 0].tolist() == [50, 50, 0, 0]


def test_what_is_re_used_already_is_not_counted_on_again() -> None:
    """All that may be posted further is, and what is called for then is minted."""
    market = dealt([("L1", 101)], [1, 1, 1, 2, 2], issuance_capacity={"A": 1000})
    market.participants["D1"].model.ledger.arrays.capacity[:, 0] = 0
    for _ in range(2):
        market.step()
    assert market.books.reused[:, 0].tolist() == [50, 50, 0]
    market.ledger.arrays.capacity[market.participants["D1"].row, 0] = 1000
    market.step()
    assert market.today["borrower_issued_value"] == 101
    assert market.today["unmet_calls"] == 0
    assert held(market)[2]["A"] == 201


def test_no_reuse_under_pledge_or_at_a_rate_of_zero() -> None:
    market = chain(0.0, 0.0, [1_000_001, 2_000_000, 2_000_000]).run()
    assert sum(market.loans_frame()["posted_A"]) == 1_000_000
    assert market.days_frame()["collateral_velocity"].max() == 1
    assert market.days_frame()["reuse_chain"].max() == 0
    assert market.summary()["reused_value"] == 0


@pytest.mark.parametrize("number", [1, 2, 3, 6])
def test_everything_comes_back_along_the_chain_at_the_end(number: int) -> None:
    """Loans mature in the order of the chain, the worst one, and no token is left behind."""
    market = chain(0.0, 1.0, [1_000_001] + [1_000_001] * number, days=number + 4).run()
    assert market.loans_frame()["state"].eq("open").all()
    assert not market.ledger.arrays.balance.any()
    assert not market.books.reused.any()
    assert (market.ledger.arrays.minted == market.ledger.arrays.burned).all()


def settled_first(days: int = 10) -> CollateralMarket:
    """B1's loan matures on day 3 while D1 has its collateral at L1 until day 6."""
    return market_of(
        {"A": [1] * days, "X": [1] * days},
        agreement={**TITLE, "haircut": 0.0, "reuse_rate": 1.0, "priority": ["A"]},
        loans=[
            loan(1, "D1", "B1", lent={"JPY": 101}, collateral={"X": 1}, maturity=3),
            loan(2, "L1", "D1", lent={"JPY": 61}, collateral={"X": 1}, maturity=6),
        ],
        participants={
            "given": [
                {"name": "B1", "role": "borrower", "wallet": {"A": 100}},
                {"name": "D1", "role": "dealer", "issuance_capacity": {"JPY": 10**9}},
            ]
        },
    )


def test_return_fails_are_recorded_and_retried() -> None:
    market = settled_first()
    wallets, fails, values = [], [], []
    while market.running:
        market.step()
        wallets.append(market.participants["B1"].wallet["A"])
        fails.append(market.today["return_fails"])
        values.append(market.today["return_fail_value"])
    # 100 posted on day 1, 60 of them posted further on day 2; 40 come back on day 3.
    assert wallets == [0, 0, 40, 40, 40, 100, 100, 100, 100]
    assert all(fails[day - 1] > 0 for day in (3, 4, 5))
    assert all(values[day - 1] % 60 == 0 and values[day - 1] > 0 for day in (3, 4, 5))
    assert fails[6:] == [0, 0, 0]
    market.conclude()
    assert not market.ledger.arrays.balance.any()


def test_a_lender_replaces_what_it_posted_further_from_its_wallet() -> None:
    """D1 gets 60 tokens of its own in time, and owes its borrower nothing then."""
    market = settled_first()
    market.step()
    market.step()
    market.custodian.mint(market.participants["D1"], "A", 60)  # type: ignore[arg-type]
    market.step()
    assert market.participants["B1"].wallet["A"] == 100
    assert market.participants["D1"].wallet["A"] == 0
    assert market.today["return_fails"] == 0
    assert held(market)[1]["A"] == 60


def test_a_return_call_that_fails_stands() -> None:
    """The price doubles; half must go back, and only what D1 did not post further can."""
    market = market_of(
        {"A": [1, 1, 1, 2, 2], "X": [1] * 5},
        agreement={**TITLE, "haircut": 0.0, "reuse_rate": 0.8, "priority": ["A"]},
        agreements={"wide": {**TITLE, "haircut": 0.0, "trigger": 0.99, "priority": ["A"]}},
        loans=[
            loan(1, "D1", "B1", lent={"JPY": 101}, collateral={"X": 1}),
            loan(2, "L1", "D1", lent={"JPY": 1000}, collateral={"X": 1}, agreement="wide"),
        ],
        participants={
            "given": [
                {"name": "B1", "role": "borrower", "wallet": {"A": 100}},
                {"name": "D1", "role": "dealer", "issuance_capacity": {"JPY": 10**9}},
            ]
        },
    )
    for _ in range(3):
        market.step()
    # Worth 201 against 101: 50 are due, 20 are there.
    assert market.participants["B1"].wallet["A"] == 20
    assert market.today["return_fails"] == 1
    assert market.today["return_fail_value"] == 60
    assert market.today["gap"] == pytest.approx((161 - 101) + (161 - 1000), abs=1)
    market.step()
    assert market.today["return_calls"] == 1
    assert market.today["return_fail_value"] == 60


def test_every_token_has_one_holder() -> None:
    market = chain(0.0, 1.0, [1_000_001] * 5)
    while market.running:
        market.step()
        assert market.ledger.arrays.balance[:, 0].sum() == 1_000_000
