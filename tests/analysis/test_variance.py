"""Networks and paths crossed: shares of variance, and intervals that cover."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.differences import paired_differences
from analysis.summary import summarise
from analysis.variance import crossed_interval, is_crossed, sources, two_way

EXPERIMENTS = 2_000


def grids(shape: tuple[int, int], variances: tuple[float, float, float], tail: str) -> np.ndarray:
    """Independent experiments of mean 0, shape (networks, paths, experiments)."""
    rng = np.random.default_rng(7)

    def drawn(*size: int) -> np.ndarray:
        if tail == "normal":
            return rng.standard_normal(size)
        return rng.exponential(size=size) - 1  # skewed as exposures are

    n, p = shape
    sides = (drawn(n, 1, EXPERIMENTS), drawn(1, p, EXPERIMENTS), drawn(n, p, EXPERIMENTS))
    return sum(side * variance**0.5 for side, variance in zip(sides, variances, strict=True))


@pytest.mark.parametrize("tail", ["normal", "skewed"])
@pytest.mark.parametrize("shape", [(5, 50), (10, 20)])
@pytest.mark.parametrize("variances", [(0.1, 0.8, 0.1), (0.05, 0.7, 0.25)])
def test_intervals_over_both_sources_cover(
    shape: tuple[int, int], variances: tuple[float, float, float], tail: str
) -> None:
    """95 % intervals hold the truth in 93 to 97 % of 2,000 independent experiments."""
    found = two_way(grids(shape, variances, tail))
    covered = np.mean((found.low <= 0) & (found.high >= 0))
    assert 0.93 <= covered <= 0.97


def test_an_interval_over_paths_alone_would_not_cover() -> None:
    """What the two sources are told apart for: networks counted as so many more paths."""
    x = grids((5, 50), (0.3, 0.4, 0.3), "normal").reshape(250, -1)
    half = 1.96 * x.std(axis=0, ddof=1) / 250**0.5
    assert np.mean(np.abs(x.mean(axis=0)) <= half) < 0.6


def test_shares_are_those_that_were_put_in() -> None:
    found = two_way(grids((10, 30), (0.2, 0.5, 0.3), "normal"))
    shares = [float(share.mean()) for share in (found.network, found.path, found.rest)]
    assert shares == pytest.approx([0.2, 0.5, 0.3], abs=0.03)
    assert (found.network + found.path + found.rest) == pytest.approx(1)


def test_a_two_way_table_by_hand() -> None:
    """Two networks, two paths: 1, 3 and 5, 11. Mean squares 36 (networks), 16 (paths), 4."""
    found = two_way(np.array([[1.0, 3], [5, 11]]))
    assert found.mean == pytest.approx(5)
    assert found.network == pytest.approx(16 / 26), "(36 - 4) / 2 of 16 + 6 + 4"
    assert found.path == pytest.approx(6 / 26)
    assert found.rest == pytest.approx(4 / 26)
    freedom = (36 + 16 - 4) ** 2 / (36**2 + 16**2 + 4**2)
    from scipy.stats import t

    half = t.ppf(0.975, freedom) * (48 / 4) ** 0.5
    assert [found.low[0], found.high[0]] == pytest.approx([5 - half, 5 + half])


def test_what_does_not_differ_has_no_width() -> None:
    found = two_way(np.full((3, 4, 1), 7e9 + 0.1))
    assert found.low == found.high == found.mean


def test_a_pigeonhole_bootstrap_of_the_mean_agrees() -> None:
    grid = grids((10, 40), (0.2, 0.5, 0.3), "normal")[:, :, :1]
    low, high = crossed_interval(grid, lambda rows: rows.mean(axis=0), resamples=1500)
    found = two_way(grid)
    assert (high - low)[0] == pytest.approx((found.high - found.low)[0], rel=0.3)


def runs_of(networks: int, paths: int, one_history: bool = False) -> pd.DataFrame:
    """Two models; the second has 1 more in every pair, and a share of the path's effect."""
    rng = np.random.default_rng(3)
    a, b = rng.normal(0, 1, networks), rng.normal(0, 2, paths)
    rows: list[dict[str, Any]] = [
        {
            "scenario_id": model,
            "replication_id": n * paths + p,
            "network_id": n,
            "path_id": p,
            "one_history": one_history,
            "factor.model": model,
            "calls": 10 + a[n] + (0 if one_history else b[p]) + model + rng.normal(0, 0.1),
        }
        for model in (0, 1)
        for n in range(networks)
        for p in range(paths)
    ]
    return pd.DataFrame(rows)


def test_summary_and_differences_say_what_an_interval_contains() -> None:
    runs = runs_of(8, 30)
    table = summarise(runs)
    assert is_crossed(runs)
    assert set(table["metric"]) == {"calls"}, "whose network a run has is no statistic"
    assert set(table["sources"]) == {"8 networks × 30 price paths"}
    shares = table[["network_share", "path_share", "rest_share"]]
    assert shares.sum(axis=1).tolist() == pytest.approx([1, 1])
    assert (table["high"] - table["low"] > 1).all()
    (row,) = paired_differences(runs, "factor.model").to_dict("records")
    assert row["sources"] == "8 networks × 30 price paths"
    assert row["low"] < 1 < row["high"] and row["high"] - row["low"] < 0.2
    assert row["unpaired_high"] - row["unpaired_low"] > 1
    assert row["rest_share"] > 0.8, "what both have in common is gone"


def test_one_history_is_called_that() -> None:
    runs = runs_of(4, 1, one_history=True)
    assert sources(runs) == "4 networks, one history"
    mixed = pd.concat([runs, runs_of(4, 5)])
    assert sources(mixed) == "4 networks × 5 price paths, some of one history"
    assert sources(runs_of(1, 9)) == "one network × 9 price paths"
    plain = runs_of(3, 3).query("network_id == path_id")
    assert sources(plain) == "3 networks with a price path each"
    assert sources(plain.head(1)) == "one run"
    assert sources(plain.assign(one_history=True)) == "3 networks, one history"


def test_a_path_that_failed_somewhere_is_left_out_everywhere() -> None:
    runs = runs_of(3, 6)
    whole = summarise(runs[runs["path_id"] != 2])
    broken = summarise(runs[(runs["path_id"] != 2) | (runs["network_id"] != 1)])
    assert broken[["low", "high"]].to_numpy() == pytest.approx(whole[["low", "high"]].to_numpy())
