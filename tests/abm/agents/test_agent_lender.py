"""Agents that lend for others: in turn, for a share, and with an indemnity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from abm.agents.agent_lender import AgentLender
from abm.books.loan_book import OPEN_LOAN
from abm.model import CollateralMarket

NAME = "securities-lending-book"
STRESS: dict[str, Any] = {
    "book.loans": 400,
    "window.end": "2024-02-01",
    "participants.lenders": 12,
    "participants.borrowers": 12,
    "agreement.haircut": 0.0,
    "agreements.cash.margin_percentage": 0.9,
    "defaults.scheduled": [{"participant": "B01", "day": 4}, {"participant": "B02", "day": 6}],
}
"""Two large borrowers default, on loans of which those against cash are short by a tenth."""

Markets = dict[tuple[bool, bool], CollateralMarket]


@pytest.fixture(scope="module")
def ended() -> Markets:
    """By whether agents indemnify and estates pay, on the same loans and prices."""
    return {
        (insured, pays): CollateralMarket(
            NAME,
            rng=3,
            events=True,
            **STRESS,
            **{"book.indemnity": insured, "close_out.recovery": pays},
        ).run()
        for insured in (False, True)
        for pays in (False, True)
    }


def test_agents_act_for_all_lenders_and_hold_nothing(ended: Markets) -> None:
    market = ended[False, False]
    agents = market.agent_lenders
    assert list(agents) == [f"A{n}" for n in range(1, 9)]
    owners = [owner for agent in agents.values() for owner in agent.owners]
    assert sorted(owner.name for owner in owners) == sorted(one.name for one in market.lenders)
    assert len(market.agents_by_type[AgentLender]) == 8
    assert not set(agents) & set(market.population.names), "they are no parties of any loan"
    is_open = market.books.loans.state == OPEN_LOAN
    assert sum(agent.open_loans for agent in agents.values()) == is_open.sum()
    assert market.earnings is not None
    earned = sum(agent.earned for agent in agents.values())
    assert earned == pytest.approx(market.days_frame()["agents_revenue"].sum())


def test_the_queue_goes_round() -> None:
    """Of the loans of an agent, in the order in which they begin, each owner gets every n-th."""
    market = CollateralMarket(NAME, rng=3, **{**STRESS, "book.turnover": False})
    books, frame = market.books, market.agent_lenders["A1"]
    lender = books.accounts.lender[books.loans.account]
    rows = [owner.row for owner in frame.owners]
    theirs = lender[np.isin(lender, rows)]
    turns = len(theirs) // len(rows) * len(rows)
    assert (theirs[:turns].reshape(-1, len(rows)) == theirs[: len(rows)]).all()
    assert len(set(theirs[: len(rows)].tolist())) == len(rows) > 1


def test_an_indemnity_moves_losses_from_owners_to_agents(
    ended: Markets,
) -> None:
    plain, insured = ended[False, False], ended[True, False]
    owners = [one.row for one in plain.lenders]
    lost = plain.standing.losses[owners]
    assert (lost > 0).sum() > 1
    assert insured.standing.losses[owners].tolist() == [0] * len(owners)
    assert insured.standing.indemnities[owners].tolist() == lost.tolist()
    borne = sum(agent.indemnities for agent in insured.agent_lenders.values())
    assert borne == pytest.approx(plain.summary()["close_out_loss"])
    days = [market.days_frame()["close_out_loss"].tolist() for market in (plain, insured)]
    assert days[0] == days[1], "what the market loses is the same"


def test_what_estates_pay_later_goes_to_the_agent(ended: Markets) -> None:
    insured, plain = ended[True, True], ended[False, True]
    events = insured.events_frame()
    told = events[events["event"] == "indemnity"]
    paid, back = (told.loc[told["value"] * sign > 0, "value"].sum() for sign in (1, -1))
    assert paid == pytest.approx(insured.summary()["residual_claims"])
    assert back == pytest.approx(-insured.summary()["close_out_recovery"])
    assert back < 0
    rows = [one.row for one in plain.lenders]
    cash = [market.ledger.wallets[rows, -1].sum() * market.unit for market in (insured, plain)]
    assert cash[0] - cash[1] == pytest.approx(paid + back), "in cash, and no more"


def test_other_markets_have_no_agents() -> None:
    assert CollateralMarket("network-complete", rng=1).agent_lenders == {}
