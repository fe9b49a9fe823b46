"""Fits recover the parameters of simulated series within their standard errors."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter

from scenarios.errors import InputError
from scenarios.prices import (
    AnyPriceSource,
    FileSource,
    GarchSource,
    GbmSource,
    MertonSource,
    PricePanel,
    RegimeSource,
    StudentTSource,
)
from scenarios.prices.calibration import MODELS, fit
from scenarios.prices.calibration.compare import STATISTICS, compare, statistics
from scenarios.prices.calibration.plot import plot_fit
from scenarios.prices.calibration.regimes import filtered, smoothed
from scenarios.prices.calibration.report import (
    ESTIMATES,
    MOMENTS,
    estimates_cells,
    moments_cells,
    prices_table,
)
from scenarios.prices.model_source import ModelSource

TOKENS = ("A", "B")
COMMON: dict[str, Any] = {"tokens": TOKENS, "initial": 1e6, "drift": (0.0003, -0.0002)}
SIGMA = (0.01, 0.02)
JUMPING: dict[str, Any] = {
    **COMMON,
    "volatility": SIGMA,
    "correlation": 0.6,
    "intensity": 0.05,
    "jump_mean": (-0.03, -0.04),
    "jump_volatility": (0.02, 0.04),
}
TRUE: dict[str, ModelSource] = {
    "gbm": GbmSource(**COMMON, volatility=SIGMA, correlation=0.6),
    "student_t": StudentTSource(**COMMON, volatility=SIGMA, correlation=0.6, degrees_of_freedom=5),
    "garch": GarchSource(**COMMON, volatility=SIGMA, correlation=0.6, arch=0.1, garch=0.85),
    "merton": MertonSource(**JUMPING),
    "merton_own": MertonSource(**JUMPING, jumps="own"),
    "regimes": RegimeSource.model_validate(
        {
            "tokens": TOKENS,
            "initial": 1e6,
            "calm": {"volatility": SIGMA, "correlation": 0.3, "drift": 0.0005},
            "turbulent": {"volatility": (0.03, 0.05), "correlation": 0.8, "drift": -0.001},
            "leave_calm": 0.03,
            "leave_turbulent": 0.1,
        }
    ),
}


def simulated(model: str, seed: int, days: int = 2501) -> PricePanel:
    close = TRUE[model].paths(days, 1, np.random.default_rng(seed))[0]
    return PricePanel(pd.bdate_range("2000-01-03", periods=days), TOKENS, close, "simulated")


def truth(source: ModelSource, parameter: str, token: str) -> float:
    """The value of a field, for a token, a pair or all."""
    held: Any = source
    for name in parameter.split("."):
        held = getattr(held, name)
    values = np.asarray(held, dtype=float)
    return float(values[TOKENS.index(token)] if values.ndim and token in TOKENS else values)


@pytest.mark.parametrize("model", MODELS)
def test_parameters_are_recovered_within_their_standard_errors(model: str) -> None:
    """Over several series, errors in units of the standard error are about a standard normal."""
    if model == "garch":
        pytest.importorskip("arch")
    scores = []
    series = 3 if model == "merton_own" else 5  # its fit is the slowest
    for seed in range(series):
        fitted = fit(model, simulated(model, seed))
        scores.append(
            [
                (item.value - truth(TRUE[model], item.parameter, item.tokens)) / item.error
                for item in fitted.estimates
            ]
        )
    scores_array = np.array(scores)
    assert np.isfinite(scores_array).all()
    # Some 30 to 60 numbers: one beyond 4 would be rare, and so would a spread far from one.
    assert np.abs(scores_array).max() < 4.0
    assert 0.65 < np.sqrt((scores_array**2).mean()) < 1.4
    # And none has an error bar so wide that any estimate would pass.
    assert np.abs(scores_array).max(axis=0).min() > 0.05
    # No parameter is off on average: the mean over n series has a deviation of 1/√n.
    assert np.abs(scores_array.mean(axis=0)).max() < 3.5 / np.sqrt(series)


@pytest.mark.parametrize("model", MODELS)
def test_a_fitted_model_simulates_what_it_was_fitted_to(model: str) -> None:
    if model == "garch":
        pytest.importorskip("arch")
    panel = simulated(model, 11)
    table = compare(fit(model, panel), panel, paths=200)
    assert list(table["statistic"][: len(STATISTICS)]) == list(STATISTICS)
    assert table["inside"].mean() > 0.75


def test_the_right_model_fits_best() -> None:
    """Akaike's criterion tells which of the models made the series."""
    joint = ["gbm", "student_t", "merton", "regimes"]
    for model in joint:
        panel = simulated(model, 3)
        scores = {
            name: fit(name, panel).aic for name in joint if name != "regimes" or model == "regimes"
        }
        assert min(scores, key=lambda name: scores[name]) == model


