"""Estates pay: residual claims share what a defaulter has left."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from close_outs import defaults
from worlds import loan, market_of

from abm.model import CollateralMarket
from analysis.formulas.contagion import clearing_vector
from scenarios.errors import InputError

PAYS = {"margin_period_of_risk": 0, "recovery": True}


def indebted(
    owed: dict[tuple[str, str], int], assets: dict[str, int], days: int = 4, **close_out: Any
) -> CollateralMarket:
    """Those who owe default on day 1, with a collateral of one A, worth 1.

    They have spent outside what they borrowed, so that an estate is what it has of `assets`, and 1
    for each loan that it gave.
    """
    debtors = {debtor for debtor, _ in owed}
    entries = [
        loan(number, lender, borrower, lent={"JPY": claim + 1}, collateral={"A": 1})
        for number, ((borrower, lender), claim) in enumerate(owed.items(), 1)
    ]
    names = sorted({name for pair in owed for name in pair})
    market = market_of(
        {"A": [1] * days, "B": [5] * days},
        agreement={"haircut": 0.0, "priority": ["A"], "grace_days": 99},
        loans=entries,
        participants={
            "issuance_capacity": 0,
            "given": [
                {"name": name, "role": "dealer", "wallet": {"JPY": assets.get(name, 0)}}
                for name in names
            ],
        },
        defaults=defaults(*((name, 1) for name in sorted(debtors))),
        close_out=PAYS | close_out,
        events=True,
    )
    for entry in entries:
        row = market.population.row(entry["borrower"])
        market.phases.burn(row, len(market.tokens) - 1, entry["lent"]["JPY"])
    return market


@pytest.mark.parametrize(
    ("owed", "assets"),
    [
        ({("A", "B"): 9000, ("B", "C"): 9000}, {"A": 3600, "B": 900}),
        ({("A", "B"): 9000, ("B", "C"): 9000, ("C", "A"): 9000}, {}),
        ({("A", "B"): 9000, ("A", "C"): 900, ("B", "C"): 4500}, {"A": 3000, "B": 7}),
        ({("A", "B"): 900, ("B", "C"): 900, ("C", "D"): 1800, ("C", "A"): 90}, {"A": 9, "C": 5}),
    ],
)
def test_markets_of_debts_clear_as_the_vector_says(
    owed: dict[tuple[str, str], int], assets: dict[str, int]
) -> None:
    """Chain, ring and others, without impact and delay (Eisenberg and Noe 2001)."""
    market = indebted(owed, assets).run()
    names = list(market.population.names)
    liabilities = np.zeros((len(names), len(names)))
    for (debtor, creditor), claim in owed.items():
        liabilities[names.index(debtor), names.index(creditor)] = claim
    outside = np.array([assets.get(name, 0) for name in names]) + (liabilities > 0).sum(axis=0)
    payments = clearing_vector(liabilities, outside).payments
    share = payments / np.maximum(liabilities.sum(axis=1), 1)
    recovered = market.standing.recovered
    np.testing.assert_allclose(recovered, share @ liabilities, atol=3)
    assert (recovered + market.standing.losses).tolist() == liabilities.sum(axis=0).tolist()
    days = market.days_frame()
    assert days["residual_claims"].tolist() == [0, sum(owed.values()), 0, 0]
    assert days["close_out_recovery"].sum() + days["close_out_loss"].sum() == sum(owed.values())


def test_debts_in_both_directions_are_set_off_first() -> None:
    """A owes B 90, B owes A 45, assets of 27 and 9: A pays 72 of its 90, 45 of it by set-off."""
    market = indebted({("A", "B"): 90, ("B", "A"): 45}, {"A": 26, "B": 8}).run()
    frame = market.participants_frame().set_index("participant")
    assert frame["recovered"].to_dict() == {"A": 0, "B": 27}
    assert frame["losses"].to_dict() == {"A": 0, "B": 18}


def test_creditors_share_in_proportion_and_events_say_what_each_gets() -> None:
    market = indebted({("A", "B"): 900, ("A", "C"): 1800}, {"A": 1000}).run()
    events = market.events_frame().query("event == 'recovery'")
    assert dict(zip(events["party"], events["value"], strict=True)) == {"B": 333, "C": 667}
    assert events["borrower"].tolist() == ["A", "A"]
    frame = market.participants_frame().set_index("participant")
    assert frame["losses"].to_dict() == {"A": 0, "B": 567, "C": 1133}
    assert market.ledger.wallets[0, -1] == 0


def test_an_estate_sells_what_it_needs_cash_for_and_its_sales_move_prices() -> None:
    """50 B at 5, a tenth of all there are, fetch nine tenths of their price."""
    fields: dict[str, Any] = {"impact": {"depth": {"B": 500}, "permanent": 1.0}}
    for holds, left in ((0, 0), (9000, 50)):
        market = indebted({("A", "C"): 9000}, {"A": holds}, **fields)
        market.phases.mint(0, 1, 50)
        while market.running:
            market.step()
        assert market.ledger.wallets[0, 1] == left
        price = round(5 * 0.9) if not holds else 5
        assert market.market_prices[1] == price
        recovered = int(market.standing.recovered[1])
        assert recovered == (50 * price if not holds else 9000)


def test_what_is_paid_later_comes_too_late_for_contagion() -> None:
    """C loses 900, has an equity of 500, and gets 600 back: at once, or two days later."""
    for delay, defaulted in ((0, -1), (2, 1)):
        market = indebted({("A", "C"): 900}, {"A": 600}, recovery_delay=delay, days=6)
        market.standing.equity[1] = 500
        days = market.run().days_frame()
        frame = market.participants_frame().set_index("participant")
        assert frame["default_day"]["C"] == defaulted
        assert frame["losses"]["C"] == 300
        assert frame["equity"]["C"] == 200
        assert np.flatnonzero(days["close_out_recovery"]).tolist() == [1 + delay]
        assert days["close_out_loss"].sum() == 300


def test_without_recovery_a_claim_is_lost_though_the_estate_has_cash() -> None:
    market = indebted({("A", "C"): 900}, {"A": 600}, recovery=False).run()
    frame = market.participants_frame().set_index("participant")
    assert frame["losses"]["C"] == 900
    assert frame["recovered"]["C"] == 0
    assert frame["wallet_value"]["A"] == 600


def test_a_delay_without_recovery_is_refused() -> None:
    with pytest.raises(InputError, match=r"recovery_delay: goes with recovery = true"):
        indebted({("A", "C"): 900}, {}, recovery=False, recovery_delay=2)
