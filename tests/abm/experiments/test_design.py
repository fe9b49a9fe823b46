"""Designs: every combination once, samples that fill their space, values that fields can take."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abm.experiments.design import designs_of
from abm.experiments.plan import Plan
from scenarios.agreement import CollateralAgreement, exact
from scenarios.errors import InputError
from scenarios.experiment import Experiment


def experiment(settings: dict[str, Any] | None = None, **tables: Any) -> Experiment:
    base = {"scenario": "prices-gbm", **(settings or {})}
    return Experiment.parse({"experiment": base, **tables}, "test")


def values(settings: dict[str, Any] | None = None, **tables: Any) -> list[dict[str, Any]]:
    return [design.factors for design in designs_of(experiment(settings, **tables))]


def test_a_grid_has_every_combination_once_the_last_factor_fastest() -> None:
    found = values(factors={"agreement.haircut": [0.05, 0.1], "model": [1, 2, 4]})
    assert [tuple(point.values()) for point in found] == [
        (0.05, 1), (0.05, 2), (0.05, 4), (0.1, 1), (0.1, 2), (0.1, 4),
    ]  # fmt: skip


def test_nothing_that_varies_is_one_design() -> None:
    assert values() == [{}]


def test_a_name_without_quotes_is_the_same_field() -> None:
    dotted = values(factors={"agreement.haircut": [0.05, 0.1]})
    assert values(factors={"agreement": {"haircut": [0.05, 0.1]}}) == dotted


def test_levels_of_a_range_are_evenly_spaced_ends_included() -> None:
    spaced = values(factors={"agreement.haircut": {"low": 0.0, "high": 0.2, "levels": 5}})
    assert [point["agreement.haircut"] for point in spaced] == [0.0, 0.05, 0.1, 0.15, 0.2]
    log = {"low": 0.001, "high": 0.1, "levels": 3, "scale": "log"}
    spaced = values(factors={"agreement.trigger": log})
    assert [point["agreement.trigger"] for point in spaced] == [0.001, 0.01, 0.1]


def test_given_designs_are_crossed_with_the_rest() -> None:
    found = values(
        designs=[{"model": 1}, {"model": 3}],
        alternatives={"size": {"small": {"participants.lenders": 2}, "large": {}}},
    )
    assert [tuple(point.values()) for point in found] == [
        (1, "small"), (1, "large"), (3, "small"), (3, "large"),
    ]  # fmt: skip


def test_given_designs_can_name_alternatives() -> None:
    given = designs_of(
        experiment(
            designs=[{"size": "two", "model": 1}, {"size": "five", "model": 1}],
            alternatives={
                "size": {
                    "two": {"participants": {"lenders": 2}},
                    "five": {"participants": {"lenders": 5}},
                }
            },
        )
    )
    assert [design.changes["participants.lenders"] for design in given] == [2, 5]
    assert [design.changes["agreement.model"] for design in given] == [1, 1]


class TestSamples:
    RANGES = {  # noqa: RUF012
        "agreement.haircut": {"low": 0.0, "high": 0.2},
        "participants.prefunded_inventory": {"low": 0.01, "high": 1.0, "scale": "log"},
    }

    @given(n=st.integers(1, 40), seed=st.integers(0, 1000))
    def test_a_latin_hypercube_has_one_point_in_each_layer(self, n: int, seed: int) -> None:
        found = values({"samples": n, "seed": seed}, factors=self.RANGES)
        haircut = np.array([point["agreement.haircut"] for point in found]) / 0.2
        inventory = np.array([point["participants.prefunded_inventory"] for point in found])
        depth = np.log(inventory / 0.01) / np.log(100)
        for unit in (haircut, depth):
            # Values are rounded to six places, which can move a point across an edge.
            position = np.sort(unit) * n - np.arange(n)
            assert -1e-3 < position.min() <= position.max() < 1 + 1e-3

    def test_sobol_points_halve_every_interval(self) -> None:
        found = values({"samples": 64, "sampling": "sobol"}, factors=self.RANGES)
        haircut = np.array([point["agreement.haircut"] for point in found])
        counts, _ = np.histogram(haircut, bins=64, range=(0.0, 0.2))
        assert counts.tolist() == [1] * 64

    def test_the_seed_alone_decides(self) -> None:
        for sampling in ("sobol", "latin-hypercube"):
            settings = {"samples": 8, "sampling": sampling}
            again = values(settings | {"seed": 5}, factors=self.RANGES)
            assert values(settings | {"seed": 5}, factors=self.RANGES) == again
            assert values(settings | {"seed": 6}, factors=self.RANGES) != again

    def test_ratios_have_six_decimals_so_that_they_are_exact_fractions(self) -> None:
        for point in values({"samples": 50}, factors=self.RANGES):
            fraction = exact(point["agreement.haircut"])
            assert Fraction(1_000_000) % fraction.denominator == 0

    def test_whole_numbers_are_all_equally_likely(self) -> None:
        found = values({"samples": 60}, factors={"participants.lenders": {"low": 1, "high": 3}})
        drawn = [point["participants.lenders"] for point in found]
        assert [drawn.count(number) for number in (1, 2, 3)] == [20, 20, 20]
        assert all(isinstance(number, int) for number in drawn)

    def test_every_sample_meets_every_level(self) -> None:
        found = values({"samples": 3}, factors=self.RANGES | {"model": [1, 4]})
        by_model = {
            model: [point["agreement.haircut"] for point in found if point["model"] == model]
            for model in (1, 4)
        }
        assert len(found) == 6
        assert by_model[1] == by_model[4]


class TestParts:
    @given(
        replications=st.integers(1, 400),
        levels=st.integers(1, 40),
        gaps=st.sets(st.integers(0, 2000)),
    )
    def test_every_run_is_in_one_part_and_no_part_is_too_large(
        self, replications: int, levels: int, gaps: set[int]
    ) -> None:
        haircuts = [i / 100 for i in range(levels)]
        plan = Plan.of(
            experiment({"replications": replications}, factors={"agreement.haircut": haircuts})
        )
        todo = [run for run in range(plan.runs) if run not in gaps]
        parts = list(plan.parts(todo))
        assert [run for part in parts for run in part] == todo
        assert all(len(part) <= plan.part_size <= 100 for part in parts)

    def test_what_is_left_of_a_part_never_takes_the_name_of_another(self) -> None:
        plan = Plan.of(experiment({"replications": 1000}))
        whole = [part[0] for part in plan.parts(range(1000))]
        for part in plan.parts(range(5, 1000)):
            assert part[0] in whole or part[0] == 5


@pytest.mark.parametrize(
    "other",
    [
        {"settings": {"seed": 2}},
        {"settings": {"replications": 3}},
        {"settings": {"tables": ("loans",)}},
        {"factors": {"model": [2, 1]}},
        {"factors": {"model": [1, 2]}, "changes": {"agreement.haircut": 0.1}},
    ],
)
def test_another_experiment_has_another_fingerprint(other: dict[str, Any]) -> None:
    same = Plan.of(experiment(factors={"model": [1, 2]})).fingerprint
    assert Plan.of(experiment(factors={"model": [1, 2]})).fingerprint == same
    other = {"factors": {"model": [1, 2]}} | other
    assert Plan.of(experiment(**other)).fingerprint != same


class TestModels:
    """The name of a model is what is simulated, or the experiment is refused."""

    MODELS: ClassVar = {"model": [0, 1, 2, 3, 4]}

    def agreements(self, **tables: Any) -> list[CollateralAgreement]:
        plan = Plan.of(experiment(**tables))
        plan.check()
        return [plan.scenario(design).agreement for design in plan.designs]

    def test_models_are_the_papers_where_a_scenario_fixes_their_terms(self) -> None:
        """prices-gbm has a trigger of 0 and a lag of 1."""
        found = self.agreements(factors=self.MODELS)
        assert [terms.trigger for terms in found] == [0, 0, 0, 0.02, 0.02]
        assert [terms.settlement_lag for terms in found] == [1, 0, 0, 0, 0]
        rows = self.agreements(designs=[{"model": model} for model in range(5)])
        assert rows == found

    def test_terms_that_an_experiment_sets_for_all_designs_prevail(self) -> None:
        changes = {"agreement.settlement_lag": 2}
        assert {
            a.settlement_lag for a in self.agreements(factors=self.MODELS, changes=changes)
        } == {2}
        set_beside = experiment(factors=self.MODELS).with_settings(changes)
        plan = Plan.of(set_beside)
        assert {plan.scenario(design).agreement.settlement_lag for design in plan.designs} == {2}

    @pytest.mark.parametrize(
        ("tables", "message"),
        [
            (
                {"changes": {"agreement.trigger": 0.1}},
                "model = 1 and model = 3 are one and the same market where agreement.trigger is",
            ),
            (
                {"alternatives": {"term": {"a": {"agreement.trigger": 0.1}}}},
                "model = 1 and model = 3 are one and the same market where agreement.trigger is",
            ),
            (
                {
                    "factors": {"network.loans_per_edge": [1, 2]},
                    "alternatives": {"a": {"x": {"network": {"topology": "agent-lender"}}}},
                    "designs": [{"network.loans_per_edge": 3}],
                },
                "network.loans_per_edge varies twice, in factors and in designs",
            ),
            (
                {
                    "factors": {},
                    "alternatives": {"a": {"x": {"network": {"topology": "agent-lender"}}}},
                    "designs": [{"network.loans_per_edge": 3}, {"network.loans_per_edge": 4}],
                },
                "network.loans_per_edge = 3 and network.loans_per_edge = 4 are one and the same",
            ),
        ],
    )
    def test_two_names_for_one_market_are_refused(self, tables: Any, message: str) -> None:
        tables = {"factors": {"model": [1, 3]}, **tables}
        with pytest.raises(InputError, match=message):
            Plan.of(experiment(**tables)).check()

    @pytest.mark.parametrize("where", ["factors", "alternatives.b"])
    def test_a_field_that_two_factors_set_is_refused(self, where: str) -> None:
        """The later one would win, and the earlier one's name would say what is not simulated."""
        both = {"a": {"x": {"agreement.trigger": 0.3, "agreement.haircut": 0.1}, "y": {}}}
        tables: dict[str, Any] = {"alternatives": both}
        if where == "factors":
            tables["factors"] = {"agreement.trigger": [0.0, 0.1]}
        else:
            both["b"] = {"x": {"agreement.trigger": 0.2}, "y": {}}
        with pytest.raises(InputError, match=r"agreement\.trigger varies twice, in "):
            experiment(**tables)

    def test_a_point_that_is_sampled_twice_is_not_refused(self) -> None:
        factors = {"participants.dealers": {"low": 0, "high": 1}}
        Plan.of(experiment({"samples": 8}, factors=factors)).check()


def test_more_designs_than_can_be_made_are_refused() -> None:
    factors = {
        f"agreement.{name}": {"low": 0.0, "high": 0.5, "levels": 1_000_000}
        for name in ("haircut", "trigger")
    }
    with pytest.raises(InputError, match=r"1,000,000,000,000 designs, .* at most 1,000,000"):
        designs_of(experiment(factors=factors))
