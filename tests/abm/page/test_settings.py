"""Settings mean the market that they say, and nothing that a browser sends gets further."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from abm.page.controls import PRICE_SOURCES, TOPOLOGIES
from abm.page.settings import MOST_LOANS, Offer, Settings
from scenarios.agreement import MODELS, CollateralAgreement, terms_of_model
from scenarios.errors import InputError
from scenarios.scenario import Scenario, bundled

OFFER = Offer()


def plain(**values: Any) -> Settings:
    return Settings("prices-file", values=values)


def scenario_of(**values: Any) -> Scenario:
    return OFFER.scenarios_for(plain(**values))[0]


@pytest.mark.parametrize("name", bundled())
def test_what_the_page_shows_of_a_bundled_scenario_is_what_the_scenario_has(name: str) -> None:
    settings = Settings(name)
    assert OFFER.scenarios_for(settings) == [Scenario.load(name)]
    base = Scenario.load(name)
    shown = {control["name"]: control["now"][0] for control in OFFER.shown(settings)}
    assert shown["trigger"] == base.agreement.trigger
    assert shown["haircut"] == pytest.approx(float(1 - 1 / base.agreement.collateral_ratio))
    people = base.participants
    if isinstance(people.prefunded_inventory, float):
        assert shown["inventory"] == (None if people.total_assets else people.prefunded_inventory)
    assert shown["model"] == base.agreement.model


@pytest.mark.parametrize("name", bundled())
def test_setting_what_a_scenario_already_has_changes_nothing(name: str) -> None:
    for control in OFFER.controls.values():
        own = control.of(Scenario.load(name))
        if own is None or control.name == "model":
            continue
        if control.name in ("topology", "participants", "loans") and own == 0:
            continue
        try:
            settings = Settings(name, values={control.name: own})
            (changed,) = OFFER.scenarios_for(settings)
        except InputError as error:
            assert "one by one" in str(error)
            continue
        before = Scenario.load(name)
        assert changed.agreement.collateral_ratio == before.agreement.collateral_ratio
        assert changed.participants == before.participants, control.name
        assert changed.network == before.network, control.name


@pytest.mark.parametrize("model", MODELS)
def test_a_model_replaces_all_terms_of_the_scenario_that_tell_models_apart(model: int) -> None:
    # The scenario sets a trigger and a lag of its own, which must not survive.
    agreement = scenario_of(model=model).agreement
    paper = CollateralAgreement(model=model)  # type: ignore[arg-type]
    for term in terms_of_model(model):
        assert getattr(agreement, term) == getattr(paper, term), term


def test_settings_reach_the_scenario() -> None:
    scenario = scenario_of(
        model=3,
        haircut=0.2,
        trigger=0.01,
        topology="core-periphery",
        participants=40,
        inventory=0.3,
    )
    assert scenario.agreement.model == 3
    assert scenario.agreement.haircut == 0.2
    assert scenario.agreement.trigger == 0.01
    assert scenario.participants.prefunded_inventory == 0.3
    part = scenario.participants
    assert part.lenders + part.borrowers + part.dealers == 40
    assert part.dealers > 0


def test_more_participants_of_a_network_are_divided_as_the_scenario_divides_them() -> None:
    (scenario,) = OFFER.scenarios_for(Settings("crash", values={"participants": 130}))
    part = scenario.participants
    assert (part.lenders, part.borrowers, part.dealers) == (60, 60, 10)
    assert scenario.network == Scenario.load("crash").network


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("participants", [10, 100])
def test_every_topology_builds_with_any_number_of_participants(
    topology: str, participants: int
) -> None:
    (market,) = OFFER.markets(plain(topology=topology, participants=participants))
    market.step()
    assert len(market.population.names) == participants
    market.release()


@pytest.mark.parametrize("source", PRICE_SOURCES)
def test_every_price_source_starts_from_the_scenarios_first_prices(source: str) -> None:
    (own,), (other,) = OFFER.markets(plain()), OFFER.markets(plain(prices=source))
    assert own.tokens == other.tokens
    np.testing.assert_allclose(own.path[0], other.path[0], atol=1)
    assert (own.path[15] != other.path[15]).any()


def test_two_markets_share_prices_network_and_loans_and_have_their_own_terms() -> None:
    values = {"model": 1, "topology": "random-bipartite", "participants": 10, "prices": "gbm"}
    settings = Settings("prices-file", 5, values, {"model": 4, "haircut": 0.2})
    one, other = OFFER.markets(settings)
    np.testing.assert_array_equal(one.path, other.path)
    np.testing.assert_array_equal(one.books.accounts.lender, other.books.accounts.lender)
    assert (one.scenario.agreement.model, other.scenario.agreement.model) == (1, 4)
    assert other.scenario.agreement.haircut == 0.2
    assert one.scenario.agreement.haircut != 0.2
    assert OFFER.titles(settings) == ["Model 1", "Model 4, Haircut 20 %"]
    haircut = next(c for c in OFFER.shown(settings) if c["name"] == "haircut")
    assert haircut["now"] == pytest.approx([0.05, 0.2])


def test_terms_of_the_world_cannot_differ_between_two_markets() -> None:
    with pytest.raises(InputError, match="Prices: both markets have it in common"):
        OFFER.markets(Settings("prices-file", other={"prices": "gbm"}))


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"scenario": "/etc/passwd"}, "scenario"),
        ({"scenario": "../library/prices-file.toml"}, "scenario"),
        ({"scenario": 3}, "scenario"),
        ({"seed": -1}, "Seed"),
        ({"seed": True}, "Seed"),
        ({"values": [1]}, "settings"),
        ({"other": "yes"}, "settings"),
        *(
            ({"values": values}, told)
            for values, told in [
                ({"topology": "file"}, "Network"),
                ({"prices": "file"}, "Prices"),
                ({"prices": {"source": "file", "file": "/etc/passwd"}}, "Prices"),
                ({"model": 7}, "Model"),
                ({"model": True}, "Model"),
                ({"haircut": 1.5}, "Haircut"),
                ({"haircut": "0.1"}, "Haircut"),
                ({"trigger": float("nan")}, "Threshold"),
                ({"participants": 100_000}, "Participants"),
                ({"participants": 10.5}, "Participants"),
                ({"inventory": -1}, "inventory"),
                ({"loans": 1000}, "Loans per pair"),
                ({"agreement.haircut": 0.1}, "no control"),
            ]
        ),
    ],
)
def test_what_is_not_on_offer_is_refused(sent: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        OFFER.markets(Settings.of({"scenario": "prices-file", **sent}, "prices-file"))


@pytest.mark.parametrize(
    "sizes", [{"topology": "complete"}, {"topology": "core-periphery", "loans": 10}]
)
def test_a_network_too_large_for_a_page_is_refused_before_it_is_built(sizes: Any) -> None:
    with pytest.raises(InputError, match=f"{MOST_LOANS:,} at most"):
        OFFER.markets(plain(participants=1000, **sizes))


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_the_number_of_loans_is_never_underrated(topology: str) -> None:
    settings = plain(topology=topology, participants=60, loans=2)
    (market,) = OFFER.markets(settings)
    loans = len(market.books.loans)
    assert loans > 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("abm.page.settings.MOST_LOANS", loans - 1)
        with pytest.raises(InputError, match="at most"):
            OFFER.markets(settings)


def test_a_scenario_of_ones_own_comes_first_and_hides_no_bundled_one(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(Path(bundled()["crash"]).read_text("utf-8").replace("0.05", "0.07"), "utf-8")
    offer = Offer(file)
    assert offer.first == "mine"
    assert offer.scenarios()[0][0] == "mine"
    assert offer.scenarios_for(Settings("mine"))[0].agreement.haircut == 0.07
    twin = tmp_path / "crash.toml"
    twin.write_text(file.read_text("utf-8"), "utf-8")
    assert Offer(twin).first == "crash (own)"
    assert Offer(twin).scenarios_for(Settings("crash"))[0].agreement.haircut == 0.05


def test_a_parameter_of_ones_own_is_a_control_and_reaches_the_scenario() -> None:
    offer = Offer(
        "crash",
        params={
            "agreement.grace_days": {"label": "Grace", "min": 0, "max": 9},
            "close_out.sale": {"type": "Select", "label": "Sale", "values": ["parts", "end"]},
        },
    )
    shown = {control["name"]: control for control in offer.shown(Settings("crash"))}
    assert shown["agreement.grace_days"]["now"] == [1]
    assert shown["close_out.sale"]["now"] == ["parts"]
    values = {"agreement.grace_days": 3, "close_out.sale": "end"}
    (changed,) = offer.scenarios_for(Settings("crash", values=values))
    assert changed.agreement.grace_days == 3
    assert changed.close_out.sale == "end"
    with pytest.raises(InputError, match="Grace: must be a whole number from 0 to 9"):
        offer.scenarios_for(Settings("crash", values={"agreement.grace_days": 99}))


def test_inventory_cannot_be_set_where_total_assets_say_what_is_in_wallets() -> None:
    off = {c["name"] for c in OFFER.shown(Settings("crash")) if c["off"]}
    assert off == {"inventory"}
    assert not any(c["off"] for c in OFFER.shown(Settings("paper-market")))


def test_a_parameter_that_no_scenario_has_is_refused() -> None:
    with pytest.raises(InputError, match=r"no field agreement\.hair"):
        Offer("crash", params={"agreement.hair": {"min": 0, "max": 1}})
    with pytest.raises(InputError, match=r"agreement\.grace_days: needs min and max"):
        Offer("crash", params={"agreement.grace_days": {"label": "Grace"}})
