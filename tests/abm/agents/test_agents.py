"""What an agent does of itself, its randomness, and what a market is made from in Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from drawing_borrowers import Draws, DrawsInVain
from sweeps import SCENARIO, sweep
from worlds import loan, market_of

from abm.agents import Borrower, Lender
from abm.experiments.execute import run_experiment
from abm.model import CollateralMarket
from scenarios.errors import InputError
from scenarios.scenario import Scenario

PRICES = {"A": [100, 90, 80, 70], "B": [10, 10, 10, 10]}
WORLD: dict[str, Any] = {
    "agreement": {"haircut": 0.0, "grace_days": 9},
    "loans": [
        loan(1, "L1", "B2", lent={"JPY": 1000}, collateral={"A": 10}),
        loan(2, "L1", "B1", lent={"JPY": 1000}, collateral={"A": 10}),
    ],
    "participants": {"issuance_capacity": 0},
}


class TestStep:
    def test_once_a_day_before_anything_else_in_the_order_of_names(self) -> None:
        seen: list[Any] = []

        class Looks(Borrower):
            def step(self) -> None:
                seen.append((self.model.day, self.name, int(self.model.prices[0])))

        class LooksToo(Lender):
            def step(self) -> None:
                seen.append((self.model.day, self.name, int(self.model.prices[0])))

        market_of(PRICES, behaviours={"lender": LooksToo, "borrower": Looks}, **WORLD).run()
        days = [(1, 100), (2, 90), (3, 80)]
        assert seen == [(day, name, price) for day, price in days for name in ("B1", "B2", "L1")]

    def test_what_it_does_counts_on_the_same_day(self) -> None:
        """Tokens that a borrower deposits in the morning meet the call of the day."""

        class Provident(Borrower):
            def step(self) -> None:
                if self.model.day == 2:
                    self.model.custodian.mint(self, "B", 20)

        market = market_of(PRICES, behaviours={"B1": Provident}, **WORLD).run()
        assert market.days_frame()["unmet_calls"].tolist() == [0, 2, 1, 2]

    def test_nobody_is_asked_whose_class_has_none(self) -> None:
        assert len(market_of(PRICES, **WORLD).stepping) == 0

    def test_is_refused_where_contracts_decide(self) -> None:
        class Acts(Borrower):
            def step(self) -> None:
                pass

        with pytest.raises(InputError, match=r"Acts\.step: on ledger = .evm. the contracts decide"):
            market_of(
                PRICES,
                behaviours={"borrower": Acts},
                loan={"principal": 1000},
                agreement={"haircut": 0.05},
                ledger="evm",
            )


NETWORK: dict[str, Any] = {
    **SCENARIO,
    "agreement": {"trigger": 0.0, "grace_days": 3},
    "recalls": {"daily_rate": 0.2, "notice": 1},
    "defaults": {"daily_hazard": 0.02},
    "loan": {**SCENARIO["loan"], "open_ended": True},
}


def run(rng: int, kind: type[Borrower] = Borrower) -> CollateralMarket:
    scenario = Scenario.parse(NETWORK, "test")
    return CollateralMarket(scenario, rng=rng, behaviours={"borrower": kind}, events=True).run()


class TestRandomness:
    def test_repeats_with_the_seed(self) -> None:
        one, two = run(11, Draws), run(11, Draws)
        pd.testing.assert_frame_equal(one.events_frame(), two.events_frame())
        assert one.summary()["unmet_calls"] > 0, "something has to be drawn"

    def test_differs_between_the_replications_of_an_experiment(self, tmp_path: Any) -> None:
        """On the same prices and network: what differs, agents have drawn."""
        flat = {"source": "gbm", "tokens": ["A"], "initial": 100.0, "volatility": 0.0}
        shocks = {"source": "shocks", "base": flat, "shocks": [{"day": 1, "size": -0.2}]}
        behaviour = {"borrower": "drawing_borrowers:Draws"}
        scenario = {
            "prices": shocks,
            "participants": {"behaviour": behaviour, "lenders": 1, "borrowers": 20},
            "loan": {"principal": 1000.0},
            "network": {"topology": "complete"},
            "agreement": {"grace_days": 100},
        }
        tables: list[pd.DataFrame] = []
        for name in ("one", "two"):
            experiment = sweep(scenario, {"replications": 4}, factors={"agreement.model": [2]})
            assert run_experiment(experiment, tmp_path / name, workers=0, quiet=True).failed == 0
            tables.append(pd.read_parquet(tmp_path / name / "runs"))
        pd.testing.assert_frame_equal(*tables)
        assert len(set(tables[0]["exposure_mean"])) == 1
        assert len(set(tables[0]["unmet_calls"])) > 1

    def test_two_designs_of_a_replication_draw_the_same(self) -> None:
        markets = [
            CollateralMarket(Scenario.parse(NETWORK, "test"), rng=5, **{"agreement.haircut": h})
            for h in (0.05, 0.2)
        ]
        assert markets[0].random.random() == markets[1].random.random()
        assert markets[0].rng.random() == markets[1].rng.random()

    def test_changes_nothing_else(self) -> None:
        """Prices, network, defaults and recalls come from streams of their own."""
        one, two = run(11), run(11, DrawsInVain)
        assert (one.path == two.path).all()
        for name in ("days", "loans", "participants", "events"):
            frames = [getattr(market, f"{name}_frame")() for market in (one, two)]
            pd.testing.assert_frame_equal(*frames)
        assert one.summary()["recalls"] > 0
        assert one.summary()["defaults_exogenous"] > 0


FRAME = pd.DataFrame({"A": [1.0, 2.0]}, index=pd.date_range("2024-01-01", periods=2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scenario": SCENARIO}, r"scenario: expected a Scenario, .*Scenario\.parse.*a dict"),
        ({"scenario": None}, "scenario: expected .* a NoneType"),
        ({"prices": FRAME}, r"prices: expected a PricePanel; .*from_frame.*a DataFrame"),
        ({"rng": np.random.default_rng(1)}, "rng: expected a whole number .*Generator"),
        ({"rng": "1"}, "rng: expected a whole number .*'1'"),
        ({"rng": 1.5}, r"rng: expected a whole number .*it is 1\.5"),
        ({"rng": -1}, "rng: expected a whole number .*it is -1"),
    ],
)
def test_arguments_of_another_kind_are_refused(arguments: dict[str, Any], message: str) -> None:
    given = {"scenario": Scenario.parse(SCENARIO, "test"), "rng": 1, **arguments}
    with pytest.raises(InputError, match=message):
        CollateralMarket(**given)


def test_a_seed_from_numpy_is_the_same_number() -> None:
    scenario = Scenario.parse(SCENARIO, "test")
    one, two = (CollateralMarket(scenario, rng=seed) for seed in (7, np.int64(7)))
    assert (one.path == two.path).all()
