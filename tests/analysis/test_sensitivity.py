"""Sensitivity indices against functions whose indices are known, and through an experiment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from abm.experiments.design import designs_of, unit_points
from abm.experiments.execute import run_experiment
from analysis import ResultsError, read_results
from analysis.figures import sensitivity_figure
from analysis.report.sensitivity import sensitivity_section
from analysis.report.subject import Subject
from analysis.sensitivity import indices, sensitivity
from scenarios.errors import InputError
from scenarios.experiment import Experiment

pytest.importorskip("SALib", reason="sensitivity indices are an extra")

NAMES = ["a", "b", "c"]


def points(method: str, samples: int) -> npt.NDArray[np.float64]:
    return unit_points(method, 3, samples, np.random.default_rng(1))


def by(rows: list[dict[str, object]], index: str) -> pd.DataFrame:
    table = pd.DataFrame(rows)
    return table[table["index"] == index].set_index("factor")


def test_ishigami() -> None:
    """Ishigami and Homma (1990) with a = 7, b = 0.1; indices in closed form (Saltelli et al.)."""
    unit = points("saltelli", 1024)
    x = -np.pi + 2 * np.pi * unit
    y = np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    found = indices("saltelli", unit, y, NAMES)
    for index, truths in {
        "first order": (0.3139, 0.4424, 0.0),
        "total": (0.5576, 0.4424, 0.2437),
    }.items():
        rows = by(found, index)
        for name, truth in zip(NAMES, truths, strict=True):
            row = rows.loc[name]
            assert row["low"] <= truth <= row["high"]
            assert row["high"] - row["low"] < 0.2


@pytest.mark.parametrize("method", ["saltelli", "morris"])
def test_a_linear_function(method: str) -> None:
    """Shares of variance are squared slopes; the mean effect is the slope, and has no spread."""
    slopes = np.array([3.0, -4.0, 0.0])
    unit = points(method, 1024 if method == "saltelli" else 6)
    found = indices(method, unit, unit @ slopes, NAMES)
    if method == "morris":
        assert by(found, "mean effect")["value"].to_numpy() == pytest.approx(np.abs(slopes))
        assert by(found, "spread")["value"].to_numpy() == pytest.approx(np.zeros(3), abs=1e-12)
    else:
        for index in ("first order", "total"):
            shares = by(found, index)["value"].to_numpy()
            assert shares == pytest.approx(slopes**2 / 25, abs=0.03)


@pytest.mark.parametrize("method", ["saltelli", "morris"])
def test_what_never_varies_depends_on_nothing(method: str) -> None:
    unit = points(method, 8)
    found = pd.DataFrame(indices(method, unit, np.full(len(unit), 5.0), NAMES))
    assert (found["value"] == 0).all()


def test_a_missing_outcome_is_refused() -> None:
    unit = points("morris", 4)
    outcomes = np.ones(len(unit))
    outcomes[3] = np.nan
    with pytest.raises(ResultsError, match="has no outcome"):
        indices("morris", unit, outcomes, NAMES)


def experiment(method: str, samples: int = 4, **factors: object) -> Experiment:
    ranges = {
        "agreement.trigger": {"low": 0.0, "high": 0.06},
        "participants.issuance_capacity": {"low": 0.5, "high": 0.9},
    }
    table = {
        "experiment": {"scenario": "prices-gbm", "sampling": method, "samples": samples},
        "factors": ranges | factors,
    }
    return Experiment.parse(table, "test")


def test_designs_are_as_many_as_the_methods_ask_for() -> None:
    assert len(designs_of(experiment("saltelli", 8))) == 8 * 4
    assert len(designs_of(experiment("morris", 5))) == 5 * 3


def test_what_cannot_be_sampled_is_refused() -> None:
    with pytest.raises(InputError, match="powers of two"):
        experiment("saltelli", 6)
    one = {"experiment": {"scenario": "prices-gbm", "sampling": "morris", "samples": 4}}
    with pytest.raises(InputError, match="compares ranges, and there is only one"):
        Experiment.parse(
            {**one, "factors": {"agreement.trigger": {"low": 0.0, "high": 0.06}}}, "test"
        )


def test_of_an_experiment_with_another_factor_beside(tmp_path: Path) -> None:
    """Calls depend on the trigger and not on what could be minted; each haircut by itself."""
    designed = experiment("morris", 3, **{"agreement.haircut": [0.05, 0.1]})
    run_experiment(designed, tmp_path / "out", workers=0, quiet=True)
    results = read_results(tmp_path / "out")
    table = sensitivity(results, ["margin_calls"])
    assert set(table["factor.agreement.haircut"]) == {0.05, 0.1}
    for _, group in table[table["index"] == "mean effect"].groupby("factor.agreement.haircut"):
        values = group.set_index("factor")["value"]
        assert values["factor.agreement.trigger"] > 1
        assert values["factor.participants.issuance_capacity"] == 0
    assert sensitivity_figure(table, "margin_calls").axes
    section = sensitivity_section(Subject(results))
    assert section is not None
    captions = [item.caption for item in section.items]
    assert any("margin calls depends most on trigger" in caption for caption in captions)


def test_another_sampling_is_refused(tmp_path: Path) -> None:
    run_experiment(experiment("latin-hypercube", 2), tmp_path / "out", workers=0, quiet=True)
    with pytest.raises(ResultsError, match='it is "latin-hypercube"'):
        sensitivity(read_results(tmp_path / "out"), ["margin_calls"])
