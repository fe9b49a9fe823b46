"""Which factors a statistic depends on: Sobol indices and elementary effects, by SALib.

The designs come from an experiment with `sampling = "saltelli"` or `"morris"`; SALib is the extra
`sensitivity`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.bootstrap import CONFIDENCE
from analysis.errors import ResultsError
from analysis.meanings import FACTOR
from analysis.results import Results, varied_factors
from analysis.summary import groups, require

Floats = npt.NDArray[np.float64]

METHODS = ("saltelli", "morris")
"""Designs that sensitivity can be computed from."""

COLUMNS = ("metric", "factor", "index", "value", "low", "high")


def sensitivity(
    results: Results, metrics: Sequence[str], *, confidence: float = CONFIDENCE, seed: int = 0
) -> pd.DataFrame:
    """Sensitivity indices of statistics to the sampled factors of an experiment.

    A design's outcome is the mean over its runs. They share their random numbers between designs,
    so that the indices are those of this mean over these draws; intervals hold what the choice of
    points in the space of factors leaves open, by SALib's bootstrap, and not the draws of markets.

    Args:
        results: of an experiment with `sampling = "saltelli"` or `"morris"`.
        metrics: columns of `runs`.
        confidence: probability that an interval is to cover.
        seed: of the bootstrap.

    Returns:
        a row a combination of the other factors, statistic, sampled factor and index: `metric`,
        `factor`, `index` as `indices` names them, `value`, `low`, `high`.

    Raises:
        ResultsError: another sampling, a design without a finished run, or no such column.
    """
    method, sampled = sampling_of(results)
    if method not in METHODS:
        raise ResultsError(
            f"{results.folder}: sensitivity needs an experiment with sampling ="
            f' "saltelli" or "morris" (it is "{method}")'
        )
    require(results.runs, [*metrics])
    others = [name for name in varied_factors(results.runs) if name not in sampled]
    keys = ["scenario_id", *others, *sampled]
    designs = results.runs.groupby(keys, dropna=False, as_index=False)[list(metrics)].mean()
    _refuse_gaps(results, designs)
    rows = []
    for key, group in groups(designs.sort_values("scenario_id"), others):
        points = group[sampled].to_numpy(np.float64)
        head = dict(zip(others, key, strict=True))
        for metric in metrics:
            outcomes = group[metric].to_numpy(np.float64)
            table = indices(method, points, outcomes, sampled, confidence=confidence, seed=seed)
            rows += [{**head, "metric": metric, **row} for row in table]
    return pd.DataFrame(rows, columns=[*others, *COLUMNS])


def sampling_of(results: Results) -> tuple[str, list[str]]:
    """How an experiment's ranges were sampled, and the columns of its sampled factors."""
    sampling = results.manifest.get("sampling") or {}
    return str(sampling.get("method", "")), [FACTOR + name for name in sampling.get("factors", [])]


def indices(
    method: str,
    points: Floats,
    outcomes: Floats,
    names: Sequence[str],
    *,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Sensitivity indices of outcomes at the points of a design, in the design's order.

    `saltelli`: the share of the variance that goes with a factor alone (`first order`) and with it
    in any combination (`total`); Saltelli et al. (2010). `morris`: mean absolute elementary effect
    over the range of the factor (`mean effect`, mu*), with its interval, and their standard
    deviation (`spread`, sigma), which tells of interactions and curvature (Campolongo et al. 2007).

    Args:
        method: one of `METHODS`.
        points: shape (designs, factors).
        outcomes: shape (designs,).
        names: of the factors.
        confidence: probability that an interval is to cover.
        seed: of the bootstrap.

    Returns:
        rows with `factor`, `index`, `value`, `low`, `high`. Indices of an outcome that never varies
        are zero.

    Raises:
        ResultsError: SALib is not installed, or an outcome is missing.
    """
    try:
        from SALib.analyze import morris, sobol
    except ImportError:
        raise ResultsError('sensitivity needs SALib: install the extra "sensitivity"') from None
    if not np.isfinite(outcomes).all():
        raise ResultsError("sensitivity: a design has no outcome")
    problem = {"num_vars": len(names), "names": list(names), "bounds": [[0.0, 1.0]] * len(names)}
    options: dict[str, Any] = {"conf_level": confidence, "seed": seed}
    still = not np.ptp(outcomes) > 1e-12 * np.abs(outcomes).max(initial=0)
    if method == "morris":
        found = morris.analyze(problem, points, outcomes, **options)
        wanted = {"mean effect": ("mu_star", "mu_star_conf"), "spread": ("sigma", "")}
    else:
        blank = {"S1": np.zeros(len(names)), "ST": np.zeros(len(names))}
        blank |= {f"{name}_conf": zeros for name, zeros in blank.items()}
        found = blank if still else sobol.analyze(problem, outcomes, False, **options)
        wanted = {"first order": ("S1", "S1_conf"), "total": ("ST", "ST_conf")}
    rows = []
    for index, (value, half) in wanted.items():
        for number, name in enumerate(names):
            at = float(found[value][number])
            width = float(found[half][number]) if half else float("nan")
            row = {"factor": name, "index": index, "value": at}
            rows.append({**row, "low": at - width, "high": at + width})
    return rows


def _refuse_gaps(results: Results, designs: pd.DataFrame) -> None:
    planned = len(results.manifest.get("designs", []))
    if len(designs) < planned:
        raise ResultsError(
            f"{results.folder}: sensitivity needs every design, and {planned - len(designs):,} of"
            f" {planned:,} have no finished run"
        )
