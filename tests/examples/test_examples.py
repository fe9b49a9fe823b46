"""Each example does what its first line says, and is short."""

from __future__ import annotations

import ast
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from abm.agents import Borrower
from abm.model import CollateralMarket

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))


class Ran:
    """An example that has run, and the same market without it."""

    def __init__(self, names: dict[str, Any], printed: str):
        self.names, self.printed = names, printed
        self.market: CollateralMarket = names["market"]
        self.days = self.market.days_frame()

    @property
    def summary(self) -> dict[str, float]:
        return self.market.summary()

    def standard(self, **changes: Any) -> CollateralMarket:
        """The market of the example with nothing but the standard classes."""
        return CollateralMarket(self.market.scenario, rng=1, **changes).run()


@pytest.fixture
def ran(request: Any, monkeypatch: Any, capsys: Any, tmp_path: Path) -> Ran:
    if request.param == "wallet_panel":
        pytest.importorskip("solara", reason="the page is an extra")
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.chdir(tmp_path)  # some write a file
    names = runpy.run_path(str(EXAMPLES / f"{request.param}.py"), run_name="__main__")
    return Ran(names, capsys.readouterr().out)


CHECKS: dict[str, Callable[[Ran], None]] = {}


def says(check: Callable[[Ran], None]) -> Callable[[Ran], None]:
    CHECKS[check.__name__] = check
    return check


@says
def cautious_dealer(ran: Ran) -> None:
    assert ran.summary["reused_value"] < 0.75 * ran.standard().summary()["reused_value"]


@says
def columns_borrower(ran: Ran) -> None:
    """The same decision, asked of one borrower after the other, gives the same days."""

    class OneByOne(Borrower):
        def meet_call(self, call: Any) -> bool:
            exposure = call.market.books.accounts.exposure[call.account] * call.market.unit
            return bool(call.missing < 0.1 * exposure)

    alone = ran.standard(behaviours={"borrower": OneByOne})
    pd.testing.assert_frame_equal(alone.days_frame(), ran.days)
    assert ran.summary["unmet_calls"] > ran.standard().summary()["unmet_calls"]


@says
def columns_borrowers(ran: Ran) -> None:
    """Each brings half of what it has: it keeps more, and is short where it was not."""
    assert sum(agent.role == "borrower" for agent in ran.market.participants.values()) == 10_000
    standard = ran.standard()
    assert ran.summary["unmet_calls"] > standard.summary()["unmet_calls"]
    kept = ran.market.ledger.wallets[:, :-1].sum()
    assert kept > standard.ledger.wallets[:, :-1].sum()


@says
def forbearing_clearing_house(ran: Ran) -> None:
    """The first default by liquidity comes three days later."""
    first = [
        int(days.loc[days["defaults_liquidity"] > 0, "day"].iloc[0])
        for days in (ran.days, ran.standard().days_frame())
    ]
    assert first[0] == first[1] + 3


@says
def hoarding_borrower(ran: Ran) -> None:
    assert ran.summary["defaults"] > ran.standard().summary()["defaults"]


@says
def keeping_lender(ran: Ran) -> None:
    assert 0 < ran.summary["returned_value"] < ran.standard().summary()["returned_value"]


@says
def loss_figure(ran: Ran) -> None:
    """The area under the curve is what the column says."""
    figure = ran.names["uncovered"](ran.days)
    (area,) = figure.axes[0].collections
    top = area.get_paths()[0].vertices[:, 1].max()
    assert top == pytest.approx(ran.days["uncollateralised_before"].max() / 1e6) != 0
    assert Path("uncovered.png").stat().st_size > 1000


@says
def swapping_borrower(ran: Ran) -> None:
    """Lenders end up with less IBM and more MSFT, and no call is unmet."""
    assert ran.summary["substitutions"] > 100
    rows = {name: ran.market.tokens.index(name) for name in ("IBM", "MSFT")}
    posted, standard = (
        market.ledger.collateral.sum(axis=0) for market in (ran.market, ran.standard())
    )
    assert posted[rows["IBM"]] < standard[rows["IBM"]]
    assert posted[rows["MSFT"]] > standard[rows["MSFT"]]
    assert ran.days["unmet_value"].sum() == 0


@says
def ranking_borrower(ran: Ran) -> None:
    """On the first day of shortage as much is missing, of fewer calls: shares leave all short."""
    ranked, shared = (
        days.loc[days["unmet_calls"] > 0].iloc[0]
        for days in (ran.days, ran.standard().days_frame())
    )
    assert ranked["day"] == shared["day"]
    assert 0 < ranked["unmet_calls"] < shared["unmet_calls"]
    assert ranked["unmet_value"] == pytest.approx(shared["unmet_value"], rel=1e-3)


@says
def recalling_lender(ran: Ran) -> None:
    """Recalls come on days on which prices fall, and end loans that would have gone on."""
    standard = ran.standard()
    assert standard.summary()["recalls"] == 0 < ran.summary["recalls"]
    recalled = ran.days.loc[ran.days["recalls"] > 0, "day"]
    fell = np.diff(ran.market.path[:, 0], prepend=np.inf) < 0
    assert fell[recalled].any()


