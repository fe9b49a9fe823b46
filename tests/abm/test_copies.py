"""A copy of a market, and one out of a pickle, go on as the market itself does, to the last bit."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_parts import Noisy, hollow
from random_worlds import World, worlds
from worlds import panel_of

from abm.model import CollateralMarket
from scenarios.errors import InputError
from scenarios.scenario import Scenario


def pickled(market: CollateralMarket) -> CollateralMarket:
    return pickle.loads(pickle.dumps(market))  # type: ignore[no-any-return]


WAYS: dict[str, Callable[[CollateralMarket], CollateralMarket]] = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "pickle": pickled,
}


def state(market: CollateralMarket) -> list[Any]:
    """Everything that can be seen of a market, as bytes."""
    frames = [
        market.days_frame(),
        market.loans_frame(),
        market.participants_frame(),
        market.events_frame(),
    ]
    books = [np.asarray(part).tobytes() for part in market.ledger.arrays[:5]]
    return [pickle.dumps([frame[name].tolist() for name in frame]) for frame in frames] + books


@settings(max_examples=15)
@given(worlds(), st.data())
def test_they_go_on_as_the_market_does(world: World, data: st.DataObject) -> None:
    """From any day of any world, with everything that is drawn by the day."""
    table, prices = world
    table["defaults"] = {**table.get("defaults", {}), "daily_hazard": 0.05}
    if "recalls" in table:
        table["recalls"] = {**table["recalls"], "daily_rate": 0.2}
    market = CollateralMarket(
        Scenario.parse(table, "test"),
        rng=data.draw(st.integers(0, 9)),
        prices=panel_of(prices),
        behaviours={"oracle": Noisy} if data.draw(st.booleans()) else {},
    )
    for _ in range(data.draw(st.integers(0, len(market.days) - 1))):
        market.step()
    others = [way(market) for way in (copy.deepcopy, pickled)]
    before = state(market)
    expected = state(market.run())
    for other in others:
        assert state(other) == before, "what the market does leaves its copies alone"
        assert state(other.run()) == expected


@pytest.mark.parametrize("way", WAYS)
def test_one_with_everything_of_ones_own(way: str) -> None:
    """A rule, a behaviour that draws, a measure, price impact."""
    market = CollateralMarket(
        "dealers-under-stress",
        rng=3,
        events=True,
        behaviours={"oracle": Noisy},
        measures=[hollow],
        rules=[{"use": "own_parts:Widening"}],
    )
    for _ in range(12):
        market.step()
    other = WAYS[way](market)
    assert state(other.run()) == state(market.run())
    assert other.days_frame()["hollow"].tolist() == market.days_frame()["hollow"].tolist()
    assert other.participants["B01"].model is other
    assert other.participants["B01"] in other.agents
    assert market.days_frame()["defaults_liquidity"].sum() > 0


def test_a_copy_is_another_market() -> None:
    market = CollateralMarket("prices-gbm", rng=1)
    other = copy.copy(market)
    other.run()
    assert market.day == 0
    assert len(market.days_frame()) == 1
    pd.testing.assert_frame_equal(market.run().days_frame(), other.days_frame())


def test_a_pickle_is_read_by_another_process(tmp_path: Path) -> None:
    market = CollateralMarket("prices-gbm", rng=1)
    market.step()
    path = tmp_path / "market.pickle"
    path.write_bytes(pickle.dumps(market))
    code = (
        "import pickle, sys\n"
        "market = pickle.load(open(sys.argv[1], 'rb')).run()\n"
        "print(repr(market.summary()['absolute_gap_mean']))\n"
    )
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == repr(market.run().summary()["absolute_gap_mean"])


def test_contracts_cannot_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their machine is outside the process's memory, or behind an object that cannot be read."""
    market = CollateralMarket("prices-gbm", rng=1)
    evm = market.scenario.model_copy(update={"ledger": "evm"})
    monkeypatch.setattr(market, "scenario", evm)
    for way in WAYS.values():
        with pytest.raises(InputError, match='ledger = "evm" cannot be copied or pickled'):
            way(market)
