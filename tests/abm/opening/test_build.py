"""What a market refuses to be built from, and what it builds."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from worlds import held, loan, market_of

from abm.books.ledger import UNLIMITED
from abm.model import CollateralMarket
from scenarios.errors import InputError
from scenarios.experiment import Experiment
from scenarios.scenario import Scenario

PRICES = {"A": [100, 110], "B": [50, 40]}


def refused(message: str, prices: Any = PRICES, **fields: Any) -> None:
    fields = {"loans": [loan(7, "L1", "B1", collateral={"A": 10})], **fields}
    with pytest.raises(InputError, match=message) as info:
        market_of(prices, **{key: value for key, value in fields.items() if value is not None})
    assert "\n" not in str(info.value)


def test_overflow_names_the_loan_and_the_limit() -> None:
    big = [loan(1, "L1", "B1", collateral={"A": 10}), loan(9, "L1", "B2", collateral={"A": 2**57})]
    refused(r"loan 9: .* above the limit of 4.61e\+18; make the loan smaller", loans=big)
    refused(r"loan 9: .* above the limit", loans=[loan(9, "L1", "B1", principal=1e19)])
    refused(r"loan 9: .* above the limit", loans=[loan(9, "L1", "B1", principal=1e300)])
    refused(r"loan 9: .* above the limit", loans=[loan(9, "L1", "B1", lent={"B": 2**58})])


def test_overflow_through_a_price_that_explodes() -> None:
    refused(
        "loan 7: .* above the limit",
        prices={"A": [1, 10**9], "B": [10**9, 1]},
        loans=[loan(7, "L1", "B1", principal=10**6)],
    )


def test_overflow_of_all_together() -> None:
    """Each loan fits, as does each inventory; their sum would not."""
    many = [loan(i, "L1", f"B{i}", collateral={"A": 2**54}) for i in range(4)]
    refused("more than the ledger can count", loans=many)
    refused(
        "all loans and inventories together .* above the limit",
        participants={"prefunded_inventory": {"A": 2**60}},
    )
    refused(
        "all loans and inventories together .* above the limit",
        participants={"prefunded_inventory": 1e30},
    )


@pytest.mark.parametrize("count", [2**62, 10**20, 10**30])
def test_counts_beyond_the_ledger(count: int) -> None:
    refused(
        "loans.1.collateral.A: .*less than", loans=[loan(1, "L1", "B1", collateral={"A": count})]
    )


def test_a_huge_capacity_is_unlimited() -> None:
    entry = loan(1, "L1", "B1", collateral={"A": 10})
    market = market_of(PRICES, loans=[entry], participants={"issuance_capacity": 1e30})
    row = market.participants["B1"].row
    assert market.ledger.arrays.capacity[row].tolist() == [UNLIMITED, 0, UNLIMITED], "B: 0 posted"


def test_a_huge_minimum_transfer_amount_moves_nothing() -> None:
    entry = loan(1, "L1", "B1", collateral={"A": 10})
    market = market_of(PRICES, loans=[entry], agreement={"minimum_transfer_amount": 1e300}).run()
    assert market.summary()["margin_calls"] == 0


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ({"agreement": {"priority": ["X"]}}, "agreement.priority: X has no price; priced are A, B"),
        ({"loans": [loan(1, "L1", "B1", collateral={"X": 1})]}, "loan.collateral: X has no price"),
        ({"loans": [loan(1, "L1", "B1", lent={"X": 1})]}, "loan.lent: X has no price"),
        (
            {"loans": [loan(1, "L1", "B1", principal=5, lent_token="X")]},
            "loan.lent_token: X has no price",
        ),
        (
            {"loans": [loan(1, "L1", "B1", principal=5, composition={"X": 1})]},
            "loan.composition: X has no price",
        ),
        (
            {"participants": {"prefunded_inventory": {"X": 1}}},
            "participants.prefunded_inventory: X has no price",
        ),
        (
            {"participants": {"issuance_capacity": {"X": 1}}},
            "participants.issuance_capacity: X has no price",
        ),
        (
            {"participants": {"given": [{"name": "B1", "role": "borrower", "wallet": {"X": 1}}]}},
            "B1.wallet: X has no price",
        ),
        ({"money": {"currency": "A", "unit": 1}}, "money.currency: A is also the name"),
        ({"money": {"currency": "JPY", "unit": 1000}}, "cannot be expressed in units of 1000"),
    ],
)
def test_tokens_without_a_price(field: dict[str, Any], name: str) -> None:
    refused(name, **field)


def test_ratios_with_too_many_decimals() -> None:
    refused("too many decimals", agreement={"haircut": 0.123456789012})
    refused("too many decimals", agreement={"margin_percentage": 1.02001, "trigger": 0.02001})
    for fits in (
        {"haircut": 0.123456, "trigger": 0.123457},
        {"margin_percentage": 1.0201, "trigger": 0.0203},
    ):
        market_of(PRICES, loans=[loan(1, "L1", "B1", collateral={"A": 10})], agreement=fits)


def test_a_window_of_one_day() -> None:
    refused("window: a simulation needs two days at least", prices={"A": [100]})


def test_self_lending() -> None:
    refused("loan 7: X lends to itself", loans=[loan(7, "X", "X", collateral={"A": 1})])


def test_unknown_names() -> None:
    refused(
        "loans: loan 7: no agreement tight",
        loans=[loan(7, "L1", "B1", agreement="tight", collateral={"A": 1})],
    )


def network_file(tmp_path: Path, text: str, name: str = "network.csv", **fields: Any) -> Any:
    path = tmp_path / name
    path.write_text(text)
    template = {"collateral": {"A": 10}}
    return market_of(
        PRICES,
        **{"network": {"topology": "file", "file": str(path)}, "loan": template, **fields},
    )


def test_a_network_from_a_csv(tmp_path: Path) -> None:
    """Rows without a principal keep the template's collateral, whatever stands above them."""
    market = network_file(
        tmp_path,
        "loan_id,lender,borrower,principal,maturity,agreement\n"
        "5,L1,D1,500,1,\n"
        "2,D1,B1,,,tight\n"
        "9,L2,D1,,3,\n",
        agreements={"tight": {"haircut": 0.5}},
    )
    table = market.loans_frame()
    assert table["loan_id"].tolist() == [2, 5, 9]
    assert table["lender"].tolist() == ["D1", "L1", "L2"]
    # 500 / 0.95 in equal parts: 5 B for at most half, 3 A for the rest.
    assert table["posted_A"].tolist() == [10, 3, 10]
    assert table["posted_B"].tolist() == [0, 5, 0]
    assert table["exposure"].tolist() == [500, 500, 950]
    assert table["maturity"].tolist() == [2, 1, 3]
    assert market.participants["D1"].role == "dealer"


