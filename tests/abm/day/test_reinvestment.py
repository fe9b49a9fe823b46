"""Cash collateral that a lender has invested: returned from credit, by sale, or when it is due."""

from __future__ import annotations

from typing import Any

import pytest
from worlds import CASH, loan, market_of

from abm.model import CollateralMarket
from scenarios.errors import InputError

AT_MARKET = {"reinvest": 0.8, "portfolio": {"P": 1}, "credit_line": 0.05, "raises_funds": True}
UNTIL_A_DAY = {"reinvest": 0.8, "portfolio": {"P": 1}, "credit_line": 0, "reinvest_term": 4}


def market(
    own: dict[str, Any], shares: list[int], paper: list[int], **changes: Any
) -> CollateralMarket:
    """Ten shares lent against 1,000 in cash, of which the lender invests 800 in a paper."""
    table: dict[str, Any] = {
        "loans": [
            loan(1, "L1", "B1", lent={"X": 10}, collateral={CASH: 1000}, open_ended=True),
        ],
        "agreement": {"haircut": 0, "priority": [CASH], "transfer": "title", "grace_days": 9},
        "balance": {"lender": own},
    }
    return market_of({"X": shares, "P": paper}, events=True, **{**table, **changes})


def events(market: CollateralMarket, *kinds: str) -> list[tuple[Any, ...]]:
    """Day, event, token and quantity of some kinds of events, of the lender's own."""
    table = market.events_frame()
    of = table["event"].isin(kinds)
    return list(table.loc[of, ["day", "event", "token", "quantity"]].itertuples(False, None))


def test_a_return_draws_credit_and_then_sells_at_a_loss() -> None:
    """Shares fall by 40 %, so that 400 go back: 200 are in the account, 100 are credit (5 % of
    assets of 2,000), and for the rest 13 P are sold at 8 that cost 10, and settle on day 3."""
    own = market(AT_MARKET, [100, 60, 60, 60, 60], [10, 8, 8, 8, 8])
    lender = own.participants_frame().set_index("participant").loc["L1"]
    assert lender["sheet_outside"] == 800 and lender["sheet_received"] == 200
    assert lender["sheet_collateral_owed"] == 1000 and lender["net_worth"] == 1000
    own.run()
    assert events(own, "reinvestment", "return", "return_fail", "sale", "trade_settlement") == [
        (0, "reinvestment", CASH, 800),
        (1, "return_fail", CASH, 100),
        (1, "return", CASH, 300),
        (1, "sale", "P", 13),
        (2, "return_fail", CASH, 100),
        (3, "trade_settlement", CASH, 104),
        (3, "return", CASH, 100),
    ]
    days = own.days_frame()
    assert days["reinvested"].tolist() == [800, 700, 700, 600, 600]
    assert days["credit_drawn"].tolist() == [0, 100, 100, 96, 96]
    # 400 by the shares, which are its own, and 160 by the paper.
    assert own.participants_frame().set_index("participant").loc["L1", "net_worth"] == 440


def test_a_placement_cannot_be_had_back_before_it_is_due() -> None:
    """A quarter of 80 P is due a day. On day 2, at 8, 160 are paid: 80 go back into the account,
    which then has 180 of the 200 that are called; on day 3 144 do, and the rest is returned."""
    own = market(UNTIL_A_DAY, [100, 90, 70, 70, 70], [10, 10, 8, 8, 8]).run()
    assert events(own, "return", "return_fail") == [
        (1, "return", CASH, 100),
        (2, "return_fail", CASH, 20),
        (2, "return", CASH, 180),
        (3, "return", CASH, 20),
    ]
    assert events(own, "reinvestment", "placement")[:7] == [
        (0, "reinvestment", CASH, 800),
        (0, "placement", "P", 80),
        (1, "placement", "P", 20),
        (2, "reinvestment", CASH, -80),
        (2, "placement", "P", 10),
        (3, "reinvestment", CASH, -144),
        (3, "placement", "P", 2),
    ]
    # 80 % of 700, of which 50 P worth 400 are left: the loss of 160 is the lender's.
    lender = own.participants_frame().set_index("participant").loc["L1"]
    assert (lender["sheet_placed"], lender["sheet_received"]) == (400, 140)
    assert own.days_frame()["reinvested"].tolist() == [800, 800, 720, 576, 560]
    assert lender["net_worth"] == 1000 - 300 - 160


def test_funds_are_raised_ahead_of_the_end_of_a_loan() -> None:
    """Sold two days before the loan ends, so that all goes back on the day; nothing fails."""
    changes = {
        "loans": [loan(1, "L1", "B1", lent={"X": 10}, collateral={CASH: 1000}, maturity=4)],
        "balance": {"lender": {**AT_MARKET, "credit_line": 0}},
    }
    own = market({}, [100] * 6, [10] * 6, **changes).run()
    assert events(own, "sale", "return_fail") == [(2, "sale", "P", 80)]
    days = own.days_frame()
    assert days["loans_settled"].tolist() == [0, 0, 0, 0, 1, 0]
    assert days["reinvested"].tolist() == [800, 800, 800, 800, 0, 0]


