"""Scenario files: what is accepted, and one clear line for what is not."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from worlds import table_of

from scenarios.agreement import MODELS, CollateralAgreement, exact, terms_of_model
from scenarios.errors import InputError
from scenarios.network import Complete, CorePeriphery
from scenarios.scenario import Scenario, bundled

LOAN = {"loan": {"collateral": {"A": 10}}}


def parse(**fields: Any) -> Scenario:
    return Scenario.parse(table_of(5, **{**LOAN, **fields}), "here.toml")


def given(loan_id: Any = 1, **fields: Any) -> dict[str, Any]:
    return {"loan_id": loan_id, "lender": "L", "borrower": "B", **fields}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"colour": "red"}, "unknown key colour"),
        ({"agreement": {"haircutt": 0.1}}, "unknown key agreement.haircutt"),
        ({"participants": {"dealer": 2}}, "unknown key participants.dealer"),
        ({"agreement": {"haircut": 1}}, "agreement.haircut: .*less than 1.*it is 1"),
        ({"agreement": {"haircut": 1.5}}, "agreement.haircut: .*less than 1"),
        ({"agreement": {"haircut": -0.1}}, "agreement.haircut: .*greater than or equal to 0"),
        ({"agreement": {"haircut": float("nan")}}, "agreement.haircut"),
        ({"agreement": {"haircut": "a lot"}}, "agreement.haircut: .*it is 'a lot'"),
        ({"agreement": {"trigger": -0.02}}, "agreement.trigger: .*greater than or equal to 0"),
        ({"agreement": {"trigger": float("inf")}}, "agreement.trigger"),
        ({"agreement": {"margin_percentage": 0}}, "agreement.margin_percentage"),
        (
            {"agreement": {"margin_percentage": 1.02, "haircut": 0.02}},
            "agreement: give haircut or margin_percentage, not both",
        ),
        ({"agreement": {"priority": []}}, "agreement.priority: .*at least 1"),
        ({"agreement": {"priority": ["A", "A"]}}, "priority names a token twice"),
        ({"agreement": {"model": 5}}, "agreement.model"),
        ({"agreement": {"reuse_rate": 0.5}}, 'reuse_rate needs transfer = "title"'),
        (
            {"agreement": {"reuse_rate": 0.1234567, "transfer": "title"}},
            "agreement: reuse_rate: expected six decimals at most",
        ),
        ({"agreement": {"settlement_lag": 1.5}}, "agreement.settlement_lag"),
        ({"agreement": {"settlement_lag": -1}}, "agreement.settlement_lag"),
        ({"agreement": {"adjustment": "both"}}, "agreement.adjustment"),
        ({"loan": {"collateral": {"A": 1.5}}}, "loan.collateral.A: .*it is 1.5"),
        ({"loan": {"collateral": {"A": -1}}}, "loan.collateral.A"),
        ({"loan": {"collateral": {"A": 0}}}, "loan: collateral must have a token"),
        ({"loan": {}}, "loan: give principal, lent or collateral"),
        ({"loan": {"principal": 0}}, "loan.principal"),
        ({"loan": {"principal": 5, "lent": {"A": 1}}}, "give principal or lent, not both"),
        (
            {"loan": {"principal": 5, "collateral": {"A": 1}, "composition": {"A": 1}}},
            "give collateral or composition, not both",
        ),
        ({"loan": {"principal": 5, "open_ended": True, "maturity": 3}}, "has no maturity"),
        ({"loan": {"principal": 5, "at_maturity": "roll"}}, "needs a maturity"),
        ({"loan": {"principal": 5, "maturity": 0}}, "loan.maturity"),
        ({"loan": None}, r"give either \[loan\].* or \[\[loans\]\]"),
        ({"loans": [given(principal=5)]}, r"give either \[loan\].* or \[\[loans\]\]"),
        (
            {"loan": None, "loans": [given(3, principal=5), given(3, principal=5)]},
            "loan_id 3 appears twice",
        ),
        ({"loan": None, "loans": [{"loan_id": 1, "borrower": "B", "principal": 5}]}, "lender"),
        (
            {"participants": {"given": [{"name": "X", "role": "lender"}] * 2}},
            "given names X twice",
        ),
        ({"participants": {"given": [{"name": "X", "role": "broker"}]}}, "role"),
        ({"participants": {"lenders": -1}}, "participants.lenders"),
        ({"participants": {"size": {"kind": "pareto", "alpha": 1}}}, "alpha: .*greater than 1"),
        ({"network": {"topology": "ring"}}, "ring"),
        ({"network": {"topology": "scale-free", "gamma": 2}}, "gamma: .*greater than 2"),
        ({"network": {"topology": "core-periphery", "core_density": 1.1}}, "core_density"),
        ({"defaults": {"daily_hazard": 1}}, "daily_hazard"),
        ({"recalls": {"daily_rate": 1.1}}, "daily_rate"),
        ({"close_out": {"sale": "never"}}, "close_out.sale"),
        ({"close_out": {"margin_period_of_risk": -1}}, "margin_period_of_risk"),
        ({"close_out": {"impact": {"depth": 0}}}, "depth"),
        ({"close_out": {"impact": {"depth": 1, "decay": 1}}}, "decay"),
        (
            {"oracle": {"wrong_prices": [{"day": 1, "token": "A", "factor": 2}] * 2}},
            "wrong_prices names A on day 1 twice",
        ),
        ({"oracle": {"outages": [{"day": 1, "days": 0}]}}, "days"),
        ({"money": {"unit": 0}}, "money.unit"),
        ({"window": {"start": "2024-01-05", "end": "2024-01-05"}}, "must lie after start"),
        ({"window": {"start": "2024-13-05", "end": "2024-01-05"}}, "window.start"),
    ],
)
def test_refusals_name_file_and_field(fields: dict[str, Any], message: str) -> None:
    fields = {**fields}
    with pytest.raises(InputError, match=message) as info:
        parse(**fields)
    assert str(info.value).startswith("here.toml: ")
    assert "\n" not in str(info.value)


def test_a_missing_table_is_named() -> None:
    with pytest.raises(InputError, match=r"here\.toml: window is missing"):
        Scenario.parse({"prices": {"source": "file", "file": "x.csv"}, **LOAN}, "here.toml")


def test_models_are_presets_of_terms() -> None:
    """Table 1 of the paper."""
    terms = {number: CollateralAgreement(model=number) for number in MODELS}
    assert [t.trigger for t in terms.values()] == [0, 0, 0, 0.02, 0.02]
    adjustments = ["single", "single", "multi", "single", "multi"]
    assert [t.adjustment for t in terms.values()] == adjustments
    assert [t.settlement_lag for t in terms.values()] == [1, 0, 0, 0, 0]
    assert [t.lender_issuance for t in terms.values()] == [True, True, False, True, False]
    assert [t.every_call_issues for t in terms.values()] == [True, False, False, False, False]


def test_terms_beside_a_model_prevail() -> None:
    scenario = parse(agreement={"model": 3, "settlement_lag": 2})
    assert (scenario.agreement.trigger, scenario.agreement.settlement_lag) == (0.02, 2)


@pytest.mark.parametrize("name", [*bundled(), "given"])
@pytest.mark.parametrize("model", MODELS)
def test_a_model_from_outside_is_the_papers_whatever_the_file_says(name: str, model: int) -> None:
    fixed = {"trigger": 0.5, "settlement_lag": 9, "adjustment": "single", "haircut": 0.3}
    scenario = parse(agreement=fixed) if name == "given" else Scenario.load(name)
    agreement = scenario.with_changes({"agreement.model": model}).agreement
    for term, value in terms_of_model(model).items():
        assert getattr(agreement, term) == value
    assert agreement.haircut == scenario.agreement.haircut, "no term of the models"
    assert agreement.return_rounding == scenario.agreement.return_rounding


def test_terms_set_together_with_a_model_prevail_in_any_order() -> None:
    scenario = parse(agreement={"trigger": 0.5, "settlement_lag": 9})
    for changes in (
        {"agreement.model": 1, "agreement.settlement_lag": 2},
        {"agreement.settlement_lag": 2, "agreement.model": 1},
    ):
        changed = scenario.with_changes(changes).agreement
        assert (changed.trigger, changed.settlement_lag) == (0.0, 2)


def test_a_model_replaces_terms_of_a_named_agreement_too() -> None:
    loans = [given(principal=5, agreement="tight")]
    scenario = parse(loan=None, loans=loans, agreements={"tight": {"trigger": 0.5}})
    changed = scenario.with_changes({"agreements.tight.model": 4})
    assert changed.agreements["tight"].trigger == 0.02


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("participants.lenders", 7, "the loans are given one by one"),
        ("network", {"topology": "agent-lender"}, "changes nothing beside"),
        ("agreement.model", 4, r"no loan uses \[agreement\]; they use agreements.tight"),
        ("agreements.loose.haircut", 0.5, "no loan uses the agreement loose"),
        ("participants.size.sigma", 2.0, 'sizes of kind = "equal"; it goes with'),
        ("loans", [], "give either"),
    ],
)
def test_a_change_that_changes_nothing_is_refused(field: str, value: Any, message: str) -> None:
    scenario = parse(
        loan=None,
        loans=[given(principal=5, agreement="tight")],
        agreements={"tight": {"haircut": 0.1}, "loose": {}},
    )
    with pytest.raises(InputError, match=f"unnamed: .*{message}"):
        scenario.with_changes({field: value})


@pytest.mark.parametrize(
    ("terms", "ratio"),
    [
        ({}, Fraction(20, 19)),
        ({"haircut": 0.02}, Fraction(50, 49)),
        ({"haircut": 0.0}, Fraction(1)),
        ({"margin_percentage": 1.02}, Fraction(51, 50)),
    ],
)
def test_required_collateral_is_an_exact_fraction(terms: Any, ratio: Fraction) -> None:
    assert CollateralAgreement(**terms).collateral_ratio == ratio


@pytest.mark.parametrize(
    ("topology", "most"), [("random-bipartite", 0), ("scale-free", 0), ("agent-lender", 1)]
)
def test_dealers_for_whom_a_network_has_no_place_are_refused(topology: str, most: int) -> None:
    scenario = parse(network={"topology": topology})
    assert scenario.with_changes({"participants.dealers": most}).participants.dealers == most
    with pytest.raises(InputError, match=f"participants.dealers: {topology} has a place for"):
        scenario.with_changes({"participants.dealers": most + 1})


def test_decimals_are_taken_as_written() -> None:
    assert exact(0.1) == Fraction(1, 10)
    assert exact(1e-7) == Fraction(1, 10**7)
    assert exact(3) == 3


def test_changes_by_dotted_names() -> None:
    scenario = parse(network={"topology": "core-periphery"}, participants={"dealers": 2})
    changed = scenario.with_changes(
        {"network.core_density": 0.1, "agreement.haircut": 0.2, "close_out.impact": {"depth": 5}}
    )
    assert isinstance(changed.network, CorePeriphery)
    assert changed.network.core_density == 0.1
    assert changed.agreement.haircut == 0.2
    assert changed.close_out.impact is not None
    assert changed.participants == scenario.participants
    assert scenario.agreement.haircut is None
    for change, message in (
        (
            {"agreement.hair": 1},
            r"^unnamed: unknown key agreement.hair \(did you mean agreement.haircut\?\); ",
        ),
        ({"agreement.haircut.x": 1}, "is not a table|haircut"),
        ({"agreement.haircut": 2}, "agreement.haircut"),
    ):
        with pytest.raises(InputError, match=message):
            parse(agreement={"haircut": 0.1}).with_changes(change)


def test_changes_of_a_scenario_made_in_python() -> None:
    """A topology that was not written down is kept all the same."""
    scenario = parse().model_copy(update={"network": Complete(loans_per_edge=2)})
    assert scenario.with_changes({"agreement.haircut": 0.1}).network == Complete(loans_per_edge=2)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("window = { start = 2024-01-01, end = 2024-02-01 }\n")
    with pytest.raises(InputError, match=r"mine\.toml: prices is missing"):
        Scenario.load(path)
    path.write_text("window = [1\n")
    with pytest.raises(InputError, match=r"mine\.toml: not a TOML file"):
        Scenario.load(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"mine\.toml: not a TOML file"):
        Scenario.load(path)
    path.write_text('[experiment]\nscenario = "crash"\n')
    with pytest.raises(InputError, match=r"mine\.toml: is an experiment; expected a scenario"):
        Scenario.load(path)
    with pytest.raises(InputError, match="atlantis: no such file, and no scenario bundled"):
        Scenario.load("atlantis")


def test_relative_files_count_from_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "net.csv").write_text("lender,borrower\nL,B\n")
    (tmp_path / "mine.toml").write_text(
        "window = { start = 2024-01-01, end = 2024-02-01 }\nloan = { principal = 5 }\n"
        'prices = { source = "file", file = "prices.csv" }\n'
        'network = { topology = "file", file = "net.csv" }\n'
    )
    scenario = Scenario.load(tmp_path / "mine.toml")
    assert scenario.network.file == str(tmp_path / "net.csv")  # type: ignore[union-attr]
    assert scenario.name == "mine"


@pytest.mark.parametrize("name", bundled())
def test_bundled_scenarios_are_valid_and_say_what_they_show(name: str) -> None:
    scenario = Scenario.load(name)
    assert scenario.title
    assert scenario.name == name
