"""What is sent of a day is what the market's own tables say of it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from page.conftest import NETWORK, PAIR, market_of, watched

from abm.page.settings import Offer, Settings
from abm.page.watch import CLOSING, DELIVERED, MOST_ROWS, RETURNED, UNMET, Watch


@pytest.fixture(scope="module")
def crash() -> tuple[Watch, list[dict[str, Any]]]:
    """Sales, calls that go unmet and all kinds of default, watched for 44 days."""
    (market,) = Offer().markets(Settings("dealers-under-stress"))
    return watched(market, 44)


def test_a_day_is_plain_data(crash: tuple[Watch, list[dict[str, Any]]]) -> None:
    for day in crash[1]:
        json.dumps(day, allow_nan=False)
    json.dumps(crash[0].opening(), allow_nan=False)


def test_statistics_are_those_of_the_table_of_days(
    crash: tuple[Watch, list[dict[str, Any]]],
) -> None:
    watch, seen = crash
    frame = watch.market.days_frame().drop(columns=["day", "date"])
    assert list(watch.market.datacollector.model_vars) == list(frame.columns)
    sent = np.array([[np.nan if v is None else v for v in day["stats"]] for day in seen])
    np.testing.assert_array_equal(sent, frame.to_numpy(np.float64))


def test_pairs_add_up_to_the_table_of_loans(crash: tuple[Watch, list[dict[str, Any]]]) -> None:
    watch, seen = crash
    loans = watch.market.loans_frame().query("state == 'open'")
    by_pair = loans.groupby(["lender", "borrower"])["exposure"].agg(["sum", "size"])
    last = seen[-1]
    number = 0
    for e, (lender, borrower) in enumerate(zip(watch.lender, watch.borrower, strict=True)):
        pair = watch.names[lender], watch.names[borrower]
        if pair in by_pair.index:
            assert last["exposure"][e] == pytest.approx(by_pair.loc[pair, "sum"], abs=1)
            assert last["loans"][e] == by_pair.loc[pair, "size"]
            number += 1
        else:
            assert last["exposure"][e] == last["loans"][e] == 0
    assert number == len(by_pair) > 5


def test_coverage_of_pairs_and_of_the_market_agree(
    crash: tuple[Watch, list[dict[str, Any]]],
) -> None:
    watch, seen = crash
    at = list(watch.market.datacollector.model_vars).index("coverage")
    for day in seen:
        live = np.array(day["coverage"]) >= 0
        exposure = np.array(day["exposure"])[live]
        whole = (np.array(day["coverage"])[live] / 1e4 * exposure).sum() / exposure.sum()
        assert whole == pytest.approx(day["stats"][at], abs=1e-4)


def test_marks_are_those_of_the_events(crash: tuple[Watch, list[dict[str, Any]]]) -> None:
    watch, seen = crash
    events = watch.market.events_frame()
    for day, sent in enumerate(seen[1:], 1):
        today = events[events["day"] == day]
        for kind, bit in (("delivery", DELIVERED), ("return", RETURNED), ("unmet_call", UNMET)):
            pairs = today[today["event"] == kind][["lender", "borrower"]].drop_duplicates()
            marked = sum(flags & bit > 0 for flags in sent["flags"])
            if kind == "unmet_call":
                # Of a defaulter's loans, in close-out by the end of the day, nothing is called.
                assert marked <= len(pairs)
            else:
                assert marked == len(pairs), (day, kind)
        named = set(today[today["event"] == "default"]["party"])
        assert {watch.names[row] for row, _ in sent["defaults"]} == named


def test_a_close_out_is_marked_and_has_no_coverage(
    crash: tuple[Watch, list[dict[str, Any]]],
) -> None:
    closing = [
        (flags, coverage)
        for day in crash[1]
        for flags, coverage in zip(day["flags"], day["coverage"], strict=True)
        if flags & CLOSING
    ]
    assert closing
    assert all(coverage == -1 for _, coverage in closing)


def test_nodes_are_those_of_the_table_of_participants(
    crash: tuple[Watch, list[dict[str, Any]]],
) -> None:
    watch, seen = crash
    frame = watch.market.participants_frame()
    last = seen[-1]
    np.testing.assert_allclose(last["wallet"], frame["wallet_value"], atol=1)
    equity = np.array([np.nan if value is None else value for value in last["equity"]])
    np.testing.assert_allclose(equity, frame["equity"], atol=1)
    losses = [last["losses"].get(str(row), 0) for row in range(len(frame))]
    np.testing.assert_allclose(losses, frame["losses"], atol=1)


def test_a_day_that_is_over_is_told_as_it_was(crash: tuple[Watch, list[dict[str, Any]]]) -> None:
    (market,) = Offer().markets(Settings("dealers-under-stress"))
    then, _ = watched(market, 16)
    row = then.names.index("D2")
    frame = market.loans_frame().query("state == 'open'")
    mine = frame[(frame["lender"] == "D2") | (frame["borrower"] == "D2")]
    told, later = then.inspect(16, row), crash[0].inspect(16, row)
    assert told == later
    assert told["number"] == len(mine)
    by_id = mine.set_index("loan_id")["exposure"]
    for loan in told["loans"]:
        assert loan[3] == pytest.approx(by_id[loan[0]], abs=1)
    wallet = market.participants["D2"].wallet
    assert {token: quantity for token, quantity, _ in told["wallet"]} == {
        token: wallet[token] for token in market.tokens if wallet[token]
    }
    assert all("D2" in event[1:4] for event in told["events"]["rows"])


def test_a_balance_sheet_is_that_of_the_table_of_participants() -> None:
    """Both sides come to the same, in whole money."""
    (market,) = Offer().markets(Settings("leverage-spiral"))
    watch, _ = watched(market, 5)
    frame = market.participants_frame().set_index("participant")
    for row, name in enumerate(watch.names):
        sheet, mine = watch.inspect(5, row)["sheet"], frame.loc[name]
        for line, value in sheet["assets"] + sheet["liabilities"]:
            assert value == pytest.approx(mine["sheet_" + line.replace(" ", "_")], abs=0.5)
        assert sum(value for _, value in sheet["assets"]) == pytest.approx(sheet["total"], abs=9)
        assert sheet["total"] == pytest.approx(mine["assets"], abs=0.5)
        assert sheet["equity"] == pytest.approx(mine["net_worth"], abs=0.5)
        leverage = sheet["leverage"]
        assert leverage is None or leverage == pytest.approx(mine["leverage"], abs=0.005)
    assert watch.inspect(0, 0)["sheet"] != watch.inspect(5, 0)["sheet"]


def test_without_balance_sheets_none_is_told(crash: tuple[Watch, list[dict[str, Any]]]) -> None:
    assert crash[0].market.sheet is None
    assert crash[0].inspect(0, 0)["sheet"] is None


def test_of_many_events_the_rare_kinds_are_never_left_out(
    crash: tuple[Watch, list[dict[str, Any]]],
) -> None:
    _, seen = crash
    cut = [day for day in seen if day["events"]["number"] > MOST_ROWS and day["defaults"]]
    assert cut
    for day in cut:
        rows = day["events"]["rows"]
        assert len(rows) == MOST_ROWS
        assert sum(row[0] == "default" for row in rows) == day["events"]["counts"]["default"]
        assert sum(row[0] == "unmet_call" for row in rows) == day["events"]["counts"].get(
            "unmet_call", 0
        )


@pytest.mark.parametrize(
    "changes",
    [
        {"loan": {**PAIR["loan"], "maturity": 2}},
        {"network": {"topology": "complete"}},
        {
            "defaults": {
                "scheduled": [
                    {"participant": name, "day": 2} for name in ("B1", "B2", "B3", "B4", "B5")
                ]
            }
        },
    ],
)
def test_a_market_without_loans_or_with_everybody_in_default_is_told(changes: Any) -> None:
    watch, seen = watched(market_of({**NETWORK, **changes}), 12)
    for day in seen:
        json.dumps(day, allow_nan=False)
    watch.inspect(12, 0)


@pytest.mark.parametrize(("participants", "loans", "most"), [(100, 5, 40_000), (1000, 10, 300_000)])
def test_a_day_is_a_small_message(participants: int, loans: int, most: int) -> None:
    values = {
        "model": 2,
        "topology": "random-bipartite",
        "participants": participants,
        "loans": loans,
        "prices": "gbm",
    }
    (market,) = Offer().markets(Settings("dealers-under-stress", values=values))
    _, seen = watched(market, 6)
    assert max(len(json.dumps(day)) for day in seen) < most


def test_loans_under_agreements_of_their_own_have_no_common_threshold() -> None:
    table = {**PAIR, "agreements": {"loose": {"trigger": 0.1}}}
    assert Watch(market_of(table)).opening()["trigger"] is None
    assert Watch(market_of(PAIR)).opening()["trigger"] == 0.02
