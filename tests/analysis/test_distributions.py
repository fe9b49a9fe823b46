"""Tails, series, issuance and network statistics."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.distributions import distribution, exceedance, expected_shortfall
from analysis.errors import ResultsError
from analysis.issuance import issuance_probability, required_inventory
from analysis.networks import network_statistics, pairs
from analysis.series import daily_bands, days_between_calls


class TestExpectedShortfall:
    def test_by_hand(self) -> None:
        assert expected_shortfall(np.arange(1, 101), 0.05) == 98
        # 2.5 losses in the tail: (10 + 9 + 0.5 · 8) / 2.5.
        assert expected_shortfall(np.arange(1, 11), 0.25) == pytest.approx(9.2)
        assert expected_shortfall([3, 4], 1) == 3.5
        assert np.isnan(expected_shortfall([]))

    def test_of_a_normal_sample(self) -> None:
        """`φ(z)/tail` for a standard normal."""
        sample = stats.norm.ppf((np.arange(100_000) + 0.5) / 100_000)
        exact = stats.norm.pdf(stats.norm.ppf(0.975)) / 0.025
        assert expected_shortfall(sample) == pytest.approx(exact, rel=1e-3)

    @given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.floats(0.01, 1))
    def test_is_the_smallest_of_rockafellar_and_uryasev(
        self, losses: list[float], tail: float
    ) -> None:
        """`min over q of q + mean(max(x - q, 0))/tail` (2000), reached at a sample point."""
        x = np.array(losses)
        smallest = min(q + np.maximum(x - q, 0).mean() / tail for q in x)
        assert expected_shortfall(x, tail) == pytest.approx(smallest, rel=1e-9, abs=1e-6)


class TestDistribution:
    FRAME = pd.DataFrame(
        {
            "scenario_id": np.repeat([0, 1], 40),
            "replication_id": np.tile(np.repeat(np.arange(4), 10), 2),
            "loss": np.append(np.arange(40.0), 2 * np.arange(40.0)),
        }
    )

    def test_quantiles_are_numpys(self) -> None:
        table = distribution(self.FRAME, "loss", quantiles=[0.5, 0.9]).set_index(
            ["scenario_id", "statistic"]
        )
        assert table.loc[(0, "p90"), "value"] == pytest.approx(np.quantile(np.arange(40), 0.9))
        assert table.loc[(1, "mean"), "value"] == 39
        assert table.loc[(0, "expected_shortfall"), "value"] == 39
        assert (table["low"] <= table["high"]).all()
        assert (table["outcomes"] == 40).all()

    def test_runs_of_different_length_and_missing_values(self) -> None:
        frame = self.FRAME[self.FRAME["scenario_id"] == 0].iloc[:35].copy()
        frame.loc[frame.index[3], "loss"] = np.nan
        table = distribution(frame, "loss", by=[]).set_index("statistic")
        assert table.loc["mean", "outcomes"] == 34
        assert table.loc["mean", "value"] == pytest.approx((35 * 17 - 3) / 34)

    def test_exceedance(self) -> None:
        values, share = exceedance([3, 1, 2, 2, np.nan])
        assert values.tolist() == [1, 2, 2, 3]
        assert share.tolist() == [0.75, 0.25, 0.25, 0]


def inventory_runs(hits: dict[float, list[int]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"replication_id": r, "inventory": level, "borrower_issuances": hit}
            for level, row in hits.items()
            for r, hit in enumerate(row)
        ]
    )


class TestIssuance:
    RUNS = inventory_runs(
        {0.0: [3, 1, 2, 1], 0.1: [1, 0, 1, 0], 0.2: [2, 1, 1, 0], 0.3: [0, 0, 0, 0]}
    )

    def test_shares_and_their_decreasing_fit(self) -> None:
        table = issuance_probability(self.RUNS, "inventory")
        assert table["probability"].tolist() == [1, 0.5, 0.75, 0]
        # The two middle ones are out of order and pooled.
        assert table["fitted"].tolist() == pytest.approx([1, 0.625, 0.625, 0])
        assert table["high"].iloc[-1] > 0

    def test_required_inventory_interpolates(self) -> None:
        (row,) = required_inventory(self.RUNS, 0.125, "inventory").to_dict("records")
        assert row["required"] == pytest.approx(0.28)
        assert row["low"] <= row["required"] <= row["high"]

    def test_a_target_reached_at_once_or_never(self) -> None:
        assert required_inventory(self.RUNS, 1.0, "inventory")["required"][0] == 0
        always = self.RUNS.assign(borrower_issuances=1)
        assert np.isnan(required_inventory(always, 0.5, "inventory")["required"][0])

    def test_refusals(self) -> None:
        with pytest.raises(ResultsError, match="between 0 and 1"):
            required_inventory(self.RUNS, 5, "inventory")
        words = self.RUNS.assign(inventory="much")
        with pytest.raises(ResultsError, match="must be numbers"):
            issuance_probability(words, "inventory")


def test_daily_bands() -> None:
    days = pd.DataFrame(
        {
            "scenario_id": 0,
            "replication_id": np.repeat([0, 1, 2], 2),
            "day": [0, 1] * 3,
            "gap": [0, 1, 0, 2, 0, 6],
        }
    )
    table = daily_bands(days, "gap", quantiles=[0.5])
    assert table[["day", "runs", "mean", "p50"]].to_numpy().tolist() == [[0, 3, 0, 0], [1, 3, 3, 2]]


def test_days_between_calls() -> None:
    days = pd.DataFrame(
        {
            "scenario_id": 0,
            "replication_id": [0] * 5 + [1] * 5,
            "day": [0, 1, 2, 3, 4] * 2,
            "margin_calls": [9, 0, 1, 0, 1, 9, 0, 0, 0, 0],
        }
    )
    assert days_between_calls(days).tolist() == [2, float("inf")]
    assert days_between_calls(days, loans=3).tolist() == [6, float("inf")]


class TestNetworks:
    LOANS = pd.DataFrame(
        [
            ("A", "B", "open", 60.0, 1, -6.0),
            ("A", "B", "open", 40.0, 1, -6.0),
            ("A", "C", "open", 100.0, 2, 10.0),
            ("B", "A", "open", 200.0, 3, 0.0),
            ("D", "E", "open", 100.0, 4, 0.0),
            ("D", "C", "settled", 0.0, 5, 0.0),
        ],
        columns=["lender", "borrower", "state", "exposure", "account", "gap"],
    )

    def test_pairs_add_up_loans_and_count_an_account_once(self) -> None:
        table = pairs(self.LOANS).set_index(["lender", "borrower"])
        assert table.loc[("A", "B")].tolist() == [2, 100, -6, pytest.approx(0.94)]
        assert len(table) == 4

    def test_against_networkx(self) -> None:
        (row,) = network_statistics(self.LOANS).to_dict("records")
        graph = nx.DiGraph([("A", "B"), ("A", "C"), ("B", "A"), ("D", "E")])
        assert row["density"] == pytest.approx(nx.density(graph))
        assert row["reciprocity"] == pytest.approx(nx.reciprocity(graph))
        assert row["components"] == nx.number_weakly_connected_components(graph)
        assert row["largest_component"] == pytest.approx(3 / 5)
        assert row["mean_degree"] == pytest.approx(4 / 5)
        assert (row["largest_out_degree"], row["largest_in_degree"]) == (2, 1)
        assert row["hhi_lenders"] == pytest.approx((200**2 + 200**2 + 100**2) / 500**2)

    def test_concentration_of_borrowers_and_of_lenders_are_apart(self) -> None:
        """One lender to four that borrow the same, and the same the other way round."""
        star = pd.DataFrame({"lender": "A", "borrower": list("BCDE"), "exposure": 100.0})
        (row,) = network_statistics(star).to_dict("records")
        assert (row["hhi_lenders"], row["hhi_borrowers"]) == (1, 0.25)
        turned = star.rename(columns={"lender": "borrower", "borrower": "lender"})
        (row,) = network_statistics(turned).to_dict("records")
        assert (row["hhi_lenders"], row["hhi_borrowers"]) == (0.25, 1)

    @given(st.integers(3, 30), st.integers(0, 1000))
    def test_assortativity_is_networkx(self, n: int, seed: int) -> None:
        graph = nx.gnp_random_graph(n, 0.3, seed=seed)
        edges = pd.DataFrame(list(graph.edges), columns=["lender", "borrower"]).astype(str)
        if len(edges) < 3:
            return
        graph.remove_nodes_from(list(nx.isolates(graph)))
        (row,) = network_statistics(edges.assign(exposure=1.0)).to_dict("records")
        if np.isfinite(row["assortativity"]):
            expected = nx.degree_pearson_correlation_coefficient(graph)
            assert row["assortativity"] == pytest.approx(expected)
        assert row["largest_component"] == pytest.approx(
            max(map(len, nx.connected_components(graph))) / len(graph)
        )


def test_of_crossed_runs_networks_and_paths_are_redrawn() -> None:
    """Paths make all the difference: four networks of the same are no four times as many."""
    effect = np.random.default_rng(2).normal(10, 2, 12)
    rows = [
        {
            "scenario_id": 0,
            "replication_id": n * 12 + p,
            "network_id": n,
            "path_id": p,
            "exposure": effect[p],
        }
        for n in range(4)
        for p in range(12)
        for _ in range(3)
    ]
    frame = pd.DataFrame(rows)

    def width(days: pd.DataFrame) -> float:
        table = distribution(days, "exposure", by=[], resamples=400)
        mean = table.set_index("statistic").loc["mean"]
        return float(mean["high"] - mean["low"])

    one_network = frame[frame["network_id"] == 0].drop(columns=["network_id", "path_id"])
    assert width(frame) == pytest.approx(width(one_network), rel=0.2)
    assert width(frame.drop(columns=["network_id", "path_id"])) < 0.6 * width(frame)
