"""Figures say what the tables say, with labels and units, for one series and for hundreds."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PathCollection, QuadMesh
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from analysis import figures
from analysis.figures.style import LOOKS, canvas, finish
from analysis.labels import Scale
from analysis.networks import pairs
from analysis.operating_cost import Fees, yearly_costs
from analysis.series import daily_bands
from analysis.summary import summarise

MILLIONS = Scale(1e6, "million USD")


def drawn(figure: Figure) -> Figure:
    """The figure, rendered: layout problems show up as warnings, which are errors here."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=40)
    assert buffer.tell() > 1000
    return figure


def legend_of(figure: Figure) -> list[str]:
    """What the legends of a figure say."""
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def days_of(designs: int, replications: int = 2, days: int = 12) -> pd.DataFrame:
    """Random gaps of several designs."""
    rng = np.random.default_rng(1)
    index = pd.MultiIndex.from_product(
        [range(designs), range(replications), range(days)],
        names=["scenario_id", "replication_id", "day"],
    )
    gap = rng.normal(0, 1e6, len(index))
    return pd.DataFrame(
        {"gap": gap, "exposure": 1e8, "margin_calls": rng.integers(0, 2, len(index))}, index
    ).reset_index()


def test_first_looks_differ_in_grey() -> None:
    light = [np.dot([0.299, 0.587, 0.114], to_rgb(look.color)) for look in LOOKS[:5]]
    assert (np.diff(light) > 0.07).all()
    assert len({look.marker for look in LOOKS}) == len(LOOKS)


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_a_title_stays_clear_of_its_neighbours(columns: int) -> None:
    figure, axes = canvas(columns=columns)
    for one in axes[0]:
        finish(one, "Uncollateralised exposure before calls, mean over days", "cases", "million")
    drawn(figure)
    boxes = [one._left_title.get_window_extent() for one in axes[0]]
    edges = [edge for box in boxes for edge in (box.x0, box.x1)]
    assert edges == sorted(edges)
    assert edges[-1] <= figure.bbox.x1


class TestComparison:
    def table(self, models: int, cases: int) -> pd.DataFrame:
        rng = np.random.default_rng(1)
        rows = [
            {
                "scenario_id": model * cases + case,
                "replication_id": r,
                "factor.model": model,
                "factor.case": f"case {case}",
                "loss_mean": (model + 1) * 1e6 * rng.uniform(0.9, 1.1),
                "margin_calls": model,
            }
            for model in range(models)
            for case in range(cases)
            for r in range(4)
        ]
        return summarise(
            pd.DataFrame(rows), ["loss_mean", "margin_calls"], by=["factor.model", "factor.case"]
        )

    def test_models_within_cases(self) -> None:
        table = self.table(5, 4)
        figure = drawn(
            figures.comparison(table, "factor.model", "factor.case", scales={"loss_mean": MILLIONS})
        )
        assert legend_of(figure) == [f"Model {model}" for model in range(5)]
        first = figure.axes[0]
        assert first.get_title("left") == "Loss, mean over days"
        assert first.get_ylabel() == "million USD"
        assert [tick.get_text() for tick in first.get_xticklabels()] == [
            f"case {case}" for case in range(4)
        ]
        heights = np.concatenate(
            [line.get_ydata() for line in first.lines if len(line.get_xdata()) == 4]
        )
        expected = table[table["metric"] == "loss_mean"]["mean"] / 1e6
        assert sorted(heights) == pytest.approx(sorted(expected))

    def test_hundreds_are_ranked(self) -> None:
        table = self.table(1, 120)
        figure = drawn(figures.comparison(table, "factor.case", metrics=["loss_mean"]))
        assert figure.axes[0].get_xlabel() == "rank of the case"
        heights = figure.axes[0].lines[0].get_ydata()
        assert (np.diff(heights) >= 0).all()


class TestSeries:
    @pytest.mark.parametrize(("designs", "lines"), [(1, 1), (5, 5), (40, 43)])
    def test_bands(self, designs: int, lines: int) -> None:
        bands = daily_bands(days_of(designs), "gap", ["scenario_id"])
        figure = drawn(figures.series_with_bands(bands, "gap", "scenario_id", MILLIONS))
        axes = figure.axes[0]
        assert len(axes.lines) == lines
        assert axes.get_ylabel() == "million USD"
        first = bands[bands["scenario_id"] == 0]["mean"] / 1e6
        assert axes.lines[0].get_ydata() == pytest.approx(first.to_numpy())

    def test_gap_of_one_path_against_its_band(self) -> None:
        days = days_of(1, 1)
        figure = drawn(figures.gap_over_time(days, 0.02))
        axes = figure.axes[0]
        levels = {line.get_ydata()[0] for line in axes.lines if len(set(line.get_ydata())) == 1}
        assert {-2.0, 2.0} <= levels
        calls = next(line for line in axes.lines if line.get_label() == "day of calls")
        assert len(calls.get_xdata()) == (days["margin_calls"] > 0).sum()
        path = next(line for line in axes.lines if len(line.get_xdata()) == 12)
        assert path.get_ydata() == pytest.approx(100 * days["gap"] / days["exposure"])

    def test_more_than_500_paths_are_cut_and_it_says_so(self) -> None:
        figure = drawn(figures.gap_over_time(days_of(301, 2, 4)))
        assert figure.axes[0].get_title("right") == "500 of 602 paths, a thin line each"

    def test_nothing_but_zeros(self) -> None:
        bands = daily_bands(days_of(1).assign(gap=0.0), "gap")
        drawn(figures.series_with_bands(bands, "gap"))
        drawn(figures.distribution_figure(days_of(1).assign(gap=0.0), "gap"))


