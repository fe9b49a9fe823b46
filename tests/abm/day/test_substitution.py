"""Substitution: what is exchanged, by hand, and what it costs; what cannot be is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from worlds import CASH, held, loan, market_of

from abm.agents import Borrower
from abm.model import CollateralMarket
from scenarios.errors import InputError

FLAT = {"A": [10.0] * 5, "B": [10.0] * 5, "C": [3.0] * 5}
FEES = {"A": 0.03, "B": 0.01, "C": 0.02}
MEASURES = [
    f"abm.measures.collateral:{name}"
    for name in ("collateral_cost", "substitutions", "substituted_value", "collateral_not_counted")
]


def world(wallet: dict[str, int], least: float | None = 0.0, **fields: Any) -> dict[str, Any]:
    """A loan of 1,000 yen against 100 A, whose borrower has something in its wallet."""
    people = {} if least is None else {"substitution": least}
    given = {"name": "B1", "role": "borrower", "wallet": wallet, "issuance_capacity": {}}
    return {
        "agreement": {"haircut": 0.0, "grace_days": 99},
        "assets": {f"of {t}": {"tokens": [t], "lending_fee": fee} for t, fee in FEES.items()},
        "measures": MEASURES,
        "participants": {"given": [given], **people},
        "loans": [loan(1, "L1", "B1", lent={CASH: 1000}, collateral={"A": 100})],
        **fields,
    }


def after(market: CollateralMarket, days: int = 1) -> dict[str, int]:
    """What is posted after some days."""
    for _ in range(days):
        market.step()
    return {token: number for token, number in held(market)[0].items() if number}


def test_the_dearest_goes_back_for_the_cheapest() -> None:
    """The 30 B there are for as many A; then 50 C, which count for 150, for 15 A more."""
    market = market_of(FLAT, events=True, **world({"B": 30, "C": 50}))
    assert after(market) == {"A": 55, "B": 30, "C": 50}
    assert dict(market.participants["B1"].wallet) == {"A": 45, "B": 0, "C": 0, CASH: 1000}
    today = market.days_frame().iloc[-1]
    assert today[["substitutions", "substituted_value", "transfers"]].tolist() == [1, 450, 3]
    assert today["collateral_cost"] == pytest.approx(550 * 0.03 + 300 * 0.01 + 150 * 0.02)
    assert today[["delivery_calls", "deliveries", "returns", "gap"]].tolist() == [0, 0, 0, 0]
    events = market.events_frame(since=1).query("event == 'substitution'")
    assert events[["token", "quantity", "value"]].to_numpy().tolist() == [
        ["B", 30, 300],
        ["C", 50, 150],
        ["A", -45, -450],
    ]


def test_what_comes_is_rounded_up_and_has_to_save_that_much() -> None:
    """33 C count for 99: 9 A go back for 30 C, exactly; at 31 C for 9 A and a bit none would."""
    assert after(market_of(FLAT, **world({"C": 33}))) == {"A": 91, "C": 30}
    dear = {**FLAT, "C": [7.0] * 5}  # 10 go back for 14 at most: 2 C cost 0.28, an A 0.3
    assert after(market_of(dear, **world({"C": 2}))) == {"A": 99, "C": 2}
    assert after(market_of(dear, **world({"C": 2}, 0.003))) == {"A": 100}


@pytest.mark.parametrize(("least", "brought"), [(0.02, 30), (0.021, 0), (None, 0)])
def test_it_has_to_save_so_much(least: float | None, brought: int) -> None:
    assert after(market_of(FLAT, **world({"B": 30}, least))).get("B", 0) == brought


def test_it_happens_once() -> None:
    market = market_of(FLAT, **world({"B": 30, "C": 50}))
    once = after(market)
    assert after(market, 3) == once
    assert market.days_frame()["substitutions"].tolist() == [0, 1, 0, 0, 0]


def test_with_a_lag_both_settle_together() -> None:
    lagging = {"haircut": 0.0, "grace_days": 99, "settlement_lag": 2}
    market = market_of(FLAT, **world({"B": 30}, agreement=lagging))
    assert [after(market), after(market), after(market)] == [
        {"A": 100},
        {"A": 100},
        {"A": 70, "B": 30},
    ]
    days = market.days_frame()
    assert days["substitutions"].tolist() == [0, 1, 0, 0]
    assert days["margin_calls"].iloc[1:].tolist() == [1] * 3
    assert not days[["delivery_calls", "return_calls"]].to_numpy().any()


def test_calls_come_first() -> None:
    """A falls by a fifth: 20 of 30 B are called for; only the 10 that are left are exchanged."""
    falling = {**FLAT, "A": [10.0, 8.0, 8.0, 8.0, 8.0]}
    terms = {"haircut": 0.0, "grace_days": 99, "priority": ["B", "A", "C"]}
    market = market_of(falling, **world({"B": 30}, agreement=terms))
    assert after(market) == {"A": 88, "B": 30}  # 12 A for 10 B: they count for 96 of 100
    unmet = market_of({**FLAT, "A": [10.0, 2.0] * 2 + [2.0]}, **world({"B": 30}))
    assert after(unmet) == {"A": 100, "B": 30}
    assert unmet.today["unmet_value"] == 500


def test_limits_and_eligibility_hold() -> None:
    """B up to 200 in all; C is not eligible."""
    limit = {"asset": "B", "percentage_limit": 0.2}
    schedule = {
        "criteria": [{}, {"asset": "C", "is_included": False}],
        "concentration_limits": [limit],
    }
    terms = {"haircut": 0.0, "grace_days": 99, "schedule": "s"}
    market = market_of(
        FLAT, **world({"B": 30, "C": 50}, agreement=terms, schedules={"s": schedule})
    )
    assert after(market) == {"A": 80, "B": 20}
    assert market.today["collateral_not_counted"] == 0


def test_haircuts_of_their_own_decide_what_is_cheaper() -> None:
    """A token B counts for a quarter: for what it counts for it costs more than A."""
    criteria = [{}, {"asset": "B", "haircut_percentage": 0.75}]
    terms = {"haircut": 0.0, "grace_days": 99, "schedule": "s"}
    given = world({"B": 30}, agreement=terms, schedules={"s": {"criteria": criteria}})
    assert after(market_of(FLAT, **given)) == {"A": 100}


class Own(Borrower):
    """Exchanges what a test says."""

    wanted: tuple[int, ...] = ()

    def choose_substitutions(self, accounts: Any) -> Any:
        assert accounts.held.tolist() == [[100, 0, 0, 0]]
        assert accounts.counts.tolist() == [[10.0, 10.0, 3.0, 0.0]]
        assert accounts.default.tolist() == [[0, 0, 0, 0]]
        assert accounts.wallet.tolist() == [[0, 30, 50, 1000]]
        return np.array([self.wanted])


class Together(Borrower):
    """The same in columns."""

    @classmethod
    def choose_substitutions_in_columns(cls, accounts: Any) -> Any:
        return np.array([Own.wanted])


@pytest.mark.parametrize("kind", [Own, Together])
def test_who_decides_for_itself(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Own, "wanted", (-5, 0, 17, 0))
    market = market_of(FLAT, behaviours={"B1": kind}, **world({"B": 30, "C": 50}, None))
    assert after(market) == {"A": 95, "C": 17}


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ((-5, 0, 16, 0), "what comes counts for less than what goes back"),
        ((-101, 101, 0, 0), "-101 A, for loan 1: more than can be taken back"),
        ((-40, 40, 0, 0), "40 B, for loan 1: more than is left in the wallet"),
        ((-10, 0, 0, 100), "100 JPY, for loan 1: which calls on it do not move"),
        ((-1, 1), "expected whole numbers of tokens of shape"),
    ],
)
def test_what_cannot_be_exchanged(
    wanted: tuple[int, ...], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Own, "wanted", wanted)
    market = market_of(FLAT, behaviours={"B1": Together}, **world({"B": 30, "C": 50}, None))
    with pytest.raises(InputError, match=says):
        market.step()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"assets": {}}, "no class of assets has a lending_fee"),
        ({"ledger": "evm"}, 'on ledger = "evm" the contracts decide, and move collateral on calls'),
    ],
)
def test_what_cannot_be(change: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        market_of(FLAT, **{**world({"B": 30}), **change})


def test_nothing_is_saved_where_nothing_is_cheaper() -> None:
    """The market is that without substitution, to the byte, but for its measures."""
    given = world({"C": 0}, None)
    without = market_of(FLAT, **given).run().days_frame()
    assert market_of(FLAT, **world({"C": 0})).run().days_frame().equals(without)
