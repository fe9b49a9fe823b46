"""Experiment files: what they say, and what is refused before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scenarios.errors import InputError
from scenarios.experiment import Experiment, bundled_experiments, load_either
from scenarios.fields import as_changes, field_types, is_whole
from scenarios.scenario import Scenario


def parse(folder: Path | None = None, **tables: Any) -> Experiment:
    table: dict[str, Any] = {"experiment": {"scenario": "prices-gbm"}, **tables}
    return Experiment.parse(table, "test.toml", folder)


class TestFields:
    def test_finds_nested_fields_and_those_of_any_kind_of_network_or_price_source(self) -> None:
        assert float in field_types("agreement.haircut")
        assert int in field_types("network.dealers_per_lender")
        assert float in field_types("prices.intensity")
        assert field_types("loan.collateral.AAPL") == (int,)

    def test_tells_whole_numbers_from_others(self) -> None:
        assert is_whole("participants.lenders")
        assert is_whole("network.lenders_per_borrower")
        assert not is_whole("agreement.trigger")
        # A fraction of the collateral, or counts of tokens.
        assert not is_whole("participants.prefunded_inventory")

    @pytest.mark.parametrize("name", ["haircut", "agreement.hair", "agreement.haircut.x", ""])
    def test_refuses_what_a_scenario_does_not_have(self, name: str) -> None:
        with pytest.raises(InputError, match="no such field"):
            field_types(name)

    def test_names_the_fields_that_there_are(self) -> None:
        with pytest.raises(InputError, match=r"agreement has .*haircut.*trigger"):
            field_types("agreement.hair")

    def test_merges_tables_of_fields(self) -> None:
        table = {"participants": {"dealers": 4}, "window": {"start": "2009-01-01"}}
        assert as_changes(table) == {"participants.dealers": 4, "window.start": "2009-01-01"}

    def test_replaces_token_counts_and_what_names_its_kind(self) -> None:
        network = {"topology": "agent-lender"}
        collateral = {"AAPL": 1}
        changes = as_changes({"network": network, "loan": {"collateral": collateral}})
        assert changes == {"network": network, "loan.collateral": collateral}

    def test_merges_into_a_network_whose_kind_stays(self) -> None:
        assert as_changes({"network": {"loans_per_edge": 3}}) == {"network.loans_per_edge": 3}


class TestRefusals:
    """Each with the place and what would be right."""

    @pytest.mark.parametrize(
        ("tables", "message"),
        [
            ({"factors": {"haircut": [0.1]}}, "factors: haircut: a scenario has no such field"),
            ({"factors": {"model": 3}}, "factors: model: expected a list of values"),
            ({"factors": {"model": []}}, "factors: model: expected a list of values"),
            ({"factors": {"model": [1, 2, 1]}}, "factors: model: 1 is there twice"),
            ({"factors": {"window": [{"start": 1}]}}, r"use \[alternatives"),
            ({"factors": {"name": {"low": 0, "high": 1}}}, "a field that is a number"),
            (
                {"factors": {"agreement": {"haircut": {"low": 0.2, "high": 0.1}}}},
                r"factors: agreement.haircut: high \(0.1\) must lie above low \(0.2\)",
            ),
            ({"factors": {"agreement.trigger": {"low": 0.0}}}, "high is missing"),
            (
                {"factors": {"agreement.trigger": {"low": 0.0, "high": 0.1, "scale": "log"}}},
                "a log scale needs a low above 0",
            ),
            (
                {"factors": {"agreement.trigger": {"low": 0.0, "high": 0.1}}},
                "a range needs levels = N, or samples = N",
            ),
            (
                {"factors": {"model": [1], "agreement.model": [2]}},
                "agreement.model varies twice, in factors and in factors",
            ),
            (
                {"factors": {"model": [1]}, "designs": [{"model": 2}]},
                "model varies twice, in factors and in designs",
            ),
            (
                {"designs": [{"model": 1}, {"agreement.haircut": 0.1}]},
                "design 2: all designs must set the same fields",
            ),
            (
                {"alternatives": {"w": {"a": {}}}, "designs": [{"w": "b"}]},
                "design 1: w: no alternative 'b' .known: a.",
            ),
            ({"alternatives": {"w": {}}}, "alternatives.w: there is none"),
            ({"alternatives": {"w": {"a": {"x": 1}}}}, "alternatives.w.a: x: a scenario has no"),
            ({"changes": {"x": 1}}, "changes: x: a scenario has no such field"),
            ({"designs": "absent.csv"}, "absent.csv: cannot be read"),
            ({"facters": {}}, "unknown key facters"),
            ({"experiment": {}}, "experiment.scenario is missing"),
            (
                {"experiment": {"scenario": "prices-gbm", "replications": 0}},
                "experiment.replications: .*greater than or equal to 1",
            ),
            (
                {"experiment": {"scenario": "prices-gbm", "samples": 4}},
                "experiment.samples: there is no range",
            ),
            ({"experiment": {"scenario": "absent"}}, "experiment.scenario: absent: no such"),
        ],
    )
    def test_says_what_is_wrong(self, tables: dict[str, Any], message: str, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=f"(?s){message}") as error:
            parse(tmp_path, **tables)
        assert "\n" not in str(error.value)

    def test_sobol_wants_a_power_of_two(self) -> None:
        settings = {"scenario": "prices-gbm", "sampling": "sobol", "samples": 12}
        factors = {"agreement.trigger": {"low": 0.0, "high": 0.1}}
        with pytest.raises(InputError, match="powers of two only"):
            parse(experiment=settings, factors=factors)

    def test_what_varies_cannot_be_set_beside(self) -> None:
        experiment = parse(factors={"model": [1, 2]}, alternatives={"w": {"a": {"money.unit": 1}}})
        for name in ("agreement.model", "model", "money.unit"):
            with pytest.raises(InputError, match="varies in unnamed"):
                experiment.with_settings({name: 3})

    def test_knows_its_tables(self) -> None:
        with pytest.raises(InputError, match="no table trades"):
            parse().with_settings({}, tables=("trades",))


class TestFiles:
    def test_relative_paths_count_from_the_file(self, tmp_path: Path) -> None:
        here = tmp_path / "here"
        here.mkdir()
        (here / "designs.csv").write_text("model,agreement.haircut\n1,0.05\n4,0.1\n")
        (here / "mine.toml").write_text(
            "[window]\nstart = 2020-01-01\nend = 2020-02-01\n[loan]\ncollateral = { A = 1 }\n"
            '[prices]\nsource = "file"\nfile = "prices.csv"\ntokens = ["A"]\n'
        )
        path = here / "sweep.toml"
        path.write_text('designs = "designs.csv"\n[experiment]\nscenario = "mine.toml"\n')
        experiment = Experiment.load(path)
        assert experiment.name == "sweep"
        assert experiment.scenario.prices.file == str(here / "prices.csv")  # type: ignore[union-attr]
        assert experiment.factors.rows == [
            {"model": 1, "agreement.haircut": 0.05},
            {"model": 4, "agreement.haircut": 0.1},
        ]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("model\n", "expected a header"),
            ("model,money.unit\n1\n", "row 2: expected 2 values"),
            ("model,money.unit\n1,\n", "row 2: expected 2 values, none empty"),
            ("modal\n1\n", "header: modal: a scenario has no such field"),
        ],
    )
    def test_broken_csv(self, text: str, message: str, tmp_path: Path) -> None:
        (tmp_path / "designs.csv").write_text(text)
        with pytest.raises(InputError, match=message):
            parse(tmp_path, designs="designs.csv")

    def test_a_cell_is_what_its_field_takes(self, tmp_path: Path) -> None:
        (tmp_path / "d.csv").write_text(
            "money.currency,agreement.aggregated,window.start\n8306,true,2010-10-01\n"
        )
        (row,) = parse(tmp_path, designs="d.csv").factors.rows
        assert row == {
            "money.currency": "8306",
            "agreement.aggregated": True,
            "window.start": "2010-10-01",
        }

    def test_the_experiment_table_tells_the_two_kinds_apart(self) -> None:
        assert isinstance(load_either("prices-gbm"), Scenario)
        assert isinstance(load_either("paper-models"), Experiment)
        with pytest.raises(InputError, match="no scenario or experiment bundled"):
            load_either("absent")

    @pytest.mark.parametrize("name", bundled_experiments())
    def test_a_bundled_one_says_what_it_is(self, name: str) -> None:
        assert bundled_experiments()[name].read_text().startswith("# ")
        assert Experiment.load(name).title