class TestFrontier:
    TABLE = pd.DataFrame(
        {
            "factor.model": [0, 1, 2, 3],
            "loss_mean": [1e6, 2e6, 3e6, 3e6],
            "margin_calls": [9.0, 5.0, 1.0, 7.0],
            "efficient": [True, True, True, False],
        }
    )

    def test_line_goes_through_the_efficient_designs(self) -> None:
        figure = drawn(
            figures.frontier_figure(
                self.TABLE, "loss_mean", "margin_calls", "factor.model", MILLIONS
            )
        )
        axes = figure.axes[0]
        line = next(line for line in axes.lines if line.get_label() == "frontier")
        assert line.get_xdata().tolist() == [1, 2, 3]
        assert line.get_ydata().tolist() == [9, 5, 1]
        assert axes.get_xlabel() == "Loss, mean over days, million USD"
        assert [text.get_text() for text in axes.texts] == ["1", "2", "3"]

    def test_where_more_is_weighed_there_is_no_line(self) -> None:
        table = self.TABLE.assign(efficient=True)
        figure = drawn(figures.frontier_figure(table, "loss_mean", "margin_calls"))
        assert legend_of(figure) == ["a design", "on the frontier"]
        assert not figure.axes[0].lines

    def test_many_levels_are_not_told_apart(self) -> None:
        table = pd.concat([self.TABLE] * 100, ignore_index=True)
        table["factor.model"] = range(400)
        figure = drawn(figures.frontier_figure(table, "loss_mean", "margin_calls", "factor.model"))
        assert legend_of(figure) == ["a design", "frontier"]


class TestDistribution:
    @pytest.mark.parametrize(("designs", "panels"), [(1, 2), (5, 2), (12, 1), (60, 1)])
    def test_any_number_of_series(self, designs: int, panels: int) -> None:
        days = days_of(designs)
        figure = drawn(figures.distribution_figure(days, "gap", "scenario_id", MILLIONS, True))
        assert len(figure.axes) == panels

    def test_curve_is_the_exceedance(self) -> None:
        frame = pd.DataFrame({"loss": [1e6, 2e6, 3e6, 4e6]})
        figure = drawn(figures.distribution_figure(frame, "loss", None, MILLIONS))
        curve = figure.axes[0].lines[0]
        assert curve.get_xdata().tolist() == [1, 2, 3, 4]
        assert curve.get_ydata().tolist() == [75, 50, 25, 0]
        assert figure.axes[0].get_ylabel() == "% of runs"


def test_heat_map_shows_the_cells() -> None:
    table = pd.DataFrame(
        {
            "factor.trigger": [0, 0.01, 0, 0.01],
            "factor.haircut": [0.02, 0.02, 0.05, 0.05],
            "mean": [1e6, 2e6, 3e6, np.nan],
        }
    )
    figure = drawn(
        figures.heat_map(table, "factor.trigger", "factor.haircut", "loss_mean", scale=MILLIONS)
    )
    (mesh,) = (c for c in figure.axes[0].collections if isinstance(c, QuadMesh))
    cells = np.ma.filled(mesh.get_array(), np.nan)
    assert np.array_equal(cells, [[1, 2], [3, np.nan]], equal_nan=True)
    assert [text.get_text() for text in figure.axes[0].texts] == ["1", "2", "3"]
    assert figure.axes[0].get_xlabel() == "trigger"


def test_differences_are_cut_to_the_largest() -> None:
    number = 60
    table = pd.DataFrame({"metric": "margin_calls", "difference": np.arange(float(number))})
    for bound, shift in (("low", -1), ("high", 1), ("unpaired_low", -2), ("unpaired_high", 2)):
        table[bound] = table["difference"] + shift
    labels = pd.Series([f"design {n}" for n in range(number)])
    figure = drawn(figures.differences_figure(table, labels, "Model 0"))
    axes = figure.axes[0]
    ticks = [tick.get_text() for tick in axes.get_yticklabels()]
    assert ticks[0] == "design 20" and ticks[-1] == "design 59"
    assert axes.get_title("right") == "the 40 largest of 60 differences"


