"""Everything of a user's own at once, named in a scenario and found in the folder worked in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from page.conftest import Visitor
from sweeps import stored

from abm.experiments.execute import run_experiment
from abm.model import CollateralMarket
from abm.page.settings import Offer
from scenarios.experiment import Experiment

COMMAND = Path(sys.executable).parent / "collateral"
BARE = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

MODULE = '''
"""A price source, a topology, behaviours, a rule and a measure."""

import numpy as np

from abm.agents import Borrower, ClearingHouse, Oracle
from abm.measures.measure import daily
from abm.rules.rule import Rule


def falling(days, tokens, rng, step=0.02):
    noise = 0.001 * rng.standard_normal((len(days), len(tokens)))
    return 100 * np.exp(np.cumsum(noise - step, axis=0))


def everybody_once(lenders, borrowers, dealers, rng):
    return np.resize(lenders, len(borrowers)), borrowers


class Careful(Borrower):
    def meet_call(self, call):
        return call.missing < 100


class Later(Oracle):
    def choose_prices(self, prices):
        return {token: 1.01 * price for token, price in prices.items()}


class Patient(ClearingHouse):
    def declare_default(self, participant, days):
        return days > 3


class Wider(Rule):
    rewrites = ("haircut",)

    def __init__(self, by=0.001):
        self.by = by

    def today(self, agreement, seen):
        return {"haircut": 0.05 + self.by * seen.day}


@daily("money", "level")
def first_price(market):
    """The published price of the first token."""
    return market.prices[0] * market.unit
'''
SCENARIO = """
measures = ["mine:first_price"]

[window]
start = 2024-01-01
end = 2024-01-20
calendar = "sessions"

[prices]
source = "own"
use = "mine:falling"
tokens = ["A", "B"]
parameters = { step = 0.01 }

[participants]
lenders = 2
borrowers = 3
behaviour = { borrower = "mine:Careful", oracle = "mine:Later", clearing_house = "mine:Patient" }

[network]
topology = "own"
use = "mine:everybody_once"

[loan]
principal = 10_000

[[rules]]
use = "mine:Wider"
parameters = { by = 0.002 }
"""
SWEEP = '[experiment]\nscenario = "mine.toml"\nreplications = 2\n[factors]\nmodel = [1, 4]\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MODULE)
    (tmp_path / "mine.toml").write_text(SCENARIO)
    (tmp_path / "sweep.toml").write_text(SWEEP)
    return tmp_path


def collateral(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(COMMAND), *arguments]
    return subprocess.run(
        command, cwd=folder, env=BARE, capture_output=True, text=True, timeout=300
    )


def test_in_workers_and_without_the_tables_are_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = collateral(folder, "run", "sweep.toml", "--out", "beside", "--workers", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.chdir(folder)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    run_experiment(Experiment.load("sweep.toml"), "alone", workers=0, quiet=True)
    alone = stored(folder / "alone")
    assert alone == stored(folder / "beside")
    days = pd.read_parquet(folder / "alone" / "days")
    # The oracle publishes a hundredth more than prices that start at 100 and fall by a hundredth.
    first = days[days["day"] == 0]["first_price"]
    assert first.to_numpy() == pytest.approx(1.01 * 100 * 0.99, rel=0.005)
    assert len(set(first)) == 2, "noise is drawn from the run, whatever the model"
    runs = pd.read_parquet(folder / "alone" / "runs")
    assert (runs["open_loans_max"] == 3).all(), "one loan a borrower"
    assert "first_price_mean" in runs


def test_on_the_page_and_in_a_script_the_market_is_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    script = CollateralMarket("mine.toml", rng=1)
    assert {type(agent).__name__ for agent in script.borrowers} == {"Careful"}
    assert type(script.oracle).__name__ == "Later"
    assert type(script.clearing_house).__name__ == "Patient"
    offer = Offer("mine.toml")
    visitor = Visitor(offer)
    last = len(script.days) - 1
    told = visitor.open(offer.first, to=last)
    assert [message["day"] for message in told if message["what"] == "day"] == [*range(last + 1)]
    (market,) = visitor.session.markets
    days = script.run().days_frame()
    pd.testing.assert_frame_equal(market.days_frame(), days)
    assert days["unmet_calls"].sum() > 0, "the behaviour acts"
    assert days["defaults_liquidity"].sum() > 0
    assert days.loc[days["defaults_liquidity"] > 0, "day"].min() > 3, "the clearing house does"
    visitor.session.close()


def test_from_elsewhere_it_says_where_it_looked(folder: Path) -> None:
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    done = collateral(elsewhere, "run", "../mine.toml", "--out", "o", "--workers", "0")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"No module named 'mine'; looked for in {elsewhere}" in line
    assert not (elsewhere / "o").exists()