@says
def reluctant_borrower(ran: Ran) -> None:
    assert ran.standard().summary()["unmet_calls"] == 0 < ran.summary["unmet_calls"]


@says
def ring_topology(ran: Ran) -> None:
    """Each dealer borrows from another one all around; the last lends to all borrowers."""
    roles = {name: agent.role for name, agent in ran.market.participants.items()}
    edges = [edge[:2] for edge in ran.market.network.edges]
    dealers = [name for name, role in roles.items() if role == "dealer"]
    ring = set(zip(dealers, [*dealers[1:], dealers[0]], strict=True))
    assert ring <= set(edges)
    to_borrowers = [lender for lender, borrower in edges if roles[borrower] == "borrower"]
    assert set(to_borrowers) == {dealers[-1]}
    assert len(to_borrowers) == sum(role == "borrower" for role in roles.values())


@says
def rolling_lender(ran: Ran) -> None:
    """Loans of ten days are rolled, and those settle whose collateral falls short."""
    standard = ran.standard().summary()
    assert standard["loans_rolled"] == 0 < ran.summary["loans_rolled"]
    assert ran.summary["loans_settled"] > 0


@says
def running_lender(ran: Ran) -> None:
    """Loans end that would have been rolled."""
    standard = ran.standard().summary()
    assert standard["withdrawals"] == 0 < ran.summary["withdrawals"]
    assert ran.summary["loans_rolled"] < standard["loans_rolled"]


@says
def targeting_borrower(ran: Ran) -> None:
    """Who sells as prices fall stays below the leverage that the others come to."""
    standard = ran.standard()
    assert standard.summary()["outside_sold_value"] == 0 < ran.summary["outside_sold_value"]
    assert ran.summary["outside_bought_value"] > 0
    assert ran.days["leverage_95"].iloc[5] < standard.days_frame()["leverage_95"].iloc[5]


@says
def season_prices(ran: Ran) -> None:
    """Without noise the price is highest after a quarter of the season, lowest after three."""
    days = pd.bdate_range("2024-01-01", periods=20)
    path = ran.names["season"](days, ("A",), np.random.default_rng(1), noise=0)[:, 0]
    assert path[[0, 5, 10, 15]] == pytest.approx([100, 105, 100, 95])
    other = CollateralMarket(ran.market.scenario, rng=2)
    assert (other.path != ran.market.path).any(), "noise is drawn from the run"


@says
def smoothing_oracle(ran: Ran) -> None:
    """What it publishes moves less than the price, so that fewer calls are made."""
    assert ran.summary["margin_calls"] < ran.standard().summary()["margin_calls"]


@says
def wallet_panel(ran: Ran) -> None:
    """It tells the wallets of today."""
    import solara

    box, context = solara.render(ran.names["Wallets"](ran.market), handle_error=False)
    shown = box.children[0].template
    held = ran.market.participants["D1"].wallet["AAPL"]
    assert held > 0
    assert f"{held}, " in shown
    context.close()


@says
def short_borrowers(ran: Ran) -> None:
    """Its column counts borrowers with an unmet call, and its peak is that of the run."""
    counted = ran.days["short_borrowers"]
    assert (ran.days["unmet_calls"] >= counted).all()
    assert (counted <= ran.market.participants_frame()["role"].ne("lender").sum()).all()
    assert ran.summary["short_borrowers_max"] == counted.max() > 0


@says
def volatility_haircut(ran: Ran) -> None:
    """More collateral is asked for once prices have begun to swing."""
    standard = ran.standard(rules=[]).days_frame()
    asked = [days["delivery_call_value"] for days in (ran.days, standard)]
    assert asked[0][:10].sum() > asked[1][:10].sum()


def test_every_example_is_checked() -> None:
    assert set(CHECKS) == set(NAMES)


@pytest.mark.parametrize("ran", NAMES, indirect=True)
def test_does_what_it_says(ran: Ran, request: pytest.FixtureRequest) -> None:
    name = request.node.callspec.params["ran"]
    assert ran.printed.strip() or name == "wallet_panel"
    CHECKS[name](ran)


@pytest.mark.parametrize("name", NAMES)
def test_is_short(name: str) -> None:
    tree = ast.parse((EXAMPLES / f"{name}.py").read_text())
    assert ast.get_docstring(tree)
    (own,) = (node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef))
    assert own.end_lineno is not None
    assert own.end_lineno - own.lineno + 1 < 20


def test_runs_as_a_user_would_type_it() -> None:
    """One that names its own module in a scenario: Python finds it beside the script."""
    command = [sys.executable, "examples/ring_topology.py"]
    done = subprocess.run(
        command, cwd=EXAMPLES.parent, capture_output=True, text=True, check=True, timeout=300
    )
    assert "nodes" in done.stdout
