"""The bundled scenarios about prices: one for each source, and four synthetic stand-ins."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest

from abm.model import CollateralMarket
from scenarios.prices import SOURCES
from scenarios.prices.basis import FIRST_DAY_SUMS
from scenarios.prices.calendars import on_calendar
from scenarios.prices.own import OwnSource
from scenarios.scenario import Scenario, bundled

MINE = [name for name in bundled() if name.startswith(("prices-", "stand-in-"))]


def closes(name: str, seed: int = 1) -> np.ndarray:
    scenario = Scenario.load(name)
    window = scenario.price_window
    panel = scenario.prices.panel(window, np.random.default_rng(seed))
    return on_calendar(panel, window.start, window.end, window.calendar).close


def test_every_source_has_a_bundled_scenario() -> None:
    used = {type(Scenario.load(name).prices) for name in MINE}
    assert used == set(SOURCES) - {OwnSource}, "whose function is the user's own"


@pytest.mark.parametrize("name", MINE)
def test_it_says_what_it_is_and_what_to_look_at(name: str) -> None:
    text = bundled()[name].read_text()
    header = text[: text.index("\ntitle")]
    assert all(line.startswith("# ") for line in header.splitlines())
    assert "Look at: " in header
    assert Scenario.load(name).title


@pytest.mark.parametrize("name", MINE)
def test_it_runs_and_the_same_seed_gives_the_same_days(name: str) -> None:
    days = CollateralMarket(name, rng=1).run().days_frame()
    assert len(days) > 40
    assert days["margin_calls"].sum() > 0
    again = CollateralMarket(name, rng=1).run().days_frame()
    assert days.equals(again)


@pytest.mark.parametrize("name", MINE)
def test_it_needs_no_extra_package(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("arch", "arch.bootstrap", "yfinance", "matplotlib"):
        monkeypatch.setitem(sys.modules, package, None)
    assert (closes(name) > 0).all()


class TestStandIns:
    @pytest.mark.parametrize("case", FIRST_DAY_SUMS)
    def test_has_the_papers_days_and_first_sum(self, case: str) -> None:
        close = closes(f"stand-in-case-{case}")
        assert close.shape == (61, 5)
        assert close[0].sum() == FIRST_DAY_SUMS[case][1]
        np.testing.assert_array_equal(close, np.rint(close))

    @pytest.mark.parametrize("case", FIRST_DAY_SUMS)
    def test_is_labelled_as_synthetic(self, case: str) -> None:
        name = f"stand-in-case-{case}"
        assert re.match(
            r"# SYNTHETIC stand-in for the paper's Case \d", bundled()[name].read_text()
        )
        assert Scenario.load(name).title.startswith("Synthetic stand-in")

    @pytest.mark.parametrize(
        ("case", "calls"), [("1", (11, 11)), ("2", (31, 29)), ("3", (24, 20)), ("4", (21, 20))]
    )
    def test_calls_are_about_as_many_as_the_papers(self, case: str, calls: tuple[int, int]) -> None:
        """Table 4, Models 3 and 4, within four calls of the mean over twelve seeds."""
        for model, published in zip((3, 4), calls, strict=True):
            made = [
                CollateralMarket(f"stand-in-case-{case}", rng=seed, **{"agreement.model": model})
                .run()
                .summary()["margin_calls"]
                for seed in range(12)
            ]
            assert np.mean(made) == pytest.approx(published, abs=4.0)

    def test_the_rally_makes_the_single_token_lender_issue(self) -> None:
        """Table 4, Case 3: 27 issuances in Model 1 and none in Model 2."""
        for model, low, high in ((1, 18, 32), (2, 0, 0)):
            changes = {"agreement.model": model}
            issued = [
                CollateralMarket("stand-in-case-3", rng=seed, **changes)
                .run()
                .summary()["lender_issuances"]
                for seed in range(8)
            ]
            assert low <= np.mean(issued) <= high


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("prices-gbm", 4.0, 6.0), ("prices-merton", 6.5, 10.0), ("prices-file", 11.5, 12.5)],
)
def test_what_the_header_tells_to_look_at_is_there(name: str, low: float, high: float) -> None:
    """The largest shortfall to the requirement in per cent of the loan, median over seeds."""
    shares = []
    for seed in range(20):
        summary = CollateralMarket(name, rng=seed).run().summary()
        shares.append(100 * summary["requirement_shortfall_max"] / summary["exposure_max"])
    assert low < np.median(shares) < high
