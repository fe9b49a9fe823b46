"""A loss and a run function that find the parameters a market was simulated with."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brute

from abm.experiments.calibration import run_function
from analysis.calibration import MomentLoss, moments
from scenarios.errors import InputError

MEASURES = ["margin_calls", "collateral_value"]
PARAMETERS = ["agreement.trigger", "agreement.haircut"]


def test_moments_by_hand() -> None:
    """Series 1, 2, 3, 4: mean 2.5, variance 1.25, lag-one products (0.75 - 0.25 + 0.75)/3."""
    series = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0], [4.0, 5.0]])
    expected = [[2.5, 5.0], [np.sqrt(1.25), 0.0], [1.25 / 3 / 1.25, 0.0]]
    assert moments(series, [1]) == pytest.approx(np.array(expected))


def test_the_loss_by_hand() -> None:
    """Means differ by two standard deviations of what was observed: 4, in one of two series."""
    observed = np.array([[1.0, 7.0], [3.0, 7.0], [1.0, 7.0], [3.0, 7.0]])
    simulated = observed + np.array([2.0, 0.0])
    assert MomentLoss(lags=[1]).compute_loss(observed[None], observed) == 0
    assert MomentLoss(lags=[1]).compute_loss(simulated[None], observed) == pytest.approx(4 / 2)
    assert MomentLoss([3, 1], [1]).compute_loss(simulated[None], observed) == pytest.approx(3)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="expected arrays of shape"):
        MomentLoss().compute_loss(np.zeros((1, 9, 2)), np.zeros((9, 3)))
    with pytest.raises(ValueError, match="missing values"):
        MomentLoss().compute_loss(np.full((1, 9, 2), np.nan), np.zeros((9, 2)))


def test_a_run_is_the_same_for_a_seed_and_no_longer_than_asked() -> None:
    run = run_function("network-random-bipartite", PARAMETERS, MEASURES)
    theta = np.array([0.03, 0.08])
    first = run(theta, 12, 1)
    assert first.shape == (12, 2)
    assert (first == run(theta, 12, 1)).all()
    assert (first == run(theta, 30, 1)[:12]).all()
    assert (first != run(theta, 12, 2)).any()


def test_what_cannot_be_run_is_refused() -> None:
    run = run_function("prices-gbm", ["agreement.trigger"], ["no_such"])
    with pytest.raises(InputError, match="no measure no_such"):
        run(np.array([0.02]), 5, 1)
    with pytest.raises(InputError, match="theta: expected 1 values, got 2"):
        run(np.array([0.02, 0.1]), 5, 1)
    with pytest.raises(InputError, match="days: expected 1 to"):
        run(np.array([0.02]), 10_000, 1)
    with pytest.raises(InputError, match="has no such field"):
        run_function("prices-gbm", ["agreement.no_such"], [])


def test_known_parameters_are_recovered() -> None:
    """Observed with seed 7; the grid is searched with other seeds."""
    run = run_function("network-random-bipartite", PARAMETERS, MEASURES)
    observed, loss = run(np.array([0.03, 0.08]), 40, 7), MomentLoss()

    def distance(theta: np.ndarray) -> float:
        return loss.compute_loss(np.array([run(theta, 40, seed) for seed in (1, 2)]), observed)

    best = brute(distance, (slice(0.01, 0.06, 0.01), slice(0.04, 0.13, 0.02)), finish=None)
    assert best == pytest.approx([0.03, 0.08])
