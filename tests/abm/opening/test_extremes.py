"""Numbers at the ends of what a field can hold: refused in one line, or simulated exactly."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import loan, market_of

from abm.commands.cli import main
from abm.model import CollateralMarket
from scenarios.errors import InputError

PRICES = {"A": [100, 40, 160, 100, 90], "B": [50, 50, 20, 80, 50]}
WORLD: dict[str, Any] = {
    "loans": [
        loan(1, "L1", "D1", principal=1000.0, maturity=3, at_maturity="roll"),
        loan(2, "D1", "B1", lent={"JPY": 900}, open_ended=True),
        loan(3, "L1", "B1", lent={"B": 5}),
    ],
    "agreement": {"trigger": 0.02, "grace_days": 1},
    "participants": {
        "prefunded_inventory": 0.5,
        "equity_ratio": 0.1,
        "given": [{"name": "B1", "role": "borrower", "size": 1.0}],
    },
    "recalls": {"daily_rate": 0.3, "notice": 1},
    "close_out": {"impact": {"depth": 1000.0}},
    "oracle": {
        "wrong_prices": [{"day": 2, "token": "A", "factor": 2.0}],
        "outages": [{"day": 3}],
    },
    "defaults": {"scheduled": [{"participant": "B1", "day": 2}]},
}
FIELDS = [
    "money.unit",
    "agreement.haircut",
    "agreement.margin_percentage",
    "agreement.trigger",
    "agreement.minimum_transfer_amount",
    "agreement.settlement_lag",
    "agreement.grace_days",
    "loans.0.principal",
    "loans.0.maturity",
    "loans.0.loan_id",
    "loans.0.spread.sigma",
    "loans.1.lent.JPY",
    "loans.1.collateral.A",
    "loans.2.lent.B",
    "loans.2.composition.A",
    "participants.prefunded_inventory",
    "participants.prefunded_inventory.A",
    "participants.issuance_capacity",
    "participants.issuance_capacity.B",
    "participants.minting_days",
    "participants.equity_ratio",
    "participants.given.0.size",
    "participants.given.0.equity",
    "participants.given.0.wallet.JPY",
    "recalls.notice",
    "recalls.daily_rate",
    "defaults.scheduled.0.day",
    "defaults.daily_hazard",
    "close_out.margin_period_of_risk",
    "close_out.impact.depth",
    "close_out.impact.b",
    "close_out.impact.permanent",
    "oracle.delay",
    "oracle.outages.0.days",
    "oracle.wrong_prices.0.factor",
    "oracle.wrong_prices.0.day",
]
NUMBERS = [
    *(s * 2**n + d for n in (15, 31, 32, 53, 62, 63, 64, 999) for s in (1, -1) for d in (-1, 0, 1)),
    *(0, 1, -1, 10**18, 10**30, 10**400),
    *(0.0, -0.0, 5e-324, 1e-300, 1e-12, 0.1, 0.999999999999, 1.0, 1.5, 1e9, 1e16, 1e19, 1e300),
    *(1.7976931348623157e308, float("inf"), float("-inf"), float("nan"), True, "1", None),
]  # fmt: skip


def put(world: Any, path: list[str], value: Any) -> Any:
    """A copy of a table with one value in it replaced."""
    key, *rest = path
    if isinstance(world, list):
        index = int(key)
        return [put(e, rest, value) if i == index else e for i, e in enumerate(world)]
    inner = world.get(key) if isinstance(world, dict) else None
    inner = inner if isinstance(inner, dict | list) else {}
    world = world if isinstance(world, dict) else {}
    return {**world, key: put(inner, rest, value) if rest else value}


def refused_or_sound(fields: dict[str, Any]) -> CollateralMarket | str:
    """The refusal, or the market after a run in which no number left its bounds."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            market = market_of(PRICES, **fields).run()
        except InputError as error:
            assert "\n" not in str(error)
            return str(error)
    days = market.days_frame()
    for column in ("exposure", "collateral_value", "wallet_value", "margin_calls", "unmet_calls"):
        assert np.isfinite(days[column]).all()
        assert (days[column] >= 0).all(), column
    assert (market.participants_frame()["wallet_value"] >= 0).all()
    return market


@settings(max_examples=150)
@given(st.sampled_from(FIELDS), st.sampled_from(NUMBERS))
def test_any_field_at_any_end(field: str, number: Any) -> None:
    refused_or_sound(put(WORLD, field.split("."), number))


LIQUID = WORLD | {
    "participants": {"total_assets": 3.0, "equity_ratio": 0.1, "equity_base": "assets"},
    "assets": {"all": {"tokens": ["A", "B"], "volatility": 0.3, "daily_volume": 1000}},
    "close_out": {"impact": {"kind": "square-root"}, "recovery": True},
}
OF_LIQUID = [
    "participants.total_assets",
    "participants.total_assets.A",
    "participants.equity_ratio",
    "assets.all.daily_volume",
    "assets.all.daily_volume.B",
    "assets.all.volatility",
    "assets.all.settlement_days",
    "close_out.impact.y",
    "close_out.recovery_delay",
]


@settings(max_examples=60)
@given(st.sampled_from(OF_LIQUID), st.sampled_from(NUMBERS))
def test_any_field_of_assets_at_any_end(field: str, number: Any) -> None:
    refused_or_sound(put(LIQUID, field.split("."), number))


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from(FIELDS), st.sampled_from(NUMBERS)), min_size=2, max_size=3)
)
def test_several_fields_at_their_ends(chosen: list[tuple[str, Any]]) -> None:
    world = WORLD
    for field, number in chosen:
        world = put(world, field.split("."), number)
    refused_or_sound(world)


