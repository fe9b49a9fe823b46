"""Schedules in a market: what collateral counts for, what a call moves, and what goes back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_worlds import World, worlds
from worlds import CASH, START, held, loan, market_of, panel_of

from abm.model import CollateralMarket
from scenarios.errors import InputError
from scenarios.prices.file_source import FileSource
from scenarios.scenario import Scenario

FLAT = {"A": [10.0] * 5, "B": [10.0] * 5}
ANY = ({},)


def one(
    prices: dict[str, list[float]],
    collateral: dict[str, int],
    lent: int = 1000,
    terms: dict[str, Any] | None = None,
    assets: dict[str, Any] | None = None,
    **schedule: Any,
) -> CollateralMarket:
    """A cash loan that requires what it lends, under a schedule; a cent is a yen."""
    agreement = {"haircut": 0.0, "grace_days": 99, "schedule": "s", **(terms or {})}
    return market_of(
        prices,
        agreement=agreement,
        schedules={"s": {"criteria": ANY, **schedule}},
        assets=assets or {},
        loans=[loan(1, "L1", "B1", lent={CASH: lent}, collateral=collateral)],
    )


def there(market: CollateralMarket) -> dict[str, int]:
    return {token: number for token, number in held(market)[0].items() if number}


def test_a_haircut_of_its_own_replaces_that_of_the_agreement() -> None:
    """At 5 % 1,000 lent require 1,053; a token at 24 % counts for 0.8 of its price of 10."""
    criteria = [{}, {"asset": "B", "haircut_percentage": 0.24}]
    market = one(FLAT, {"A": 10}, terms={"haircut": 0.05, "priority": ["B"]}, criteria=criteria)
    market.step()
    assert there(market) == {"A": 10, "B": 120}  # 953 missing at 8 each
    assert market.today["delivery_call_value"] == 953
    assert market.today["gap"] == pytest.approx(0.95 * (100 + 960) - 1000)
    assert market.today["collateral_value"] == 1300


def test_the_haircut_of_a_class_is_read() -> None:
    assets = {"some": {"tokens": ["A"], "haircut": 0.5}}
    market = one(FLAT, {"A": 100}, assets=assets)
    market.step()
    assert there(market) == {"A": 200}


def test_a_loan_begins_with_what_counts() -> None:
    market = market_of(
        FLAT,
        agreement={"haircut": 0.0, "schedule": "s"},
        schedules={
            "s": {"criteria": [{"asset": "B", "haircut_percentage": 0.5}]},
        },
        loans=[loan(1, "L1", "B1", lent={CASH: 1000})],
    )
    assert there(market) == {"B": 200}
    assert market.today["gap"] == 0


def test_a_limit_leaves_the_rest_to_other_tokens() -> None:
    """Of 1,000 at most 405 in A, 40 whole tokens; what is beyond goes back the day after."""
    limit = {"asset": "A", "percentage_limit": 0.405}
    market = one(FLAT, {"A": 70}, concentration_limits=[limit])
    market.step()
    assert there(market) == {"A": 70, "B": 60}  # 595 are missing
    assert market.today["unmet_calls"] == 0
    market.step()
    # 300 are too much. 29 A count for nothing; no more than 5 of what counts is too much.
    assert there(market) == {"A": 41, "B": 60}
    market.step()
    assert there(market) == {"A": 41, "B": 60}


def test_a_limit_on_an_issuer_holds_for_all_its_tokens() -> None:
    assets = {"some": {"tokens": ["A", "B"], "issuer": {"A": "X", "B": "X"}}}
    limit = {"concentration_limit_type": "issuer", "percentage_limit": 0.5}
    market = one(
        {**FLAT, "C": [10.0] * 5}, {"A": 30, "B": 30}, assets=assets, concentration_limits=[limit]
    )
    market.step()
    assert there(market) == {"A": 30, "B": 30, "C": 50}
    market.step()
    assert there(market) == {"A": 30, "B": 20, "C": 50}


def test_a_part_of_daily_volume() -> None:
    assets = {"some": {"tokens": ["A"], "daily_volume": 200}}
    limit = {"asset": "A", "average_trading_volume": 0.29}
    market = one(FLAT, {"A": 20}, assets=assets, concentration_limits=[limit])
    market.step()
    assert there(market) == {"A": 58, "B": 42}


def test_a_part_of_the_daily_volume_of_each_token() -> None:
    """Of its own, where its class says so or, if that is silent, the price file; a class can also
    give one number for each of its tokens."""
    limit = {"asset_class": "some", "average_trading_volume": 0.1}
    terms = {"priority": ["A", "B", "C"]}
    flat = {**FLAT, "C": [10.0] * 5}
    for volume, counts in ((400, (40, 40)), ({"A": 200, "B": 300}, (20, 30))):
        assets = {"some": {"tokens": ["A", "B"], "daily_volume": volume}}
        market = one(flat, {"A": 1}, terms=terms, assets=assets, concentration_limits=[limit])
        market.step()
        a, b = counts
        assert there(market) == {"A": a, "B": b, "C": 100 - a - b}


def test_the_volume_of_the_price_file() -> None:
    """Of each token on average over the 20 sessions up to the first day."""
    limits = [{"asset": token, "average_trading_volume": 1e-5} for token in ("IBM", "AAPL")]
    market = CollateralMarket(
        "crash",
        rng=1,
        agreement={"schedule": "s"},
        schedules={"s": {"criteria": [{}], "concentration_limits": limits}},
        assets={"own": {"tokens": ["IBM"], "daily_volume": 12_345_678}},
    )
    panel = FileSource(file="bundled:us_stocks_2007_2010").read()
    assert panel.volume is not None
    last = int(np.flatnonzero(panel.dates <= market.days[0])[-1])
    average = panel.volume[last - 19 : last + 1].mean(axis=0)
    most = dict(zip(market.tokens, market.books.schedules.most[0].tolist(), strict=True))
    assert most["IBM"] == 123
    column = panel.tokens.index("AAPL")
    assert most["AAPL"] == int(average[column] * 1e-5)


def test_collateral_that_does_not_count() -> None:
    """Of 70 A 405 yen count: 29 whole ones do not, nor do 5 B that are not eligible."""
    market = market_of(
        FLAT,
        measures=["abm.measures.collateral:collateral_not_counted"],
        agreement={"haircut": 0.0, "grace_days": 99, "schedule": "s", "priority": ["A"]},
        schedules={
            "s": {
                "criteria": [{}, {"asset": "B", "is_included": False}],
                "concentration_limits": [{"asset": "A", "percentage_limit": 0.405}],
            }
        },
        loans=[loan(1, "L1", "B1", lent={CASH: 1000}, collateral={"A": 70, "B": 5})],
    )
    market.step()
    assert market.days_frame()["collateral_not_counted"].tolist() == [340, 340]


def test_own_issues() -> None:
    assets = {"some": {"tokens": ["A"], "issuer": {"A": "B1"}}}
    market = one(FLAT, {"A": 100}, assets=assets)
    market.step()
    assert there(market) == {"A": 100, "B": 100}
    market.step()
    assert there(market) == {"B": 100}
    market = one(FLAT, {"A": 100}, assets=assets, exclude_own_issues=False)
    market.step()
    assert there(market) == {"A": 100}


def test_what_is_eligible_no_longer_is_replaced_before_it_goes_back() -> None:
    ends = {"asset": "A", "is_included": False, "since": START.replace(day=3).date()}
    market = one(FLAT, {"A": 100}, criteria=[{}, ends])
    found = []
    for _ in range(4):
        market.step()
        found.append(there(market))
    assert found == [{"A": 100}, {"A": 100, "B": 100}, {"B": 100}, {"B": 100}]
    compiled = one(FLAT, {"A": 100}, criteria=[{}, ends])
    compiled.run_days()
    assert compiled.days_frame().equals(market.days_frame())


def test_nothing_goes_back_before_it_is_replaced() -> None:
    """The borrower has nothing else: its call stays unmet, and the lender keeps what it has."""
    market = market_of(
        FLAT,
        agreement={"haircut": 0.0, "grace_days": 99, "schedule": "s"},
        schedules={"s": {"criteria": [{}, {"asset": "A", "is_included": False}]}},
        participants={"given": [{"name": "B1", "role": "borrower", "issuance_capacity": {}}]},
        loans=[loan(1, "L1", "B1", lent={CASH: 1000}, collateral={"A": 300})],
    )
    market.step()
    market.step()
    assert there(market) == {"A": 300}
    assert market.today["unmet_value"] == 1000
    assert market.today["uncollateralised_after"] == 0
    assert market.today["requirement_shortfall"] == 1000


def test_calls_on_one_borrower_share_what_their_limits_leave() -> None:
    """10 A for two calls of 100 each, of which one takes 30 at most in A: each gets its part.

    What secures them has lost its price but for one unit.
    """
    entry = {"lent": {CASH: 100}, "collateral": {"C": 1}}
    limits = [{"asset": "A", "percentage_limit": 0.3}]
    market = market_of(
        {**FLAT, "C": [100.0, 1.0, 1.0, 1.0, 1.0]},
        agreement={"haircut": 0.0, "grace_days": 99},
        agreements={"limited": {"haircut": 0.0, "grace_days": 99, "schedule": "s"}},
        schedules={"s": {"criteria": ANY, "concentration_limits": limits}},
        participants={
            "given": [
                {"name": "B1", "role": "borrower", "wallet": {"A": 10}, "issuance_capacity": {}}
            ]
        },
        loans=[loan(1, "L1", "B1", **entry), loan(2, "L1", "B1", agreement="limited", **entry)],
    )
    market.step()
    # The limited call asks for 30 of the 129 that both ask for: 2.3 of 10, the other for 7.7.
    assert [row["A"] for row in held(market)] == [8, 2]
    assert market.today["unmet_value"] == 99 - 80 + 99 - 20


BARE = {"criteria": ANY, "exclude_own_issues": False}


@settings(max_examples=40)
@given(worlds(), st.booleans())
def test_limits_of_100_percent_and_no_exclusion_change_nothing(world: World, heard: bool) -> None:
    table, prices = world
    table.pop("schedules", None)
    for kind in table.get("assets", {}).values():
        kind.pop("haircut", None)
    agreements = (table["agreement"], table["agreements"]["other"])
    for terms in agreements:
        terms.pop("schedule", None)
    kinds = ("asset", "issuer", "asset_class")
    limits = [{"concentration_limit_type": kind, "percentage_limit": 1.0} for kind in kinds]
    without = run(table, prices, heard)
    for terms in agreements:
        terms["schedule"] = "s"
    limited = {**table, "schedules": {"s": {**BARE, "concentration_limits": limits}}}
    market = run(limited, prices, heard)
    assert market.days_frame().equals(without.days_frame())
    assert market.events_frame().equals(without.events_frame())
    assert market.loans_frame().equals(without.loans_frame())


def run(table: dict[str, Any], prices: dict[str, list[int]], heard: bool) -> CollateralMarket:
    scenario = Scenario.parse(table, "test")
    return CollateralMarket(scenario, rng=1, prices=panel_of(prices), events=heard).run()


@settings(max_examples=40)
@given(worlds(), st.sampled_from([0.2, 0.5, 0.8]))
def test_no_requirement_is_met_above_a_limit(world: World, share: float) -> None:
    """Whatever counts as met is met with no more of a token than its limit."""
    table, prices = world
    assume(not table["agreement"].get("lender_issuance"))
    table["agreements"]["other"].pop("schedule", None)
    table["agreement"]["schedule"] = "one"
    limit = {"concentration_limit_type": "asset", "percentage_limit": share}
    table["schedules"] = {"one": {**BARE, "concentration_limits": [limit]}}
    for kind in table.get("assets", {}).values():
        kind.pop("haircut", None)
    scenario = Scenario.parse(table, "test")
    market = CollateralMarket(scenario, rng=1, prices=panel_of(prices))
    while market.running:
        market.step()
        frame = market.loans_frame().drop_duplicates("account")
        required = dict(zip(market.first_loan, market.books.accounts.required, strict=True))
        terms = dict(zip(market.first_loan, market.books.accounts.agreement, strict=True))
        for row in frame.query("state == 'open' and gap >= 0").to_dict("records"):
            number = row["account"]
            if (
                terms[number] == 0
                and market.books.accounts.state[list(market.first_loan).index(number)] == 0
            ):
                most = int(share * 10 * int(required[number])) // 10
                posted = (row[f"posted_{token}"] for token in market.tokens)
                worth = [n * int(p) for n, p in zip(posted, market.prices, strict=True)]
                assert sum(min(value, most) for value in worth) >= required[number]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"agreement": {"schedule": "t"}}, "agreement.schedule: no schedule t"),
        ({"agreement": {}}, "schedules.s: no agreement names it as its schedule"),
        ({"ledger": "evm"}, "agreement.schedule: the contracts take all tokens alike"),
        (
            {"schedules": {"s": {"criteria": [{"asset": "Z"}]}}},
            "schedules.s: asset: there is no Z",
        ),
        (
            {"assets": {"x": {"tokens": ["A"], "haircut": 0.1}}, "schedules": {}, "agreement": {}},
            "assets.x.haircut: only schedules read it",
        ),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], says: str) -> None:
    fields = {
        "agreement": {"schedule": "s"},
        "schedules": {"s": {"criteria": ANY}},
        "loans": [loan(1, "L1", "B1", lent={CASH: 1000})],
        **change,
    }
    with pytest.raises(InputError, match=says):
        market_of(FLAT, **fields)
