"""The contracts and the simulator agree in every balance on every day."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from evm_scenarios import random_scenario

from abm.books.calendar import TOGETHER, flags
from abm.books.ledger import LedgerError
from abm.chain.verify import Difference, compare, verify
from abm.model import CollateralMarket
from scenarios.prices import PricePanel
from scenarios.scenario import Scenario

SHARED = Path(__file__).parents[4] / "shared" / "data" / "tse_closes_case1_case2.csv"
JAPANESE = ("8306", "8604", "4901", "7013", "8031")
AMERICAN = ("AAPL", "GOOG", "IBM", "MSFT")
BUNDLED = {
    "autumn 2008": ("2008-09-01", "2008-11-01"),
    "end of 2008": ("2008-11-03", "2009-01-02"),
    "rally of 2009": ("2009-03-01", "2009-05-01"),
    "spring of 2010": ("2010-04-20", "2010-06-20"),
}
PAPER = {"Case 1": ("2009-07-01", "2009-08-31"), "Case 2": ("2008-10-01", "2008-12-01")}


def paper_market(
    model: int, window: tuple[str, str], file: str, tokens: tuple[str, ...], money: dict[str, Any]
) -> Scenario:
    """One of the paper's models, as in its Table 1, over some window."""
    return Scenario.parse(
        {
            "name": f"Model {model}",
            "money": money,
            "window": {"start": window[0], "end": window[1], "calendar": "paper"},
            "prices": {"source": "file", "file": file},
            "agreement": {"model": model, "haircut": 0.05, "return_rounding": "up"},
            "loan": {"collateral": dict.fromkeys(tokens, 1_000_000)},
        },
        "paper",
    )


def check_equal(scenario: Scenario, days: int, prices: PricePanel | None = None) -> None:
    done = verify(scenario, rng=1, prices=prices)
    assert done.difference is None, done.difference
    assert done.days == days + 1
    assert done.calls > 0


@pytest.mark.parametrize("model", range(5))
@pytest.mark.parametrize("window", BUNDLED)
def test_papers_models_on_bundled_prices(window: str, model: int) -> None:
    start, end = BUNDLED[window]
    file = "bundled:us_stocks_2007_2010"
    scenario = paper_market(model, (start, end), file, AMERICAN, {"unit": 0.01})
    check_equal(scenario, (pd.Timestamp(end) - pd.Timestamp(start)).days)


@pytest.mark.skipif(not SHARED.is_file(), reason=f"no {SHARED.name}: these prices are not bundled")
@pytest.mark.parametrize("model", range(5))
@pytest.mark.parametrize("case", PAPER)
def test_papers_models_on_the_papers_prices(case: str, model: int) -> None:
    money = {"currency": "JPY", "unit": 1}
    check_equal(paper_market(model, PAPER[case], str(SHARED), JAPANESE, money), 61)


@pytest.mark.parametrize("model", range(5))
def test_where_the_lender_runs_out(model: int) -> None:
    """The stand-in for the paper's Case 3, in which single-token lenders issue tokens."""
    scenario = Scenario.load("stand-in-case-3").with_changes({"agreement.model": model})
    done = verify(scenario, rng=1)
    assert done.difference is None, done.difference
    if model in (1, 3):
        market = CollateralMarket(scenario, rng=1, ledger="evm").run()
        assert market.days_frame()["lender_issuances"].sum() > 0


@pytest.mark.parametrize("model", range(5))
def test_the_hand_example_comes_out_on_chain(model: int) -> None:
    """The worked example of the replication notes: the gap after each day's action."""
    gaps = {
        0: (-4750, 12688.2, -32.3, 20453.5),
        1: (41.8, -32.3, 65.55, -28.5),
        2: (41.8, -165.3, 29.45, -133.0),
        3: (-4750, -32.3, -32.3, -28.5),
        4: (-4750, -190, -190, -133),
    }
    closes = [(100, 200), (97, 198), (103, 205), (103, 205), (110, 220)]
    days = pd.date_range("2024-01-01", periods=5)
    frame = pd.DataFrame(closes, index=days, columns=["A", "B"], dtype=float)
    scenario = paper_market(model, ("2024-01-01", "2024-01-06"), "given", ("A", "B"), {"unit": 1})
    scenario = scenario.with_changes({"loan.collateral": {"A": 1_000, "B": 1_000}, "ledger": "evm"})
    panel = PricePanel.from_frame(frame, "hand")
    market = CollateralMarket(scenario, prices=panel).run()
    np.testing.assert_allclose(market.days_frame()["gap"][1:], gaps[model], rtol=0, atol=1e-9)