def test_a_wrong_model_is_shown_by_the_comparison() -> None:
    panel = simulated("garch", 1)
    table = compare(fit("gbm", panel), panel).set_index(["token", "statistic"])
    assert not table.loc[("A", "kurtosis"), "inside"]
    assert not table.loc[("A", "autocorrelation of squares, lag 1"), "inside"]


def test_one_token_is_enough() -> None:
    for model in MODELS:
        if model == "garch" and "arch" not in sys.modules:
            continue
        panel = simulated(model, 2, 800).select(["A"])
        assert all("," not in item.tokens for item in fit(model, panel).estimates)


class TestStatistics:
    def test_by_hand(self) -> None:
        returns = np.array([1.0, -1.0, 3.0, -3.0] * 10)[:, None]
        values = dict(zip(STATISTICS, statistics(returns)[:, 0], strict=True))
        assert values["mean"] == 0
        assert values["standard deviation"] == pytest.approx(np.sqrt(5))
        assert values["skewness"] == pytest.approx(0)
        assert values["kurtosis"] == pytest.approx(41 / 25)
        assert values["worst day"] == -3
        # Squares go 1, 1, 9, 9: lag 20 is five periods, and half of the products are missing.
        assert values["autocorrelation of squares, lag 20"] == pytest.approx(0.5)

    def test_paths_are_treated_one_by_one(self) -> None:
        returns = np.random.default_rng(1).normal(size=(3, 100, 2))
        np.testing.assert_allclose(statistics(returns)[:, 1], statistics(returns[1]))


def test_filter_and_smoother_by_enumeration() -> None:
    """Against the sum over all sequences of states of a three-day chain."""
    densities = np.array([[0.5, 0.1], [0.2, 0.6], [0.3, 0.4]])
    leave = np.array([0.2, 0.3])
    move = np.array([[0.8, 0.2], [0.3, 0.7]])
    start = np.array([0.6, 0.4])
    joint = {}
    for states in np.ndindex(2, 2, 2):
        chance = start[states[0]] * move[states[0], states[1]] * move[states[1], states[2]]
        joint[states] = chance * np.prod([densities[day, s] for day, s in enumerate(states)])
    total = sum(joint.values())
    chances, scales = filtered(densities, leave)
    assert np.prod(scales) == pytest.approx(total)
    smooth, changes = smoothed(chances, leave)
    for day in range(3):
        exact = sum(value for states, value in joint.items() if states[day] == 0) / total
        assert smooth[day, 0] == pytest.approx(exact)
    left = sum(
        value * sum(states[d : d + 2] == (0, 1) for d in range(2))
        for states, value in joint.items()
    )
    assert changes[0] == pytest.approx(left / total)


