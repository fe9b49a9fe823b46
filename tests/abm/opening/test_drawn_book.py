"""Books drawn from targets: what comes out, steady states, limiting cases and what is refused."""

from __future__ import annotations

import copy
import json
import os
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from abm.books.loan_book import OPEN_LOAN
from abm.commands.cli import main
from abm.model import CollateralMarket
from abm.opening.book_outcome import open_loans, outcomes
from abm.opening.build import Blueprint, draw_blueprint
from abm.opening.drawn_book import draw_mixes, in_parts, specialness, weights_of
from abm.opening.drawn_loans import PARTS
from abm.opening.loan_table import draw_loans
from abm.opening.streams import RunSeed, Streams
from scenarios.book import BOOKS, BookTargets, FeeTarget
from scenarios.errors import InputError
from scenarios.scenario import Scenario

BUNDLED = "securities-lending-book"


def bundled(**changes: Any) -> Scenario:
    return Scenario.load(BUNDLED).with_changes(changes)


def drawn(scenario: Scenario, replication: int = 0) -> Blueprint:
    return draw_blueprint(scenario, Streams.spawn(RunSeed(1, replication, replication)))


def test_each_target_is_met_within_two_points() -> None:
    """Three books here; a hundred, as in docs/books.md, with HYPOTHESIS_PROFILE=search."""
    scenario = bundled(**{"window.end": "2024-01-12"})
    assert scenario.book is not None
    number = 100 if os.environ.get("HYPOTHESIS_PROFILE") == "search" else 3
    for replication in range(number):
        for row in outcomes(scenario.book, drawn(scenario, replication)):
            near = 0.02 if row.kind == "share" else 0.1 * row.target
            assert abs(row.drawn - row.target) < near, row


class TestSteadyState:
    """Loans arrive as a Poisson process and live independently."""

    BOOKS, LOANS, DAYS = 40, 1500, 250

    @pytest.fixture(scope="class")
    @staticmethod
    def counts() -> np.ndarray:
        """Open loans by book and day, over a year."""
        steady = TestSteadyState
        scenario = bundled(**{"book.loans": steady.LOANS})
        tokens = (*scenario.prices.tokens, "USD")
        found = []
        for seed in range(steady.BOOKS):
            rng = np.random.default_rng(seed)
            one = draw_loans(scenario, rng, tokens, steady.DAYS - 1)[1].drawn
            due = one.start - one.elapsed + one.term
            day = np.arange(steady.DAYS)[:, None]
            found.append(((one.start <= day) & (day < due)).sum(axis=1))
        return np.array(found)

    def test_as_many_are_open_on_every_day(self, counts: np.ndarray) -> None:
        """Poisson with the mean asked for, whatever the day: no drift over a year."""
        error = np.sqrt(self.LOANS / self.BOOKS)
        assert counts.shape == (self.BOOKS, self.DAYS)
        for day in (0, 1, 60, 125, 249):
            assert abs(counts[:, day].mean() - self.LOANS) < 4 * error
        drift = counts[:, -1] - counts[:, 0]
        assert abs(drift.mean()) < 4 * np.sqrt(2) * error

    def test_they_vary_as_poisson_numbers(self, counts: np.ndarray) -> None:
        """The variance of a day over books is the mean, give or take √(2/(n - 1)) of it."""
        ratio = counts.var(axis=0, ddof=1) / self.LOANS
        assert abs(ratio.mean() - 1) < 4 * np.sqrt(2 / (self.BOOKS - 1))

    def test_littles_law(self) -> None:
        """Arrivals a day times mean life, both as drawn, are the loans that are open."""
        scenario = bundled(**{"book.loans": 20_000})
        blueprint = drawn(scenario)
        loans, days = blueprint.books.loans, len(blueprint.days)
        later = loans.opened > 0
        life = loans.tenor[later].astype(float)
        rate = later.sum() / (days - 1)
        # Compound Poisson: the variance of a sum of lives is the number times E[L²].
        error = np.sqrt((life**2).sum()) / (days - 1)
        assert abs(rate * life.mean() - 20_000) < 4 * error
        assert error < 0.01 * 20_000

    def test_what_loans_have_run_for_is_what_they_have_to_come(self) -> None:
        """In a steady state age and residual life have one law, for each kind of loan."""
        blueprint = drawn(bundled(**{"window.end": "2024-01-12"}))
        loans = blueprint.books.loans
        first = loans.opened <= 0
        age, to_come = -loans.opened[first] + 1, loans.maturity[first]
        error = np.sqrt((age.var() + to_come.var()) / first.sum())
        assert abs(age.mean() - to_come.mean()) < 4 * error

    def test_the_market_has_open_what_was_drawn(self) -> None:
        scenario = bundled(
            **{
                "book.loans": 200,
                "window.end": "2024-02-20",
                "participants.lenders": 10,
                "participants.borrowers": 8,
                "book.agents": 5,
            }
        )
        days = CollateralMarket(scenario, rng=1).run().days_frame()
        assert days["open_loans"].tolist() == open_loans(drawn(scenario)).tolist()
        assert days["loans_settled"].sum() > 100
        # Without fees days run together in compiled code, and find themselves what is due.
        market = CollateralMarket(scenario.with_changes({"fees": None, "measures": []}), rng=1)
        market.run_days()
        together = market.days_frame()
        assert days[together.columns].equals(together)
        books = market.books
        is_open = books.loans.state == OPEN_LOAN
        assert books.loans.maturity[is_open].min() > market.day, "whatever was due has settled"
        worth = np.zeros(len(books.accounts), np.int64)
        np.add.at(worth, books.loans.account[is_open], books.lent[is_open] @ market.prices)
        assert books.accounts.exposure.tolist() == worth.tolist()


