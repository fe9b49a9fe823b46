"""Long and short: one share lent on and on, and shares that were sold."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from worlds import CASH, loan, market_of, outstanding

from abm.measures.positions import net_positions, on_loan
from abm.model import CollateralMarket

PRICES = {"X": [100, 104, 96, 103], "G": [10, 10, 10, 10]}
MEASURES = [
    f"abm.measures.positions:{name}"
    for name in ("short_interest", "short_positions", "short_interest_ratio")
]


def chain(parties: list[str], **fields: object) -> CollateralMarket:
    """One share goes from each party to the next, against bonds."""
    loans = [
        loan(number, lender, borrower, lent={"X": 1}, composition={"G": 1})
        for number, (lender, borrower) in enumerate(pairwise(parties), 1)
    ]
    terms = {"haircut": 0, "priority": ["G"]}
    return market_of(PRICES, loans=loans, agreement=terms, measures=MEASURES, **fields)


def position(market: CollateralMarket, name: str, token: str) -> int:
    row = market.population.names.index(name)
    return int(net_positions(market)[row, market.tokens.index(token)])


@pytest.mark.parametrize("n", [1, 2, 4])
def test_one_share_lent_n_times_is_short_interest_n(n: int) -> None:
    market = chain(["L1", *(f"D{k}" for k in range(1, n)), "B1"])
    while market.running:
        assert on_loan(market)[0] == n
        assert market.today["short_interest"] == n * PRICES["X"][market.day]
        net = net_positions(market)
        assert net.sum(axis=0).tolist() == list(outstanding(market).values())
        assert market.today["short_positions"] == 0, "who has borrowed it still holds or is owed it"
        market.step()


def test_a_share_sold_short_makes_a_short_position() -> None:
    """It leaves the ledger: its borrower owes one, and fewer are outstanding by that."""
    limited = {"given": [{"name": "B1", "role": "borrower", "issuance_capacity": {"G": 100}}]}
    kept, sold = (
        chain(["L1", "D1", "B1"], balance={"B1": {"short": short}}, participants=limited)
        for short in (0.0, 1.0)
    )
    assert position(kept, "B1", "X") == 0 and position(sold, "B1", "X") == -1
    for market in (kept, sold):
        while True:
            net, there = net_positions(market), outstanding(market)
            long, short = np.maximum(net, 0).sum(axis=0), np.maximum(-net, 0).sum(axis=0)
            securities = [token for token in market.tokens if token != CASH]
            for token in securities:
                column = market.tokens.index(token)
                assert long[column] - short[column] == there[token]
            price = PRICES["X"][market.day]
            assert market.today["short_positions"] == (price if market is sold else 0)
            assert market.today["short_interest"] == 2 * price
            if not market.running:
                break
            market.step()
    assert outstanding(kept)["X"] - outstanding(sold)["X"] == 1
    assert sold.today["short_interest_ratio"] > kept.today["short_interest_ratio"]
