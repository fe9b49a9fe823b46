"""A universe of tokens by class: the factor model against its closed form, and what is refused."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from scenarios.errors import InputError
from scenarios.prices.classes import ClassesSource, FactorParameters, factor_returns
from scenarios.scenario import Scenario

TABLE: dict[str, Any] = {
    "window": {"start": "2020-01-06", "end": "2020-03-01", "calendar": "sessions"},
    "assets": {
        "governments": {"tokens": ["G1", "G2"], "volatility": 0.0504},
        "equities": {"tokens": ["E1", "E2", "E3"], "volatility": 0.252},
        "cash": {"tokens": ["USD"]},
    },
    "prices": {
        "source": "classes",
        "market_correlation": {"governments": -0.5, "equities": 0.8},
        "class_correlation": {"governments": 0.9, "equities": 0.64},
    },
    "loan": {"principal": 1_000_000},
}


def scenario(**prices: Any) -> Scenario:
    table = copy.deepcopy(TABLE)
    table["prices"] |= prices
    return Scenario.parse(table, "test")


def source_of(scenario: Scenario) -> ClassesSource:
    assert isinstance(scenario.prices, ClassesSource)
    return scenario.prices


def test_covariance_by_hand() -> None:
    """Daily volatilities of 0.0504 and 0.252 a year: 0.003175 and 0.015875."""
    params = source_of(scenario()).parameters()
    g, e = 0.0504 / 252**0.5, 0.252 / 252**0.5
    by_hand = np.array(
        [
            [g * g, 0.9 * g * g, -0.4 * g * e, -0.4 * g * e, -0.4 * g * e],
            [0.9 * g * g, g * g, -0.4 * g * e, -0.4 * g * e, -0.4 * g * e],
            [-0.4 * g * e, -0.4 * g * e, e * e, 0.64 * e * e, 0.64 * e * e],
            [-0.4 * g * e, -0.4 * g * e, 0.64 * e * e, e * e, 0.64 * e * e],
            [-0.4 * g * e, -0.4 * g * e, 0.64 * e * e, 0.64 * e * e, e * e],
        ]
    )
    np.testing.assert_allclose(params.covariance, by_hand, rtol=1e-12)
    assert np.linalg.eigvalsh(params.correlation)[0] >= 0


def test_drawn_returns_have_the_closed_form() -> None:
    params = source_of(scenario()).parameters()
    days = 100_000
    drawn = factor_returns(params, days, 1, np.random.default_rng(7))[0]
    wanted = params.covariance
    # Of normals: var(s_ij) = (s_ii s_jj + s_ij²)/n.
    diagonal = np.diag(wanted)
    error = np.sqrt((np.outer(diagonal, diagonal) + wanted**2) / days)
    assert (np.abs(np.cov(drawn.T) - wanted) < 4 * error).all()
    mean_error = np.sqrt(diagonal / days)
    assert (np.abs(drawn.mean(axis=0) + diagonal / 2) < 4 * mean_error).all()


def test_one_factor_alone_moves_all_alike() -> None:
    one = np.ones(1)
    params = FactorParameters(np.full(3, 0.01), np.zeros(3, np.int64), one, one)
    drawn = factor_returns(params, 50, 2, np.random.default_rng(1))
    np.testing.assert_allclose(drawn, np.broadcast_to(drawn[..., :1], drawn.shape), atol=1e-15)


def test_all_tokens_but_cash_are_priced_in_the_order_of_the_classes() -> None:
    made = scenario()
    panel = made.prices.panel(made.price_window, np.random.default_rng(1))
    assert panel.tokens == ("G1", "G2", "E1", "E2", "E3")
    assert (panel.close[0] == 100).all()
    some = scenario(tokens=["E3", "G1"], initial=[10, 20], market_correlation={"governments": 0.1})
    panel = some.prices.panel(some.price_window, np.random.default_rng(1))
    assert panel.tokens == ("E3", "G1")
    assert panel.close[0].tolist() == [10, 20]


def test_it_follows_changes_of_the_classes_and_survives_a_pickle() -> None:
    made = scenario()
    wider = made.with_changes({"assets.equities.tokens": ["E1", "E9"]})
    assert wider.prices.tokens == ("G1", "G2", "E1", "E9")
    wilder = made.with_changes({"assets.equities.volatility": 0.504})
    ratio = source_of(wilder).parameters().volatility / source_of(made).parameters().volatility
    np.testing.assert_allclose(ratio, [1, 1, 2, 2, 2])
    assert made != wilder
    assert pickle.loads(pickle.dumps(made)) == made == scenario()


def test_it_can_be_the_base_of_shocks() -> None:
    table = copy.deepcopy(TABLE)
    shocks = [{"day": 3, "size": -0.5, "tokens": ["E1"]}]
    table["prices"] = {"source": "shocks", "base": table["prices"], "shocks": shocks}
    shocked, plain = Scenario.parse(table, "test"), scenario()
    fell = shocked.prices.panel(shocked.price_window, np.random.default_rng(1)).close
    base = plain.prices.panel(plain.price_window, np.random.default_rng(1)).close
    assert fell[3, 2] == pytest.approx(base[3, 2] / 2, abs=0.01)
    np.testing.assert_array_equal(fell[:, [0, 1, 3, 4]], base[:, [0, 1, 3, 4]])


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        ({"class_correlation": 0.1}, "0.1 of governments lies below the square .* 0.25"),
        ({"class_correlation": {"equites": 0.7}}, "no class equites .did you mean equities"),
        ({"tokens": ["E1", "X"]}, "X is in no class of assets"),
        ({"initial": [1, 2]}, "expected one number or 5"),
    ],
)
def test_what_cannot_be_is_refused(prices: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        scenario(**prices)


def test_it_needs_volatilities_and_classes() -> None:
    table = copy.deepcopy(TABLE)
    del table["assets"]["equities"]["volatility"]
    with pytest.raises(InputError, match=r"needs assets\.equities\.volatility"):
        Scenario.parse(table, "test")
    del table["assets"]
    with pytest.raises(InputError, match=r"needs \[assets\]"):
        Scenario.parse(table, "test")
