"""A borrower that is short divides what it has among its calls, whatever their order and names."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import held, loan, market_of

from abm.agents import Borrower
from abm.agents.calls import DeliveryCall
from abm.agents.views import DeliveryCalls
from abm.books.loan_book import OPEN_LOAN, SETTLED
from abm.model import CollateralMarket
from abm.rules.shortage import part_of_whole

TERMS: dict[str, Any] = {"haircut": 0.0, "grace_days": 1000}


def short_market(
    loans: list[dict[str, Any]],
    wallet: dict[str, int],
    prices: dict[str, list[int]],
    *,
    borrower: str = "B",
    behaviour: type[Borrower] | None = None,
    minting: dict[str, Any] | None = None,
    **terms: Any,
) -> CollateralMarket:
    """One day of a borrower with these tokens beside what it posts, and no cash to mint."""
    given = {"name": borrower, "role": "borrower", "wallet": wallet}
    given["issuance_capacity"] = {"A": 0, "JPY": 0}
    minting = minting or {}
    given["issuance_capacity"] |= minting.get("issuance_capacity", {})
    market = market_of(
        prices,
        agreement=TERMS | terms,
        loans=loans,
        participants={"given": [given], "minting_days": minting.get("minting_days", 0)},
        behaviours={"borrower": behaviour} if behaviour else None,
    )
    market.step()
    return market


def delivered(market: CollateralMarket, posted: dict[str, int]) -> list[dict[str, int]]:
    """What has come into each account."""
    return [{t: n - posted.get(t, 0) for t, n in row.items()} for row in held(market)]


def equal_loans(number: int, ids: list[int], borrower: str = "B") -> list[dict[str, Any]]:
    cash = {"lent": {"JPY": 1000}, "collateral": {"A": 10}}
    return [loan(ids[i], f"L{i}", borrower, **cash) for i in range(number)]


FALL = {"A": [100, 50], "B": [30, 30]}
"""Ten A of 1,000 are worth 500: 500 are missing, ten A."""
SLIDE = {"A": [100, 50, 45, 40], "B": [30] * 4}


def test_seven_tokens_are_divided_among_three_equal_calls() -> None:
    market = short_market(equal_loans(3, [1, 2, 3]), {"A": 7}, FALL)
    assert [row["A"] for row in delivered(market, {"A": 10})] == [3, 2, 2]
    assert market.books.accounts.unmet.tolist() == [350, 400, 400]


def test_in_proportion_to_the_value_of_the_calls() -> None:
    """Calls of 500, 1,000 and 1,500 on twelve tokens: 2, 4 and 6, whatever their order."""
    size = {"L0": 1, "L1": 2, "L2": 3}
    for ids in ([1, 2, 3], [3, 2, 1], [2, 3, 1]):
        loans = [
            loan(i, who, "B", lent={"JPY": 1000 * n}, collateral={"A": 10 * n})
            for i, (who, n) in zip(ids, size.items(), strict=True)
        ]
        market = short_market(loans, {"A": 12}, FALL)
        came = dict(zip(ids, size, strict=True))
        for row, loan_id in zip(held(market), sorted(ids), strict=True):
            n = size[came[loan_id]]
            assert row["A"] - 10 * n == 2 * n


@settings(max_examples=40)
@given(
    number=st.integers(2, 6),
    wallet=st.fixed_dictionaries({"A": st.integers(0, 40), "B": st.integers(0, 40)}),
    rounding=st.sampled_from(["up", "down"]),
    data=st.data(),
)
def test_equal_calls_get_equal_fractions_whatever_the_order_and_names(
    number: int, wallet: dict[str, int], rounding: str, data: st.DataObject
) -> None:
    ids = data.draw(st.permutations(range(1, number + 1)))
    name = data.draw(st.sampled_from(["B", "A0", "Z"]))
    market = short_market(
        equal_loans(number, ids, name),
        {token: n for token, n in wallet.items() if n},
        FALL,
        borrower=name,
        delivery_rounding=rounding,
    )
    plain = short_market(
        equal_loans(number, list(range(1, number + 1))),
        {token: n for token, n in wallet.items() if n},
        FALL,
        delivery_rounding=rounding,
    )
    rows = delivered(market, {"A": 10})
    for token in ("A", "B"):
        counts = [row[token] for row in rows]
        assert max(counts) - min(counts) <= 1 or token == "B"
        assert sorted(counts) == sorted(row[token] for row in delivered(plain, {"A": 10}))
    values = [row["A"] * 50 + row["B"] * 30 for row in rows]
    assert max(values) - min(values) <= 50
    if wallet["A"] < number * 10:
        assert sum(row["A"] for row in rows) == wallet["A"]


@settings(max_examples=30)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5, unique=True),
    wallet=st.integers(0, 60),
    capacity=st.integers(0, 30),
    under=st.sampled_from([{}, {"delivery_rounding": "down"}, {"settlement_lag": 1}]),
    data=st.data(),
)
def test_each_lender_gets_the_same_whatever_the_numbers_of_the_loans(
    sizes: list[int], wallet: int, capacity: int, under: dict[str, Any], data: st.DataObject
) -> None:
    """Calls of different size, two tokens, two agreements with opposite priorities."""

    def brought(ids: list[int]) -> dict[str, Any]:
        loans = [
            loan(
                i,
                f"L{size}",
                "B",
                lent={"JPY": 100 * size},
                collateral={"A": size},
                **({"agreement": "other"} if size % 2 else {}),
            )
            for i, size in zip(ids, sizes, strict=True)
        ]
        given = {"name": "B", "role": "borrower", "wallet": {"A": wallet, "B": wallet // 2}}
        given["issuance_capacity"] = {"A": capacity, "JPY": 0}
        market = market_of(
            {"A": [100, 63], "B": [30, 30]},
            agreement=TERMS | under,
            agreements={"other": TERMS | under | {"priority": ["B", "A"]}},
            loans=loans,
            participants={"given": [given]},
        )
        market.step()
        accounts = market.books.accounts
        moving = market.ledger.in_transit.reshape(-1, len(accounts), len(market.tokens)).sum(0)
        names = market.population.names
        return {
            names[lender]: (moving[a].tolist(), row, int(accounts.unmet[a]))
            for a, (lender, row) in enumerate(zip(accounts.lender, held(market), strict=True))
        }

    numbers = list(range(1, len(sizes) + 1))
    assert brought(numbers) == brought(data.draw(st.permutations(numbers)))


def test_dear_tokens_go_where_most_was_cut_off() -> None:
    """Calls of 10 and 190 at 100 a token, two tokens: nothing and two, not one and one."""
    loans = [
        loan(1, "L1", "B", lent={"JPY": 210}, collateral={"A": 2}),
        loan(2, "L2", "B", lent={"JPY": 390}, collateral={"A": 2}),
    ]
    market = short_market(loans, {"A": 2}, {"A": [200, 100]})
    assert [row["A"] for row in held(market)] == [2, 4]


def test_a_search_goes_on_where_others_use_up_the_token_at_which_it_ended() -> None:
    """Two calls of 400. The first takes six A of 60 and ends, for there are more; the other one
    takes two B of 30 and then the last five A. So the first goes on, and takes 40 in cash.
    """
    terms = TERMS | {"delivery_rounding": "down"}
    market = market_of(
        {"A": [100, 60], "B": [30, 30]},
        agreement=terms | {"priority": ["A", "JPY"]},
        agreements={"other": terms | {"priority": ["B", "A"]}},
        loans=[
            loan(1, "L1", "B", lent={"JPY": 1000}, collateral={"A": 10}),
            loan(2, "L2", "B", lent={"JPY": 1000}, collateral={"A": 10}, agreement="other"),
        ],
        participants={
            "given": [
                {
                    "name": "B",
                    "role": "borrower",
                    "wallet": {"A": 11, "B": 2, "JPY": 100},
                    "issuance_capacity": {"A": 0, "B": 0, "JPY": 0},
                }
            ]
        },
    )
    market.step()
    first, other = delivered(market, {"A": 10})
    assert (first, other) == ({"A": 6, "B": 0, "JPY": 40}, {"A": 5, "B": 2, "JPY": 0})
    assert market.books.accounts.unmet.tolist() == [0, 40]


def test_who_can_mint_without_limit_is_served_in_the_order_of_accounts() -> None:
    """Nothing is unmet; the first call takes what the wallet has, and the others are minted for."""
    market = market_of(
        FALL,
        agreement=TERMS,
        loans=equal_loans(3, [1, 2, 3]),
        participants={"given": [{"name": "B", "role": "borrower", "wallet": {"B": 17}}]},
    )
    market.step()
    assert [row["B"] for row in held(market)] == [17, 0, 0]
    assert market.today["unmet_calls"] == 0


def test_tokens_under_way_and_capacity_are_shared() -> None:
    """Minting takes two days: four A are asked for today, and shared with those of tomorrow."""
    minting = {"minting_days": 2, "issuance_capacity": {"A": 9}}
    market = short_market(
        equal_loans(3, [1, 2, 3]), {"A": 3}, SLIDE | {"A": [100, 50, 50, 50]}, minting=minting
    )
    assert [row["A"] for row in delivered(market, {"A": 10})] == [1, 1, 1]
    assert market.books.ledger.arriving.sum() == 9
    assert market.today["borrower_issuances"] == 3
    market.step()
    assert market.today["borrower_issuances"] == 0
    market.step()
    assert [row["A"] for row in delivered(market, {"A": 10})] == [4, 4, 4]


class Alone(Borrower):
    def choose_delivery(self, call: DeliveryCall) -> dict[str, int]:
        return call.default


class Columns(Borrower):
    @classmethod
    def choose_delivery_in_columns(cls, calls: DeliveryCalls) -> np.ndarray:
        return calls.default


class Ranking(Borrower):
    def rank_calls(self, calls: DeliveryCalls) -> np.ndarray:
        return np.zeros(len(calls))


@pytest.mark.parametrize("behaviour", [Alone, Columns, Ranking])
@pytest.mark.parametrize("days", [0, 1])
def test_who_decides_what_is_the_default_delivers_the_same(
    behaviour: type[Borrower], days: int
) -> None:
    minting = {"minting_days": days, "issuance_capacity": {"A": 8}}
    ids = [4, 2, 3, 1]
    market, plain = (
        short_market(equal_loans(4, ids), {"A": 7, "B": 3}, SLIDE, minting=minting, behaviour=kind)
        for kind in (behaviour, None)
    )
    while True:
        assert market.today == plain.today
        assert (market.ledger.arrays.balance == plain.ledger.arrays.balance).all()
        if not market.running:
            break
        market.step()
        plain.step()


def test_calls_of_a_rank_share_what_those_before_them_leave() -> None:
    class LastFirst(Borrower):
        def rank_calls(self, calls: DeliveryCalls) -> np.ndarray:
            return np.where(calls.lender == calls.lender.max(), 0.0, 1.0)

    market = short_market(equal_loans(3, [1, 2, 3]), {"A": 15}, FALL, behaviour=LastFirst)
    assert [row["A"] for row in delivered(market, {"A": 10})] == [3, 2, 10]


def test_what_one_refuses_the_others_share() -> None:
    class Refusing(Borrower):
        def meet_call(self, call: DeliveryCall) -> bool:
            return call.loan_id != 1

    market = short_market(equal_loans(3, [1, 2, 3]), {"A": 15}, FALL, behaviour=Refusing)
    assert [row["A"] for row in delivered(market, {"A": 10})] == [0, 8, 7]


@given(st.integers(1, 2**61), st.integers(1, 2**61), st.lists(st.integers(0, 2**59), max_size=3))
def test_parts_of_large_numbers_are_exact(weight: int, there: int, others: list[int]) -> None:
    total = weight + sum(others)
    assert part_of_whole(weight, there % total + 1, total) == divmod(
        weight * (there % total + 1), total
    )


def test_shortage_differs_from_first_come_first_served() -> None:
    """Every call gets a part: none is met in full, and none goes without."""
    market = short_market(equal_loans(5, [5, 4, 3, 2, 1]), {"A": 25}, FALL)
    counts = Counter(row["A"] for row in delivered(market, {"A": 10}))
    assert counts == {5: 5}


def test_the_loan_that_has_been_due_for_longest_is_repaid_first() -> None:
    """Loan 2 fell due a day before loan 1; what arrives is enough for one."""
    market = market_of(
        {"A": [100] * 5, "B": [10] * 5},
        agreement=TERMS,
        loans=[
            loan(1, "L1", "B", lent={"A": 4}, collateral={"B": 40}, maturity=2),
            loan(2, "L2", "B", lent={"A": 4}, collateral={"B": 40}, maturity=1),
        ],
        participants={"given": [{"name": "B", "role": "borrower", "issuance_capacity": {"B": 0}}]},
    )
    market.ledger.burn(market.population.row("B"), market.ledger.token("A"), 8)
    for _ in range(2):
        market.step()
    assert market.today["recall_fails"] == 2
    market.ledger.mint(market.population.row("B"), market.ledger.token("A"), 4)
    market.step()
    assert market.books.loans.state.tolist() == [OPEN_LOAN, SETTLED]
