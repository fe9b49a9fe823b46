"""Settings mean the market that they say, and nothing that a browser sends gets further."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from abm.page.settings import MOST_LOANS, PRICE_SOURCES, TOPOLOGIES, Settings, terms_of_model
from scenarios.agreement import MODELS, CollateralAgreement
from scenarios.errors import InputError

PLAIN = Settings("prices-file")


@pytest.mark.parametrize("model", MODELS)
def test_a_model_replaces_all_terms_of_the_scenario_that_tell_models_apart(model: int) -> None:
    # The scenario sets a trigger and a lag of its own, which must not survive.
    agreement = replace(PLAIN, model=model).scenario_for(model).agreement
    paper = CollateralAgreement(model=model)
    for term in terms_of_model(model):
        assert getattr(agreement, term) == getattr(paper, term), term


def test_settings_reach_the_scenario() -> None:
    settings = replace(
        PLAIN, haircut=0.2, trigger=0.01, topology="core-periphery", participants=40, inventory=0.3
    )
    scenario = settings.scenario_for(3)
    assert scenario.agreement.haircut == 0.2
    assert scenario.agreement.trigger == 0.01
    assert scenario.participants.prefunded_inventory == 0.3
    part = scenario.participants
    assert part.lenders + part.borrowers + part.dealers == 40
    assert part.dealers > 0


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("participants", [10, 100])
def test_every_topology_builds_with_any_number_of_participants(
    topology: str, participants: int
) -> None:
    (market,) = replace(PLAIN, topology=topology, participants=participants).markets()
    market.step()
    assert len(market.population.names) == participants
    market.release()


@pytest.mark.parametrize("source", PRICE_SOURCES)
def test_every_price_source_starts_from_the_scenarios_first_prices(source: str) -> None:
    own, other = PLAIN.markets()[0], replace(PLAIN, prices=source).markets()[0]
    assert own.tokens == other.tokens
    np.testing.assert_allclose(own.path[0], other.path[0], atol=1)
    assert (own.path[15] != other.path[15]).any()


def test_two_models_see_the_same_prices_network_and_loans() -> None:
    settings = replace(
        PLAIN,
        model=1,
        compare=4,
        topology="random-bipartite",
        participants=10,
        prices="gbm",
        seed=5,
    )
    one, other = settings.markets()
    np.testing.assert_array_equal(one.path, other.path)
    np.testing.assert_array_equal(one.books.accounts.lender, other.books.accounts.lender)
    np.testing.assert_array_equal(one.books.accounts.exposure, other.books.accounts.exposure)
    assert one.scenario.agreement.model == 1
    assert other.scenario.agreement.model == 4


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scenario", "/etc/passwd"),
        ("scenario", "../library/prices-file.toml"),
        ("topology", "file"),
        ("prices", "file"),
        ("prices", {"source": "file", "file": "/etc/passwd"}),
        ("model", 7),
        ("compare", "4"),
        ("haircut", 1.5),
        ("haircut", "0.1"),
        ("trigger", float("nan")),
        ("participants", 100_000),
        ("inventory", -1),
        ("loans_per_pair", 1000),
        ("seed", -1),
        ("seed", True),
    ],
)
def test_what_is_not_on_offer_is_refused(field: str, value: Any) -> None:
    settings = replace(PLAIN, **{field: value})
    told = {
        "compare": "model",
        "trigger": "threshold",
        "prices": "price source",
        "loans_per_pair": "loans per pair",
    }
    with pytest.raises(InputError, match=told.get(field, field)):
        settings.markets()


@pytest.mark.parametrize(
    "sizes",
    [
        {"topology": "complete"},
        {"topology": "core-periphery", "loans_per_pair": 10},
    ],
)
def test_a_network_too_large_for_a_page_is_refused_before_it_is_built(sizes: Any) -> None:
    with pytest.raises(InputError, match=f"{MOST_LOANS:,} at most"):
        replace(PLAIN, participants=1000, **sizes).markets()


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_the_number_of_loans_is_never_underrated(topology: str) -> None:
    settings = replace(PLAIN, topology=topology, participants=60, loans_per_pair=2)
    (market,) = settings.markets()
    loans = len(market.books.loans)
    assert loans > 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("abm.page.settings.MOST_LOANS", loans - 1)
        with pytest.raises(InputError, match="at most"):
            settings.markets()


def test_a_large_bipartite_network_is_shown() -> None:
    settings = replace(PLAIN, participants=1000, topology="random-bipartite", loans_per_pair=10)
    (market,) = settings.markets()
    assert len(market.books.loans) == 21_000
