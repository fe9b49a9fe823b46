"""The paper's five models: the hand example, the unrounded figures, the lender that runs out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from paper_figures import WINDOWS, Figures, agree
from test_against_reference import compare
from worlds import held, loan, market_of, table_of

from abm.model import CollateralMarket
from scenarios.scenario import Scenario

HAND = {"A": [100, 97, 103, 103, 110], "B": [200, 198, 205, 205, 220]}

# Gaps after each day's action, calls, and tokens held on each day (replication.md).
HAND_RESULTS: dict[int, tuple[list[float], list[int], list[tuple[int, int]]]] = {
    0: (
        [-4750, 12688.2, -32.3, 20453.5],
        [1, 1, 1, 1],
        [(1000, 1000), (1052, 1000), (922, 1000), (923, 1000)],
    ),
    1: (
        [41.8, -32.3, 65.55, -28.5],
        [1, 1, 1, 1],
        [(1052, 1000), (922, 1000), (923, 1000), (727, 1000)],
    ),
    2: (
        [41.8, -165.3, 29.45, -133.0],
        [1, 1, 1, 1],
        [(1052, 1000), (1052, 934), (1052, 935), (1052, 837)],
    ),
    3: (
        [-4750, -32.3, -32.3, -28.5],
        [0, 1, 0, 1],
        [(1000, 1000), (922, 1000), (922, 1000), (727, 1000)],
    ),
    4: (
        [-4750, -190, -190, -133],
        [0, 1, 0, 1],
        [(1000, 1000), (1000, 960), (1000, 960), (1000, 863)],
    ),
}


@pytest.mark.parametrize("model", range(5))
def test_hand_example(model: int) -> None:
    market = market_of(
        HAND,
        agreement={"model": model, "haircut": 0.05, "return_rounding": "up"},
        loan={"collateral": {"A": 1000, "B": 1000}},
    )
    assert market.today["exposure"] == 285_000
    gaps, calls, holdings = HAND_RESULTS[model]
    for gap, call, (first, second) in zip(gaps, calls, holdings, strict=True):
        market.step()
        assert market.today["gap"] == pytest.approx(gap, abs=1e-9)
        assert market.today["margin_calls"] == call
        assert held(market) == [{"A": first, "B": second, "JPY": 0}]
    market.run()
    assert not market.ledger.arrays.balance.any()
    assert (market.ledger.arrays.minted == market.ledger.arrays.burned).all()


TOKENS = ("8306", "8604", "4901", "7013", "8031")


def paper_case(case: int, model: int, file: Path) -> CollateralMarket:
    start, end, _ = WINDOWS[case]
    table = {
        "money": {"currency": "JPY", "unit": 1},
        "window": {"start": start, "end": end, "calendar": "paper"},
        "prices": {"source": "file", "file": str(file)},
        "agreement": {"model": model, "haircut": 0.05, "return_rounding": "up"},
        "loan": {"collateral": dict.fromkeys(TOKENS, 1_000_000)},
    }
    return CollateralMarket(Scenario.parse(table, "paper"), rng=1).run()


def figures_of(market: CollateralMarket) -> Figures:
    days, loans = market.days_frame(), market.loans_frame()
    gaps = days["absolute_gap"].iloc[1:]
    assert len(gaps) == 60
    return Figures(
        gaps.max(),
        gaps.mean(),
        days["margin_calls"].sum(),
        days["lender_issuances"].sum(),
        days["borrower_issuances"].sum(),
        tuple(loans[f"posted_{token}"].iloc[0] for token in TOKENS),
    )


@pytest.mark.parametrize("case", WINDOWS)
def test_unrounded_figures(case: int, tokyo_closes: Path) -> None:
    first_day_sum = WINDOWS[case][2]
    markets = [paper_case(case, model, tokyo_closes) for model in range(5)]
    base = figures_of(markets[0])
    for model, market in enumerate(markets):
        agree(figures_of(market), case, model, base)
        days, loans = market.days_frame(), market.loans_frame()
        assert days["exposure"].iloc[0] == first_day_sum * 1_000_000 * 0.95
        if not days["lender_issuances"].iloc[-1]:
            # What is held at the end is what the last gap says.
            value = (loans.filter(like="posted_").iloc[0, :5] * market.path[-1, :5]).sum()
            gap = 0.95 * value - first_day_sum * 950_000
            assert gap == pytest.approx(days["gap"].iloc[-1])


def test_final_holdings_follow_the_rules(tokyo_closes: Path) -> None:
    """The holdings at the end, computed by the plain reference from the same closes."""
    from reference.market import ReferenceMarket

    from scenarios.prices.calendars import on_calendar

    for case, model in [(1, 2), (2, 0), (2, 1), (2, 3), (2, 4)]:
        market = paper_case(case, model, tokyo_closes)
        window = market.scenario.window
        panel = market.scenario.prices.panel(market.scenario.price_window, np.random.default_rng())
        panel = on_calendar(panel, window.start, window.end, "paper")
        prices = [
            dict(zip(panel.tokens, map(round, row), strict=True)) for row in panel.close.tolist()
        ]
        collateral = dict.fromkeys(TOKENS, 1_000_000)
        lent = {"JPY": WINDOWS[case][2] * 950_000}
        terms = {"model": model, "return_rounding": "up", "priority": list(TOKENS)}
        entry = loan(1, "L1", "B1", collateral=collateral, lent=lent)
        reference = ReferenceMarket(
            {
                "window": {"start": window.start},
                "money": {"currency": "JPY"},
                "agreement": terms,
                "loans": [entry],
            },
            prices,
        )
        for _ in range(60):
            reference.step()
        found = market.loans_frame().iloc[0]
        posted = {t: found[f"posted_{t}"] for t in TOKENS if found[f"posted_{t}"]}
        assert posted == reference.accounts[0].claims


def rally(growth: float) -> dict[str, list[int]]:
    """Prices that rise so far that the collateral of a single token cannot be returned in it."""
    rng = np.random.default_rng(5)
    moves = np.exp(growth + 0.03 * rng.standard_normal((61, 5)))
    moves[0] = 1
    paths = np.rint(np.array([502, 609, 2060, 990, 162]) * moves.cumprod(axis=0)).astype(int)
    return dict(zip(["CT1", "CT2", "CT3", "CT4", "CT5"], paths.T.tolist(), strict=True))


@pytest.mark.parametrize("model", range(5))
def test_lender_runs_out_in_a_rally(model: int) -> None:
    """Case 3 of the paper: the lender has returned all CT1 and issues the rest of a return."""
    prices = rally(0.02)
    collateral = dict.fromkeys(prices, 1_000_000)
    lent = {"JPY": sum(path[0] for path in prices.values()) * 950_000}
    table = table_of(
        61,
        agreement={"model": model, "haircut": 0.05, "return_rounding": "up"},
        loans=[loan(1, "L1", "B1", lent=lent, collateral=collateral)],
    )
    compare(table, prices)
    market = CollateralMarket(Scenario.parse(table, "rally"), rng=1, prices=_panel(prices)).run()
    issued = market.days_frame()["lender_issuances"]
    final = market.loans_frame()["posted_CT1"].iloc[0]
    if model in (1, 3):
        assert 0 < issued.sum() < market.days_frame()["margin_calls"].sum()
        assert final < 0
        # The gap of an issuing day is the one before the issuance (section 2.3.4).
        assert market.days_frame().loc[issued > 0, "gap"].max() > 1_000_000
    elif model == 0:
        assert issued.sum() == 60
    else:
        assert not issued.any()
        assert final >= 0


def _panel(prices: dict[str, list[int]]) -> Any:
    from worlds import panel_of

    return panel_of(prices)


def test_issuances_count_days_on_which_the_holding_does_not_suffice() -> None:
    """Three returns of which the second is completed by an issuance, and the third is one."""
    market = market_of(
        {"A": [100, 200, 400, 800], "B": [100, 200, 400, 800]},
        agreement={"model": 1, "haircut": 0.0, "return_rounding": "up"},
        loan={"collateral": {"A": 10, "B": 10}},
    )
    assert market.today["exposure"] == 2000
    market.step()  # worth 4000, 2000 too much: all ten A go back
    assert held(market)[0]["A"] == 0
    assert market.today["lender_issuances"] == 0
    market.step()  # ten B are worth 4000: 5 A are issued, and the gap is the one before
    assert held(market)[0]["A"] == -5
    assert market.today["lender_issuances"] == 1
    assert market.today["gap"] == 2000
    market.step()  # 10 B - 5 A are worth 4000 again, 2000 too much: ceil(2000/800) = 3 more
    assert held(market)[0]["A"] == -8
    assert market.today["gap"] == 2000
    market.conclude()
    assert not market.ledger.arrays.balance.any(), "what was issued is redeemed at the end"


def test_prices_of_a_day_without_trading_are_the_next_ones(tokyo_closes: Path) -> None:
    market = paper_case(1, 1, tokyo_closes)
    saturday = market.days.get_loc(pd.Timestamp("2009-07-04"))
    assert (market.path[saturday] == market.path[saturday + 2]).all()
    assert (market.path[saturday] != market.path[saturday - 1]).any()