def test_a_network_from_graphml(tmp_path: Path) -> None:
    import networkx as nx

    graph = nx.MultiDiGraph()
    graph.add_edge("L1", "B1", principal=500.0)
    graph.add_edge("L1", "B1", maturity=1)
    nx.write_graphml(graph, tmp_path / "g.graphml")
    text = (tmp_path / "g.graphml").read_text()
    market = network_file(tmp_path, text, "h.graphml")
    assert market.loans_frame()["exposure"].tolist() == [500, 950]
    assert market.loans_frame()["maturity"].tolist() == [2, 1]


HEADER = (
    "lender,borrower,loan_id,agreement,principal,lent_token,lent.B,collateral.A,composition.A,"
    "composition.B,concentration,start,maturity,at_maturity,open_ended,age"
)
EVERY_FIELD = [
    ("L1", "B1", 3, "", 5000, "A", "", "", 1, 0.5, "", 1, 1, "roll", "", ""),
    ("L1", "B2", 4, "tight", "", "", 7, "", "", "", 3, 0, "", "", "true", ""),
    ("L2", "B1", 7, "", "", "", "", 12, "", "", "", 0, 2, "replace", "false", "stationary"),
    ("L2", "B2", 8, "", "", "", "", "", "", 2, "", "", "", "", "", ""),
]
"""Rows of a file: cells that are empty are the template's."""


def edges() -> list[dict[str, Any]]:
    return [
        {key: cell for key, cell in zip(HEADER.split(","), row, strict=True) if cell != ""}
        for row in EVERY_FIELD
    ]


