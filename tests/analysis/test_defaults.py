"""Who defaulted on whom: a record by hand, and one from a market."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from abm.model import CollateralMarket
from analysis.defaults import contagion_tree, defaults_of, losses_on_defaults

COLUMNS = ["day", "event", "lender", "borrower", "party", "cause", "value"]
EVENTS = pd.DataFrame(
    [
        (1, "default", "", "", "B1", "exogenous", 100.0),
        (2, "close_out", "D", "B1", "D", "", -30.0),
        (2, "close_out", "L2", "B1", "L2", "", 5.0),
        (3, "default", "", "", "B2", "liquidity", 50.0),
        (4, "close_out", "D", "B2", "D", "", -40.0),
        (4, "default", "", "", "D", "contagion", 70.0),
        (6, "close_out", "D", "X", "X", "", -10.0),
        (6, "default", "", "", "X", "contagion", 0.0),
    ],
    columns=COLUMNS,
)


def test_losses_name_both_sides() -> None:
    table = losses_on_defaults(EVENTS)
    assert table.to_dict("list") == {
        "defaulter": ["B1", "B2", "D"],
        "counterparty": ["D", "D", "X"],
        "day": [2, 4, 6],
        "loss": [30.0, 40.0, 10.0],
    }


def test_tree_hangs_on_the_largest_loss() -> None:
    tree = contagion_tree(EVENTS).set_index("participant")
    assert tree["parent"].to_dict() == {"B1": "", "B2": "", "D": "B2", "X": "D"}
    assert tree["depth"].to_dict() == {"B1": 0, "B2": 0, "D": 1, "X": 2}
    assert tree["loss"].dropna().tolist() == [40, 10]


def test_what_an_estate_has_paid_by_then_is_no_loss() -> None:
    paid = pd.DataFrame([(4, "recovery", "D", "B2", "D", "", 20.0)], columns=COLUMNS)
    events = pd.concat([EVENTS[:5], paid, EVENTS[5:]], ignore_index=True)
    assert losses_on_defaults(events)["loss"].tolist() == [30, 40, -20, 10]
    assert contagion_tree(events).set_index("participant")["parent"]["D"] == "B1"


def test_no_defaults() -> None:
    assert len(contagion_tree(EVENTS[:0])) == 0


@pytest.mark.parametrize(
    "changes", [{}, {"close_out.recovery": True, "close_out.recovery_delay": 3}]
)
def test_a_crash_adds_up_with_its_daily_statistics(changes: dict[str, Any]) -> None:
    market = CollateralMarket("crash", rng=3, events=True, **changes).run()
    events, days = market.events_frame(), market.days_frame()
    assert len(defaults_of(events)) == days.filter(like="defaults_").to_numpy().sum() > 0
    losses = losses_on_defaults(events)
    assert losses["loss"].sum() == pytest.approx(days["close_out_loss"].sum())
    gone = dict(zip(*defaults_of(events)[["participant", "day"]].to_numpy().T, strict=True))
    assert all(gone[row.defaulter] <= row.day for row in losses.itertuples())