def test_one_loan_is_the_single_pair(tmp_path: Path) -> None:
    table = tomllib.loads((BOOKS / "securities-lending.toml").read_text())
    one = {"value": 1, "source": "test"}
    table |= {"lent": {"equities": one}, "collateral": {"governments": one}, "fees": {}}
    table |= {"against_cash": one | {"value": 0}, "size_sigma": one | {"value": 1e-13}}
    (tmp_path / "one.toml").write_text(as_toml(table))
    changes = {
        "book.loans": 1,
        "book.turnover": False,
        "book.agents": 1,
        "book.targets": str(tmp_path / "one.toml"),
        "participants.lenders": 1,
        "participants.borrowers": 1,
        "assets.equities.tokens": ["EQ1"],
        "assets.governments.tokens": ["GOV1"],
        "window.end": "2024-04-01",
        "fees.agent_share": 0,
    }
    book = bundled(**changes)
    dumped = book.model_dump(exclude_unset=True)
    del dumped["book"]
    del dumped["agreements"]
    dumped["loan"] = {
        "principal": 1_000_000,
        "lent_token": "EQ1",
        "composition": {"GOV1": 1},
    }
    pair = Scenario.parse(dumped, "pair")
    days = [CollateralMarket(each, rng=3).run().days_frame() for each in (book, pair)]
    assert days[0]["margin_calls"].sum() > 10
    assert days[0]["lenders_revenue"].sum() > 100
    pd.testing.assert_frame_equal(*days)


def as_toml(table: dict[str, Any], prefix: str = "") -> str:
    """Tables of numbers and texts; JSON writes these as TOML does."""
    text = ""
    for key, value in table.items():
        if isinstance(value, list):
            text += f"{key} = [{', '.join(inline(each) for each in value)}]\n"
        elif not isinstance(value, dict):
            text += f"{key} = {json.dumps(value)}\n"
    for key, value in table.items():
        if isinstance(value, dict):
            text += f"[{prefix}{key}]\n{as_toml(value, f'{prefix}{key}.')}"
    return text


def inline(table: dict[str, Any]) -> str:
    return "{" + ", ".join(f"{key} = {json.dumps(value)}" for key, value in table.items()) + "}"


def test_agents_allocate_in_turn() -> None:
    blueprint = drawn(bundled(**{"window.end": "2024-01-12"}))
    loans, accounts = blueprint.books.loans, blueprint.books.accounts
    lender = accounts.lender[loans.account]
    assert blueprint.agent is not None
    assert (np.diff(loans.opened) >= 0).all(), "the oldest first"
    for agent in range(8):
        clients = np.flatnonzero(blueprint.agent == agent)
        turns = lender[blueprint.agent[lender] == agent]
        assert len(clients) >= 1
        np.testing.assert_array_equal(turns, np.resize(clients, len(turns)))


def test_loans_of_a_pair_share_two_margin_accounts_at_most() -> None:
    blueprint = drawn(bundled(**{"window.end": "2024-01-12"}))
    accounts = blueprint.books.accounts
    pairs = np.column_stack([accounts.lender, accounts.borrower])
    _, number = np.unique(pairs, axis=0, return_counts=True)
    assert number.max() == 2, "against cash, and against securities"
    assert len(blueprint.books.loans) > 1.2 * len(accounts)