@pytest.mark.parametrize("kind", ["csv", "graphml"])
def test_a_file_gives_every_field_of_a_loan(tmp_path: Path, kind: str) -> None:
    """The market of a file is that of its loans given one by one."""
    import networkx as nx

    if kind == "csv":
        text = "\n".join([HEADER, *(",".join(map(str, row)) for row in EVERY_FIELD), ""])
    else:
        graph = nx.MultiDiGraph()
        for edge in edges():
            graph.add_edge(edge.pop("lender"), edge.pop("borrower"), **edge)
        nx.write_graphml(graph, tmp_path / "g.graphml")
        text = (tmp_path / "g.graphml").read_text()
    agreements = {"tight": {"haircut": 0.5}}
    template = {"principal": 800, "maturity": 2}
    found = network_file(tmp_path, text, f"h.{kind}", agreements=agreements, loan=template)
    loans = [
        loan(3, "L1", "B1", principal=5000, lent_token="A", composition={"A": 1, "B": 0.5})
        | {"start": 1, "maturity": 1, "at_maturity": "roll"},
        loan(4, "L1", "B2", agreement="tight", lent={"B": 7}, concentration=3, open_ended=True),
        loan(7, "L2", "B1", principal=800, collateral={"A": 12}, maturity=2)
        | {"at_maturity": "replace", "age": "stationary"},
        loan(8, "L2", "B2", principal=800, composition={"B": 2}, maturity=2),
    ]
    wanted = market_of(PRICES, loans=loans, agreements=agreements)
    for market in (found, wanted):
        market.run()
    assert found.loans_frame().to_csv() == wanted.loans_frame().to_csv()
    assert found.days_frame().to_csv() == wanted.days_frame().to_csv()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "network.csv: no column"),
        ("lender,borrower,lender\nL1,B1,L1\n", "network.csv: column lender appears twice"),
        ("lender,borrower,collateral\nL1,B1,5\n", "row 2: unknown column collateral; .*TOKEN"),
        ("lender,borrower,collateral.A\nL1,B1,5.5\n", "row 2: collateral.A: .*whole.*'5.5'"),
        ("lender,borrower,collateral.X\nL1,B1,5\n", "collateral: X has no price"),
        ("lender,borrower,composition.A\nL1,B1,-1\n", "row 2: composition.A: .*equal to 0"),
        ("lender,borrower,start\nL1,B1,99\n", "network.csv: loan 1.start: day 99; the days"),
        ("lender,borrower,open_ended\nL1,B1,maybe\n", "row 2: open_ended: expected true or"),
        ("lender,borrower,at_maturity\nL1,B1,end\n", "row 2: at_maturity: expected 'settle'"),
        ("lender,borrower,age\nL1,B1,stationary\n", "row 2: age = 'stationary' needs a"),
        ("lender,borrower\n", "network.csv: no edges"),
        ("lender,loan_id\nL1,1\n", "network.csv: no column borrower"),
        ("lender,borrower,colour\nL1,B1,red\n", "row 2: unknown column colour"),
        ("lender,borrower\nL1,B1\nL1\n", "row 3: not as many cells"),
        ("lender,borrower\nL1,B1,7\n", "row 2: not as many cells"),
        ("lender,borrower,principal\nL1,B1,5\nL1,B2,five\n", "row 3: principal: .*five"),
        ("lender,borrower,principal\nL1,B1,-5\n", "row 2: principal: .*greater than 0"),
        ("lender,borrower,principal\nL1,B1,nan\n", "row 2: principal"),
        ("lender,borrower,maturity\nL1,B1,0\n", "row 2: maturity"),
        ("lender,borrower,loan_id\nL1,B1,1\nL1,B2,1\n", "row 3: loan_id 1 also stands in row 2"),
        ("lender,borrower,loan_id\nL1,B1,1.5\n", "row 2: loan_id"),
        ("lender,borrower\nL1,\n", "row 2: borrower"),
        ("lender,borrower,agreement\nL1,B1,tight\n", "no agreement tight"),
        ("lender,borrower\nL1,L1\n", "lends to itself"),
    ],
)
def test_bad_networks_in_csv(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as info:
        network_file(tmp_path, text)
    assert "\n" not in str(info.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not xml", "not a readable GraphML file"),
        ("<graphml></graphml>", "GraphML|edges"),
        (
            '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
            '<graph edgedefault="undirected">'
            '<node id="a"/><node id="b"/><edge source="a" target="b"/></graph></graphml>',
            "edges must be directed",
        ),
    ],
)
def test_bad_networks_in_graphml(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as info:
        network_file(tmp_path, text, "net.graphml")
    assert "\n" not in str(info.value)


def test_a_missing_network_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv: no such file"):
        market_of(
            PRICES,
            network={"topology": "file", "file": str(tmp_path / "nowhere.csv")},
            loan={"principal": 10},
        )


def test_a_loan_given_by_its_collateral_is_worth_what_the_agreement_allows() -> None:
    """Paper, Table 2: L = (1-α) Σ P·N, rounded down."""
    market = market_of(PRICES, loans=[loan(1, "L1", "B1", collateral={"A": 3, "B": 1})])
    assert market.today["exposure"] == 332  # 332.5
    assert market.today["gap"] == pytest.approx(0.5)


def test_principal_and_collateral_stand_side_by_side() -> None:
    market = market_of(PRICES, loans=[loan(1, "L1", "B1", principal=1000, collateral={"A": 50})])
    assert held(market) == [{"A": 50, "B": 0, "JPY": 0}]
    assert market.today["exposure"] == 1000


@pytest.mark.parametrize("principal", [1, 99, 1000, 123_456])
def test_collateral_at_the_start_is_the_least_that_is_enough(principal: int) -> None:
    market = market_of(
        PRICES, loans=[loan(1, "L1", "B1", principal=principal, composition={"A": 1, "B": 3})]
    )
    row, required = held(market)[0], int(market.books.accounts.required[0])
    value = 100 * row["A"] + 50 * row["B"]
    assert 0 <= value - required < 100
    assert row["B"] == required * 3 // 4 // 50


def test_a_principal_in_securities() -> None:
    market = market_of(
        PRICES,
        agreement={"priority": ["A"]},
        loans=[loan(1, "L1", "B1", principal=1020, lent_token="B")],
    )
    assert market.participants["B1"].wallet["B"] == 20


def test_a_cash_token_is_worth_one_unit_of_money() -> None:
    loans = [loan(1, "L1", "B1", lent={"USD": 1_000_000}, collateral={"A": 200, "USD": 50})]
    market = market_of(PRICES, money={"currency": "USD", "unit": 0.01}, loans=loans)
    assert market.today["exposure"] == 10_000
    assert market.today["collateral_value"] == 20_000.5


def test_a_change_means_the_same_from_python_as_after_set() -> None:
    """Short names, and tables that are merged into the scenario's."""
    changes = {"model": 3, "participants": {"prefunded_inventory": 0.5}}
    market = CollateralMarket("prices-file", rng=1, **changes)
    experiment = Experiment.single(Scenario.load("prices-file")).with_settings(changes)
    assert market.scenario == experiment.scenario
    terms = market.scenario.agreement
    assert (terms.trigger, terms.settlement_lag, terms.adjustment) == (0.02, 0, "single")


def test_a_table_of_loans_with_many_tokens_warns_of_nothing() -> None:
    prices = {f"T{i}": [10, 11] for i in range(150)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = market_of(prices, loans=[loan(1, "L1", "B1", principal=9000)]).loans_frame()
    posted = [name for name in table if name.startswith("posted_")]
    assert posted == [*(f"posted_T{i}" for i in range(150)), "posted_JPY"]


def test_inventory_and_capacity_as_fractions_of_what_is_posted() -> None:
    market = market_of(
        PRICES,
        loans=[
            loan(1, "L1", "B1", collateral={"A": 10, "B": 5}),
            loan(2, "L1", "B1", collateral={"A": 20}),
            loan(3, "L1", "B2", collateral={"B": 7}),
        ],
        participants={"prefunded_inventory": 0.5, "issuance_capacity": 0.1},
    )
    wallets = {n: market.participants[n].wallet for n in ("B1", "B2", "L1")}
    assert (wallets["B1"]["A"], wallets["B1"]["B"]) == (15, 2)
    assert (wallets["B2"]["A"], wallets["B2"]["B"]) == (0, 3)
    assert (wallets["L1"]["A"], wallets["L1"]["B"]) == (0, 0)
    capacity = market.ledger.arrays.capacity[market.participants["B1"].row]
    assert capacity[:2].tolist() == [3, 0]
    assert capacity[2] == UNLIMITED, "cash comes from outside"


def test_equity_follows_what_is_lent_or_is_given() -> None:
    market = market_of(
        PRICES,
        loans=[
            loan(1, "L1", "D1", lent={"JPY": 1000}, collateral={"A": 11}),
            loan(2, "D1", "B1", lent={"JPY": 500}, collateral={"A": 6}),
        ],
        participants={
            "equity_ratio": 0.1,
            "given": [{"name": "L1", "role": "lender", "equity": 7}],
        },
    )
    equity = {name: agent.equity for name, agent in market.participants.items()}
    assert equity == {"B1": np.inf, "D1": 50, "L1": 7}