def test_who_does_not_raise_funds_invests_until_the_end_whatever_others_do() -> None:
    """Of 200 delivered on day 2, 160 on day 3, a day before the end; another lender looks ahead."""
    own = {"reinvest": 0.8, "portfolio": {"P": 1}, "credit_line": 0, "reinvest_term": 9}
    for other in ({}, {"raises_funds": True}):
        changes = {
            "loans": [
                loan(n, lender, "B1", lent={"X": 10}, collateral={CASH: 1000}, maturity=4)
                for n, lender in enumerate(("L1", "L2"), 1)
            ],
            "balance": {"L1": own, "L2": other},
        }
        told = market({}, [100, 100, 120, 120, 120], [10] * 5, **changes).run()
        assert (3, "reinvestment", CASH, 160) in events(told, "reinvestment")


def test_what_counts_for_less_than_its_price_is_not_in_excess() -> None:
    """A counts half, so that 1,000 A and 500 in cash secure 1,000. At 90 only 100 are to go back,
    all of them taken: 10 P are sold for them, and not 50 for all that was taken."""
    changes = {
        "loans": [
            loan(1, "L1", "B1", lent={"X": 10}, collateral={"A": 100, CASH: 500})
            | {"open_ended": True}
        ],
        "agreement": {"haircut": 0, "priority": ["A", CASH], "transfer": "title"}
        | {"grace_days": 9, "schedule": "half"},
        "schedules": {"half": {"criteria": [{"asset": "A", "haircut_percentage": 0.5}, {}]}},
        "balance": {"lender": {**AT_MARKET, "reinvest": 1, "credit_line": 0}},
    }
    prices = {"X": [100, 90, 90, 90], "P": [10] * 4, "A": [10] * 4}
    told = market_of(prices, events=True, **changes).run()
    assert events(told, "sale") == [(1, "sale", "P", 10)]


def test_more_cash_collateral_is_invested_the_next_morning() -> None:
    own = market(AT_MARKET, [100, 120, 120, 120], [10] * 4).run()
    assert events(own, "delivery", "reinvestment", "purchase", "trade_settlement") == [
        (0, "reinvestment", CASH, 800),
        (1, "delivery", CASH, 200),
        (2, "reinvestment", CASH, 160),
        (2, "purchase", "P", 16),
        (4, "trade_settlement", "P", 16),
    ]


def test_a_lender_whose_equity_the_paper_takes_defaults() -> None:
    """Leverage of 4 on assets of 2,000: an equity of 500, and the paper loses 640."""
    own = market({**UNTIL_A_DAY, "leverage": 4}, [100] * 5, [10, 10, 2, 2, 2]).run()
    assert own.days_frame()["defaults_insolvency"].tolist() == [0, 0, 1, 0, 0]


def test_placements_that_cannot_be_counted_any_more_are_refused() -> None:
    """800 P at 1 are worth 8e17 at a price of 1e15: too much to share out to the unit."""
    with pytest.raises(InputError, match=r"grown to 8e\+17 for one participant by day 3"):
        market(UNTIL_A_DAY, [100] * 5, [1, 1, 1, 10**15, 1]).run()


def test_interest_is_owed_on_what_is_invested_too() -> None:
    """And it earns the one rate of reinvestment, wherever it is: 1,000 at 3.6 % are 0.1 a day."""
    rates = {"benchmark": 0.018, "reinvestment": 0.036}
    measures = [f"abm.measures.earnings:{of}" for of in ("cash_interest", "reinvestment_income")]
    money = {"currency": CASH, "unit": 0.01}
    for own in (AT_MARKET, {}):
        ended = market(
            own, [100, 100, 100, 100], [10] * 4, fees=rates, measures=measures, money=money
        ).run()
        days = ended.days_frame()
        assert days["reinvestment_income"].sum() == 2 * days["cash_interest"].sum() > 0


@pytest.mark.parametrize(
    ("balance", "agreement", "says"),
    [
        ({"borrower": AT_MARKET}, {}, "B1 is a borrower, and reinvest is for lenders"),
        (
            {"lender": AT_MARKET},
            {"transfer": "pledge"},
            "reinvest needs an agreement with transfer",
        ),
        ({"lender": AT_MARKET}, {"priority": ["P"]}, "reinvest has no effect"),
        (
            {"lender": {"reinvest": 1, "credit_line": 0}},
            {},
            "nothing would ever be sold or fall due",
        ),
        ({"lender": {"reinvest": 1, "reinvest_term": 2}}, {}, "reinvest needs a credit_line"),
        ({"lender": {"reinvest_term": 2}}, {}, "reinvest_term goes with reinvest"),
        ({"lender": {**AT_MARKET, "reinvest": 0.1234567}}, {}, "six decimals at most"),
    ],
)
def test_what_cannot_be_is_refused(
    balance: dict[str, Any], agreement: dict[str, Any], says: str
) -> None:
    terms = {"priority": [CASH], "transfer": "title"} | agreement
    loans = [loan(1, "L1", "B1", lent={"X": 10}, collateral={"P": 110}, open_ended=True)]
    with pytest.raises(InputError, match=says):
        market({}, [100, 100], [10, 10], loans=loans, agreement=terms, balance=balance)
