"""Total assets: a haircut moves collateral and wallet against each other."""

from __future__ import annotations

from typing import Any

import pytest
from worlds import loan, market_of

from abm.model import CollateralMarket
from scenarios.errors import InputError


def market(haircut: float, **participants: Any) -> CollateralMarket:
    """B1 borrows 10,000 against A at 10 and B at 20, half of the value in each."""
    return market_of(
        {"A": [10, 10], "B": [20, 20]},
        agreement={"haircut": haircut},
        loans=[loan(1, "L1", "B1", principal=10_000, composition={"A": 0.5, "B": 0.5})],
        participants=participants,
    )


def held(of: CollateralMarket) -> tuple[list[int], list[int]]:
    """What B1 has posted, and what is in its wallet, of A and B."""
    row = of.population.row("B1")
    return of.ledger.collateral[0, :2].tolist(), of.ledger.wallets[row, :2].tolist()


def test_a_higher_haircut_leaves_a_smaller_wallet() -> None:
    """1.6 times the loan is 800 A and 400 B, but for whole tokens in what is posted."""
    assert held(market(0.0, total_assets=1.6)) == ([500, 250], [300, 150])
    assert held(market(0.2, total_assets=1.6)) == ([626, 312], [175, 87])
    # As a fraction of what is posted it grows with the haircut.
    assert held(market(0.0, prefunded_inventory=0.6))[1] == [300, 150]
    assert held(market(0.2, prefunded_inventory=0.6))[1] == [375, 187]


def test_token_counts_are_what_there_is_in_all() -> None:
    counts = {"A": 700, "B": 300}
    assert held(market(0.0, total_assets=counts)) == ([500, 250], [200, 50])
    given = [{"name": "B1", "role": "borrower", "total_assets": counts}]
    assert held(market(0.0, given=given)) == ([500, 250], [200, 50])


def test_equity_is_a_fraction_of_all_assets() -> None:
    """B1 has 16,000 on the ledger, L1 has lent 10,000; a haircut changes neither."""
    for haircut in (0.0, 0.2):
        of = market(haircut, total_assets=1.6, equity_ratio=0.1, equity_base="assets")
        equity = dict(zip(of.population.names, of.standing.equity.tolist(), strict=True))
        assert equity["L1"] == 1000
        assert equity["B1"] == pytest.approx(1600, abs=4)


@pytest.mark.parametrize(
    ("haircut", "participants", "message"),
    [
        (0.5, {"total_assets": 1.6}, "B1 posts 1000 A at the start, and its total_assets have"),
        (
            0.0,
            {"total_assets": {"A": 600}},
            "B1 posts 250 B at the start, and its total",
        ),
        (
            0.0,
            {"given": [{"name": "B1", "role": "borrower", "total_assets": {"A": 1}}]},
            "B1 posts 500 A at the start, and its total_assets have 1; give it more",
        ),
        (0.0, {"total_assets": {"X": 600}}, "participants.total_assets: X has no price"),
        (
            0.0,
            {"total_assets": 0.9},
            "participants.total_assets: expected a number greater",
        ),
        (
            0.0,
            {"total_assets": 2, "prefunded_inventory": 0.1},
            "total_assets: replaces prefunded_inventory",
        ),
        (
            0.0,
            {"given": [{"name": "B1", "role": "borrower", "total_assets": {}, "wallet": {}}]},
            "total_assets: replaces wallet",
        ),
        (0.0, {"total_assets": 1e308}, "could come to be worth"),
        (0.0, {"equity_base": "assets"}, "equity_base: goes with equity_ratio"),
    ],
)
def test_what_cannot_be_is_refused(
    haircut: float, participants: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as refusal:
        market(haircut, **participants)
    assert message in str(refusal.value)