def test_issuance_marks_the_required_inventory() -> None:
    table = pd.DataFrame(
        {
            "inventory": [0.0, 0.1, 0.2],
            "probability": [1, 0.5, 0],
            "fitted": [1, 0.5, 0],
            "low": [0.8, 0.3, 0],
            "high": [1, 0.7, 0.2],
        }
    )
    required = pd.DataFrame({"target": [0.05], "required": [0.19]})
    figure = drawn(figures.issuance_figure(table, required))
    marks = [line for line in figure.axes[0].lines if line.get_markersize() == 9]
    assert [line.get_xdata()[0] for line in marks] == [0.19]
    assert "target 5 %" in [text.get_text() for text in figure.axes[0].texts]


def test_effects_keep_all_means_in_sight() -> None:
    """The levels of the first factor are far apart, those of the last one near each other."""
    runs = pd.DataFrame(
        {
            "factor.model": np.repeat([0, 1], 20),
            "factor.inventory": np.tile(np.linspace(0, 1, 20), 2),
            "loss": np.repeat([100.0, 1.0], 20),
        }
    )
    figure = drawn(figures.effects_figure(runs, ["factor.model", "factor.inventory"], "loss"))
    low, high = figure.axes[0].get_ylim()
    assert low <= 0 and high > 100


class TestNetwork:
    def network(self, lenders: int, borrowers: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        rng = np.random.default_rng(1)
        names = [f"L{n}" for n in range(lenders)] + [f"B{n}" for n in range(borrowers)]
        people = pd.DataFrame(
            {
                "participant": names,
                "role": ["lender"] * lenders + ["borrower"] * borrowers,
                "default_day": [-1] * (len(names) - 1) + [3],
            }
        )
        loans = pd.DataFrame(
            {
                "lender": rng.choice(names[:lenders], 3 * borrowers),
                "borrower": np.repeat(names[lenders:], 3),
                "exposure": rng.uniform(1, 2, 3 * borrowers),
            }
        )
        return pairs(loans.assign(gap=0.01)), people

    @pytest.mark.parametrize("kind", ["bipartite", "core-periphery", "force"])
    def test_five_participants(self, kind: figures.network.Layout) -> None:
        edges, people = self.network(2, 3)
        places = figures.layout(edges, people, kind)
        figure = drawn(figures.network_figure(edges, people, places))
        axes = figure.axes[0]
        marks = [c for c in axes.collections if isinstance(c, PathCollection)]
        spots = np.concatenate([c.get_offsets() for c in marks])
        assert {tuple(p) for p in spots.tolist()} == {
            places[name] for name in people["participant"]
        }
        assert legend_of(figure) == ["lender (2)", "borrower (3)", "defaulted (1)"]
        lines = [c for c in axes.collections if isinstance(c, LineCollection)]
        assert all(len(c.get_segments()) == len(edges) for c in lines)

    def test_the_largest_of_many_and_it_says_so(self) -> None:
        edges, people = self.network(200, 500)
        figure = drawn(figures.network_figure(edges, people))
        assert figure.axes[0].get_title("right") == "the 500 largest of 700 participants"

    def test_nobody_lends(self) -> None:
        edges, people = self.network(1, 2)
        drawn(figures.network_figure(edges[:0], people))


class TestContagion:
    def tree(self, number: int) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "participant": [f"P{n}" for n in range(number)],
                "day": np.arange(number) // 3,
                "cause": ["liquidity"] + ["contagion"] * (number - 1),
                "parent": [""] + [f"P{n // 2}" for n in range(number - 1)],
                "loss": [np.nan] + [1.0] * (number - 1),
            }
        )

    @pytest.mark.parametrize(("number", "named"), [(5, 5), (300, 0)])
    def test_every_default_is_in_the_tree(self, number: int, named: int) -> None:
        figure = drawn(figures.contagion_figure(self.tree(number)))
        above, below = figure.axes
        assert sum(bar.get_height() for bar in above.patches) == number
        assert sum(len(line.get_xdata()) for line in below.lines) == number
        assert len(below.texts) == named

    def test_without_contagion(self) -> None:
        tree = self.tree(1)
        figure = drawn(figures.contagion_figure(tree))
        assert figure.axes[0].get_title("right") == "none led to another"


def test_bars_of_operating_cost_are_the_years() -> None:
    yearly = yearly_costs(Fees(10, 3000))
    labels = {"alone": "alone", "on_demand": "on demand", "batched": "in batches"}
    figure = drawn(figures.operating_cost_figure(yearly, labels, "USD"))
    assert legend_of(figure) == list(labels.values())
    (axes,) = figure.axes
    heights = [[bar.get_height() for bar in group] for group in axes.containers]
    assert heights == [list(yearly[name]) for name in labels]
    assert axes.get_ylabel() == "USD"