def test_the_world_of_these_tests_is_simulated() -> None:
    market = refused_or_sound(WORLD)
    assert isinstance(market, CollateralMarket)
    assert market.summary()["close_out_loss"] > 0


@pytest.mark.parametrize(
    ("field", "number", "message"),
    [
        ("loans.0.maturity", 2**31, "less than or equal to 1e+06"),
        ("loans.0.maturity", 2**31 - 1, "less than or equal to 1e+06"),
        ("recalls.notice", 2**31, "less than or equal to 1e+06"),
        ("agreement.grace_days", 2**63, "less than or equal to 1e+06"),
        ("loans.0.maturity", 2**64, "less than or equal to 1e+06"),
        ("oracle.delay", 2**62 - 1, "less than or equal to 1e+06"),
        ("oracle.wrong_prices.0.factor", 1e300, "oracle.wrong_prices: A on day 2: a factor of"),
        ("oracle.wrong_prices.0.factor", 1e15, "oracle.wrong_prices: A on day 2: a factor of"),
        ("oracle.wrong_prices.0.factor", 5e13, "its collateral could come to be worth"),
        ("participants.equity_ratio", 1e300, "participants.equity_ratio: 1e+300 makes an equity"),
        ("participants.given.0.equity", 1e308, "participants.given: B1: an equity of 1e+308"),
        ("close_out.impact.depth", 1e-300, "greater than or equal to 1"),
    ],
)
def test_what_wrapped_or_crashed_is_refused(field: str, number: Any, message: str) -> None:
    answer = refused_or_sound(put(WORLD, field.split("."), number))
    assert isinstance(answer, str)
    assert message in answer


@pytest.mark.parametrize("days", [4, 5, 6, 1000, 999_999, 1_000_000])
def test_a_term_beyond_the_window_is_a_term(days: int) -> None:
    """It neither wraps nor ends early."""
    market = market_of(PRICES, loans=[loan(1, "L1", "B1", principal=1000, maturity=days)]).run()
    table = market.loans_frame()
    assert table["maturity"].tolist() == [days]
    assert table["state"].tolist() == ["settled" if days <= 4 else "open"]


def test_a_wallet_that_serves_several_loans_does_not_overflow() -> None:
    """Each loan fits; what one borrower may have to bring for all of them does not."""
    loans = [
        loan(i, f"L{i}", "B1", lent={"B": 10**8}, collateral={"A": 106 * 10**10})
        for i in range(1, 51)
    ]
    swinging = {"A": [100, 1, 2000, 1, 100], "B": [10**6] * 5}
    fields: dict[str, Any] = {"agreement": {"priority": ["A"]}}
    one = market_of(swinging, loans=loans[:1], **fields).run().days_frame()["wallet_value"]
    assert one.min() >= 0
    assert 50 * one.max() > 2**63
    with pytest.raises(InputError, match="all loans and inventories together could come to be"):
        market_of(swinging, loans=loans, **fields)


def test_sales_that_ruin_a_price_count() -> None:
    """At one unit a token, what is called for has more tokens than can be counted."""
    loans = [loan(1, "L1", "B1", lent={"JPY": 10**12}, collateral={"A": 10**10})]
    fields: dict[str, Any] = {"loans": loans, "close_out": {"impact": {"depth": 1}}}
    steady = {"A": [10**7, 10**7]}
    with pytest.raises(InputError, match="loan 1: its collateral could come to be worth"):
        market_of(steady, **fields)
    fields["close_out"] = {"impact": {"depth": 1e15}}
    market_of(steady, **fields)


CRASH = {
    "participants.lenders=100000000000": "participants.lenders: expected a number less than",
    "participants.lenders=1000000": "network: up to ",
    "network.dealers_per_borrower=100000000000": None,
    "network.loans_per_edge=100000000000": "network: up to ",
    "loan.maturity=2147483648": "loan.maturity: expected a number less than or equal to 1e+06",
    "loan.maturity=9223372036854775808": "loan.maturity: expected a number less than or equal to",
    "agreement.grace_days=9223372036854775808": "agreement.grace_days: expected a number less",
    "recalls.notice=2147483648": "recalls.notice: expected a number less than",
    "loan.principal=1e300": "its collateral could come to be worth",
    "loan.principal=9007199254740993": "loan.principal: has more digits than are kept",
    "participants.equity_ratio=1e300": "participants.equity_ratio: 1e+300 makes an equity",
    "money.unit=1e-300": "cannot be expressed in units of 1e-300",
    "money.unit=1e300": "cannot be expressed in units of 1e+300",
    "participants.size.sigma=1e9": "participants.size.sigma: expected a number less than",
    "window.end=9999-12-31": "is not covered",
    "participants.total_assets=1e300": "all loans and inventories together",
}


@pytest.mark.parametrize("setting", CRASH)
def test_on_the_command_line(setting: str, tmp_path: Path) -> None:
    if setting == "participants.lenders=1000000":
        setting = f"{setting} participants.borrowers=1000000 participants.dealers=1000000"
    options = [word for each in setting.split() for word in ("--set", each)]
    result = CliRunner().invoke(
        main, ["run", "crash", "--out", str(tmp_path / "o"), "--workers", "0", *options],
        catch_exceptions=False,
    )  # fmt: skip
    message = CRASH[setting.split()[0]]
    if message is None:
        assert result.exit_code == 0, "as many as there are"
        return
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("collateral: crash: ")
    assert message in line
    assert not (tmp_path / "o").exists()