def test_no_flag_of_the_calendar_is_of_a_loan_that_does_not_exist() -> None:
    """Flags come in words; one behind the last loan has a pass read what is no loan."""
    scenario = Scenario.load("stand-in-case-3")
    market = CollateralMarket(scenario, rng=1, ledger="evm")
    words, number = market.books.calendar.running, len(market.books.loans)
    assert flags(words, TOGETHER * len(words)).tolist() == [1] * number + [0] * (
        TOGETHER * len(words) - number
    )


MARKETS = int(os.environ.get("COLLATERAL_MARKETS", "40"))
"""How many random markets are compared; 1,000 take some ten minutes."""


@pytest.mark.parametrize("seed", [*range(MARKETS), 490, 615, 699, 743])
def test_random_scenarios(seed: int) -> None:
    """All supported terms at random: lags, minima, priorities, recalls, faults of the oracle,
    defaults, sales with an impact. In the first of the last four a search goes on where others
    have used up a token, the others recall loans of somebody in default."""
    scenario, panel = random_scenario(seed)
    done = verify(scenario, rng=seed, prices=panel)
    assert done.difference is None, done.difference


def test_more_loans_than_a_batch_takes() -> None:
    """180 loans between 30 lenders and 60 borrowers whose wallets they share."""
    scenario = Scenario.load("network-random-bipartite")
    start = scenario.window.start
    changes = {"window.end": str((pd.Timestamp(start) + pd.Timedelta(days=12)).date())}
    done = verify(scenario.with_changes(changes), rng=3)
    assert done.loans > 64
    assert done.difference is None, done.difference


def test_frames_are_the_same_to_the_last_bit() -> None:
    """Not only the state: every statistic of a day, and the tables at the end."""
    scenario, panel = random_scenario(5)
    markets = [
        CollateralMarket(scenario, rng=5, prices=panel, ledger=ledger).run()
        for ledger in ("columns", "evm")
    ]
    columns, evm = (market.days_frame() for market in markets)
    assert (columns.pop("gas") == 0).all() and (evm.pop("gas") > 0).all()
    pd.testing.assert_frame_equal(columns, evm)
    for table in ("loans_frame", "participants_frame"):
        pd.testing.assert_frame_equal(*(getattr(market, table)() for market in markets))


@pytest.mark.parametrize("ledger", ["columns", "evm"])
def test_the_custodian_mints_and_burns_on_either_ledger(ledger: str) -> None:
    market = CollateralMarket("prices-file", rng=1, ledger=ledger)
    market.step()
    lender = market.lenders[0]
    token = market.tokens[0]
    before = lender.wallet[token]
    market.custodian.mint(lender, token, 5)
    market.custodian.burn(lender, token, 2)
    assert lender.wallet[token] == before + 3
    for refused in (
        lambda: market.custodian.burn(lender, token, before + 4),
        lambda: market.custodian.mint(lender, token, -1),
    ):
        with pytest.raises(LedgerError):
            refused()
    assert lender.wallet[token] == before + 3
    market.phases.check()
    market.run()


def test_a_difference_is_found_and_shown() -> None:
    """A token too many on one side, or a call too few, is named with day and holder."""
    scenario, panel = random_scenario(5)
    one, other = (
        CollateralMarket(scenario, rng=5, prices=panel, ledger=ledger)
        for ledger in ("columns", "evm")
    )
    compared, difference = compare(one, other)
    assert difference is None and compared > 0
    other.ledger.arrays.balance[0, 0] += 1
    _, difference = compare(one, other)
    held = int(one.ledger.arrays.balance[0, 0])
    holder = one.population.names[0]
    token = one.tokens[0]
    assert difference == Difference(0, f"balance of {token} (wallet of {holder})", held, held + 1)
    assert str(difference).startswith(f"day 0: balance of {token}")
    other.ledger.arrays.balance[0, 0] -= 1
    other.books.totals[0] += 1
    _, difference = compare(one, other)
    assert difference is not None and difference.what == "margin_calls"


def test_a_contract_that_differs_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the margin run were left out on one day, verification would end on that day."""
    from abm.chain.chain import Chain

    ran = Chain.adjust
    monkeypatch.setattr(
        Chain, "adjust", lambda self, rows: ran(self, rows) if self.market.day != 7 else {}
    )
    window = BUNDLED["autumn 2008"]
    scenario = paper_market(1, window, "bundled:us_stocks_2007_2010", AMERICAN, {"unit": 0.01})
    done = verify(scenario, rng=1)
    assert done.difference is not None and done.difference.day == 7
    assert done.days == 7


def test_a_crash_without_balance_sheets() -> None:
    """What docs/contracts.md says of it; calls go unmet, borrowers default, sales move prices."""
    done = verify(Path(__file__).parent / "crash.toml", rng=1)
    assert done.difference is None, done.difference
    assert done.transactions == 1082
