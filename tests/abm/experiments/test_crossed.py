"""Networks and price paths crossed: every pair once, the same in every design and from Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sweeps import SCENARIO, table_of

from abm.experiments.execute import run_experiment
from abm.model import CollateralMarket
from abm.opening.streams import RunSeed, Streams
from scenarios.errors import InputError
from scenarios.experiment import Experiment
from scenarios.scenario import Scenario


def crossed(settings: dict[str, Any] | None = None, **tables: Any) -> Experiment:
    table = table_of(settings={"networks": 2, "paths": 3, "seed": 5, **(settings or {})}, **tables)
    del table["experiment"]["replications"]
    return Experiment.parse(table, "test")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crossed") / "out"
    run_experiment(crossed({"tables": ["loans"]}), folder, workers=0, quiet=True)
    return folder


def test_every_network_meets_every_path_once(done: Path) -> None:
    runs = pd.read_parquet(done / "runs").sort_values(["scenario_id", "replication_id"])
    assert len(runs) == 2 * 2 * 3
    assert runs["network_id"].tolist() == [0, 0, 0, 1, 1, 1] * 2
    assert runs["path_id"].tolist() == [0, 1, 2] * 4
    assert not runs["one_history"].any()


def test_a_path_is_the_same_on_every_network_and_a_network_on_every_path(done: Path) -> None:
    runs = pd.read_parquet(done / "runs").set_index(["scenario_id", "replication_id"])
    loans = pd.read_parquet(done / "loans").sort_values("loan_id")
    pairs = {
        (int(runs.loc[key, "network_id"]), int(runs.loc[key, "path_id"]), key[0]): table
        for key, table in loans.groupby(["scenario_id", "replication_id"])
    }
    for design in (0, 1):
        for path in (0, 1, 2):
            one, two = pairs[0, path, design], pairs[1, path, design]
            assert one["exposure"].tolist() != two["exposure"].tolist(), "another network"
        for network in (0, 1):
            lent = [pairs[network, path, design]["exposure"].tolist() for path in (0, 1, 2)]
            assert lent[0] == lent[1] == lent[2]
    for key, table in pairs.items():
        assert table["exposure"].tolist() == pairs[*key[:2], 0]["exposure"].tolist()


def test_a_run_can_be_had_from_python(done: Path) -> None:
    days = pd.read_parquet(done / "days").sort_values(["scenario_id", "replication_id", "day"])
    for replication, network, path in ((0, 0, 0), (2, 0, 2), (4, 1, 1), (5, 1, 2)):
        scenario = Scenario.parse({**SCENARIO, "agreement": {"model": 1}}, "test")
        market = CollateralMarket(scenario, rng=RunSeed(5, network, path)).run()
        ours = days[(days["scenario_id"] == 0) & (days["replication_id"] == replication)]
        theirs = market.days_frame()
        for name in ("lent", "collateral_value", "uncollateralised_before", "margin_calls"):
            assert ours[name].tolist() == theirs[name].tolist(), name


def draws(seed: int | np.random.SeedSequence | RunSeed) -> dict[str, float]:
    streams = Streams.spawn(seed)
    purposes = ("prices", "network", "behaviour", "shocks", "recalls")
    return {name: getattr(streams, name).random() for name in purposes}


def test_replications_are_the_diagonal() -> None:
    for r in (0, 3):
        sequence = np.random.SeedSequence(5, spawn_key=(r,))
        assert draws(RunSeed(5, r, r)) == draws(sequence)
    assert draws(5) == draws(RunSeed(5))
    one, other = draws(RunSeed(5, 3, 7)), draws(RunSeed(5, 3, 8))
    assert one["network"] == other["network"] == draws(RunSeed(5, 3, 3))["network"]
    assert one["prices"] == draws(RunSeed(5, 7, 7))["prices"] != other["prices"]
    rest = ("behaviour", "shocks", "recalls")
    grid = {tuple(draws(RunSeed(5, n, p))[x] for x in rest) for n in range(4) for p in range(4)}
    assert len(grid) == 16, "drawn anew for each pair"


def test_only_one_of_both_is_the_other_one_once() -> None:
    only = crossed({"networks": None})
    assert (only.networks, only.paths, only.replications) == (1, 3, 3)
    more = only.with_settings({}, networks=4)
    assert (more.networks, more.paths, more.replications) == (4, 3, 12)
    plain = more.with_settings({}, replications=7)
    assert (plain.networks, plain.paths, plain.replications) == (None, None, 7)


def test_both_ways_of_counting_are_refused() -> None:
    with pytest.raises(InputError, match="give one or the other"):
        Experiment.parse(table_of(settings={"networks": 2}), "test")
    with pytest.raises(InputError, match="replications: give them, or networks and paths"):
        crossed().with_settings({}, replications=3, paths=2)


def test_another_grid_is_another_experiment(tmp_path: Path) -> None:
    """Six runs of two networks on three paths are not six of three networks on two."""
    run_experiment(crossed(), tmp_path / "out", workers=0, quiet=True)
    with pytest.raises(InputError, match="another experiment"):
        other = crossed({"networks": 3, "paths": 2})
        run_experiment(other, tmp_path / "out", workers=0, quiet=True, resume=True)


@pytest.mark.parametrize(
    ("prices", "one"),
    [
        ({"source": "file", "file": "bundled:us_stocks_2007_2010"}, True),
        (
            {
                "source": "shocks",
                "base": {"source": "file", "file": "bundled:us_stocks_2007_2010"},
                "shocks": [{"day": 2, "size": -0.1}],
            },
            True,
        ),
        ({"source": "bootstrap", "history": {"file": "bundled:us_stocks_2007_2010"}}, False),
        ({"source": "gbm", "tokens": ["A"], "initial": 100.0, "volatility": 0.03}, False),
    ],
)
def test_history_as_it_was_is_told_from_prices_that_are_drawn(
    prices: dict[str, Any], one: bool
) -> None:
    tokens = {} if prices["source"] != "bootstrap" else {"tokens": ["IBM"]}
    scenario = Scenario.parse({**SCENARIO, "prices": {**prices, **tokens}}, "test")
    assert scenario.prices.is_one_history is one