class TestReport:
    @pytest.mark.parametrize("model", [model for model in MODELS if model != "garch"])
    def test_the_prices_table_is_a_scenarios(self, model: str) -> None:
        fitted = fit(model, simulated(model, 1, 600))
        table = tomllib.loads(prices_table(fitted.source))["prices"]
        made = TypeAdapter(AnyPriceSource).validate_python(table)
        paths = made.paths(20, 2, np.random.default_rng(1))
        expected = fitted.source.paths(20, 2, np.random.default_rng(1))
        np.testing.assert_allclose(paths, expected, rtol=1e-4)

    def test_tables_show_errors_and_stars(self) -> None:
        panel = simulated("garch", 1, 600)
        fitted = fit("gbm", panel)
        rows = estimates_cells(fitted)
        assert {len(row) for row in rows} == {len(ESTIMATES)}
        assert ("correlation", "A, B") in [row[:2] for row in rows]
        table = compare(fitted, panel, paths=50)
        marks = [row[MOMENTS.index("outside")] for row in moments_cells(table)]
        assert [mark == "*" for mark in marks] == (~table["inside"]).tolist()

    @pytest.mark.parametrize("ending", ["png", "svg"])
    def test_picture(self, tmp_path: Path, ending: str) -> None:
        pytest.importorskip("matplotlib")
        panel = simulated("gbm", 1, 300)
        path = tmp_path / f"fit.{ending}"
        plot_fit(fit("gbm", panel), panel, path, paths=20)
        assert path.stat().st_size > 10_000

    def test_picture_of_an_unknown_kind(self, tmp_path: Path) -> None:
        pytest.importorskip("matplotlib")
        panel = simulated("gbm", 1, 300)
        with pytest.raises(InputError, match=r"must end in \.png"):
            plot_fit(fit("gbm", panel), panel, tmp_path / "fit.docx")


class TestRefusals:
    def test_unknown_model(self) -> None:
        with pytest.raises(InputError, match="no model 'heston'; there is gbm"):
            fit("heston", simulated("gbm", 1, 100))

    def test_too_few_days(self) -> None:
        with pytest.raises(InputError, match="simulated: 20 daily returns; a fit needs 60"):
            fit("gbm", simulated("gbm", 1, 21))

    def test_a_price_that_never_moves(self) -> None:
        panel = simulated("gbm", 1, 100)
        close = panel.close.copy()
        close[:, 1] = 5.0
        still = PricePanel(panel.dates, panel.tokens, close, "still")
        with pytest.raises(InputError, match="still: column B: the price never changes"):
            fit("gbm", still)

    def test_tokens_that_jump_together_do_not_fit_own_jumps(self) -> None:
        panel = FileSource(file="bundled:us_stocks_2007_2010").read()
        with pytest.raises(InputError, match="jump together; fit the model merton"):
            fit("merton_own", panel)

    def test_without_arch_it_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "arch", None)
        with pytest.raises(InputError, match=r"pip install -e .*\[prices\]"):
            fit("garch", simulated("gbm", 1, 100))

    def test_no_clusters_no_garch(self) -> None:
        pytest.importorskip("arch")
        # A random walk in volatility has no long-run level.
        rng = np.random.default_rng(4)
        volatility = 0.01 * np.exp(np.cumsum(rng.normal(0, 0.15, 500)))
        close = 1e6 * np.exp(np.cumsum(np.clip(rng.normal(0, volatility), -0.5, 0.5)))
        panel = PricePanel(pd.bdate_range("2000", periods=500), ("A",), close[:, None], "wild")
        with pytest.raises(InputError, match="wild: column A: no GARCH"):
            fit("garch", panel)


def test_garch_source_fitted_to_a_history(tmp_path: Path) -> None:
    """A scenario may name a history in place of parameters."""
    pytest.importorskip("arch")
    panel = simulated("garch", 1, 1000)
    path = tmp_path / "prices.csv"
    panel.frame.to_csv(path)
    table = {"source": "garch", "tokens": TOKENS, "initial": 100, "history": {"file": str(path)}}
    made = GarchSource.model_validate(table)
    fitted = fit("garch", panel).source
    assert isinstance(fitted, GarchSource)
    params, expected = made.parameters(), fitted.parameters()
    np.testing.assert_allclose(params.diffusion.volatility, expected.diffusion.volatility)
    np.testing.assert_allclose(params.today, expected.today)
    # The expected return of a scenario is its own choice: no drift unless given.
    assert (params.diffusion.drift == 0).all()
    assert made.paths(20, 3, np.random.default_rng(1)).shape == (3, 20, 2)