class TestParts:
    def test_weights_by_hand(self) -> None:
        np.testing.assert_allclose(weights_of(4, 0.75, "x"), 0.25, atol=1e-9)
        weights = weights_of(30, 0.41, "x")
        assert weights[:3].sum() == pytest.approx(0.41)
        assert weights.sum() == pytest.approx(1)
        # A power of the rank: the same step in logarithms from 1 to 2 as from 2 to 4.
        assert weights[0] / weights[1] == pytest.approx(weights[1] / weights[3])
        assert weights_of(2, 0.1, "x").tolist() == [0.5, 0.5]
        with pytest.raises(InputError, match="three of 4 have 75% at least, more than 41%"):
            weights_of(4, 0.41, "x")

    def test_specials_by_hand(self) -> None:
        """An average of 90 bp with 9 % of specials above 17: (90 - 0.91·17)/0.09 = 828 bp."""
        target = FeeTarget(average=0.0090, specials=0.09, source="test")
        share, fee = specialness(10, 0.0017, target, "equities")
        np.testing.assert_allclose(share, [0.91 / 9] * 9 + [0.09])
        np.testing.assert_allclose(fee, [0.0017] * 9 + [0.0828111], rtol=1e-6)
        assert share @ fee == pytest.approx(0.0090)
        with pytest.raises(InputError, match="lies below the lending_fee"):
            specialness(10, 0.02, target, "equities")

    def test_mixes_differ_and_come_to_the_target(self) -> None:
        targets = Scenario.load(BUNDLED).book
        assert targets is not None
        weights = weights_of(36, 0.41, "x")
        columns = [(0.46, [0, 1]), (0.38, [2, 3, 4]), (0.14, [5])]
        mixes = draw_mixes(targets.load(), weights, columns, 7, np.random.default_rng(2))
        assert (mixes[:, 6] == 0).all(), "of no class"
        by_class = np.column_stack(
            [mixes[:, :2].sum(axis=1), mixes[:, 2:5].sum(axis=1), mixes[:, 5]]
        )
        np.testing.assert_allclose(weights @ by_class, np.array([0.46, 0.38, 0.14]) / 0.98)
        np.testing.assert_allclose(mixes.sum(axis=1), 1)
        assert by_class[:, 0].std() > 0.1
        assert (in_parts(mixes).sum(axis=1) == PARTS).all()


class TestRefused:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"book.targets": "bundled:securities"}, "no bundled book securities"),
            ({"book.targets": "no/such.toml"}, "book: targets: .*no/such.toml: cannot be read"),
            ({"book.against_cash": "csh"}, "no agreement csh .did you mean cash"),
            ({"agreements.cash.priority": ["EQ1"]}, r"cash\.priority: must name USD"),
            ({"book.agents": 300}, "300 agents for 264 lenders"),
            ({"participants.borrowers": 5}, "three of 5 have 60% at least, more than 41%"),
            ({"participants.dealers": 3}, r"participants\.dealers"),
            ({"participants.size": {"kind": "pareto"}}, r"participants\.size"),
            ({"recalls.daily_rate": 0.1}, "recalls: when open loans"),
            ({"network.topology": "complete"}, "network: a .book. draws"),
            ({"agreements.other.trigger": 0.1}, "no loan uses the agreement other"),
            ({"loan": {"principal": 1}}, r"or a \[book\]"),
            ({"ledger": "evm"}, "book: loans of a book begin on many days"),
            ({"agreement.priority": ["GOV1"]}, r"no token of assets\.equities"),
        ],
    )
    def test_what_does_not_fit(self, changes: dict[str, Any], message: str) -> None:
        with pytest.raises(InputError, match=message):
            drawn(bundled(**changes))

    def test_what_is_wrong_in_a_file_of_targets(self, tmp_path: Path) -> None:
        good = tomllib.loads((BOOKS / "securities-lending.toml").read_text())
        for path, value, message in [
            (("lent", "equities", "value"), 1.5, r"lent\.equities\.value"),
            (("open_ended", "source"), "", r"open_ended\.source"),
            (("open_life", "value"), 0.5, "open_life: expected a day"),
            (("fees", "shares"), good["fees"]["equities"], "fees: shares is not lent"),
        ]:
            table = copy.deepcopy(good)
            inner = table
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = value
            (tmp_path / "bad.toml").write_text(as_toml(table))
            with pytest.raises(InputError, match=rf"bad\.toml: {message}"):
                drawn(bundled(**{"book.targets": str(tmp_path / "bad.toml")}))
        (tmp_path / "bad.toml").write_text("lent = ")
        with pytest.raises(InputError, match=r"bad\.toml: not a TOML file"):
            drawn(bundled(**{"book.targets": str(tmp_path / "bad.toml")}))

    def test_every_bundled_number_has_a_source(self) -> None:
        for path in BOOKS.glob("*.toml"):
            assert BookTargets.model_validate(tomllib.loads(path.read_text()))


class TestCommand:
    def test_table(self) -> None:
        asked = ["book", BUNDLED, "--books", "2", "--set", "window.end=2024-01-12"]
        told = CliRunner().invoke(main, asked)
        assert told.exit_code == 0, told.output
        assert "against_cash     52.2%" in told.output
        assert "OFR Working Paper 16-08" in told.output
        rows = json.loads(CliRunner().invoke(main, [*asked, "--json"]).output)
        by_name = {row["name"]: row for row in rows}
        books = [
            {row.name: row.drawn for row in outcomes(scenario.book, drawn(scenario, r))}
            for scenario in [bundled(**{"window.end": "2024-01-12"})]
            for r in range(2)
            if scenario.book is not None
        ]
        for name, row in by_name.items():
            assert row["drawn"] == pytest.approx((books[0][name] + books[1][name]) / 2)
            assert row["worst"] in [pytest.approx(book[name]) for book in books]

    def test_a_scenario_without_a_book(self) -> None:
        told = CliRunner().invoke(main, ["book", "crash"])
        assert told.exit_code == 2
        assert "crash: has no [book]" in told.output
