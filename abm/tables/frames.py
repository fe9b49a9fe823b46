"""The tables that come out of a market."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mesa
import numpy as np
import numpy.typing as npt
import pandas as pd

from abm.books.ledger import UNLIMITED
from abm.books.loan_book import LOAN_STATES, NEVER
from abm.books.sheet import LINES, Sheet
from abm.books.standing import CAUSES
from abm.measures.day_collector import typed
from abm.tables.snapshot import Snapshot
from abm.tables.source import Source

if TYPE_CHECKING:
    import networkx as nx


SHEET_TOTALS = ("assets", "liabilities", "net_worth", "leverage")
"""What a balance sheet comes to, after its lines."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def days_frame(market: Source) -> pd.DataFrame:
    """One row a day, a column for each of the market's measures."""
    number = market.datacollector.days
    columns: dict[str, Any] = {"day": np.arange(number), "date": market.days[:number]}
    for measure, values in zip(market.measures, market.datacollector.values, strict=True):
        columns[measure.name] = typed(measure, values)
    return pd.DataFrame(columns)


def events_frame(market: Source, since: int = 0) -> pd.DataFrame:
    """One row an event, columns as in `abm.tables.meanings.EVENTS`."""
    accounts = market.books.accounts
    market.events.drain(market.day)
    return market.events.frame(
        market.tokens,
        market.population.names,
        market.first_loan,
        accounts.lender,
        accounts.borrower,
        CAUSES,
        market.unit,
        since,
    )


def loans_frame(market: Source) -> pd.DataFrame:
    """One row a loan, columns as in `abm.tables.meanings.LOANS`; sorted by loan_id."""
    at = market.final or Snapshot.of(market, copy=False)
    loans, accounts = at.loans, at.accounts
    a = loans.account
    names = np.array(market.population.names, dtype=object)
    claims = at.claims.copy()
    first = market.books.priority[accounts.agreement, 0]
    claims[np.arange(len(claims)), first] -= accounts.advanced
    posted = {f"posted_{name}": claims[a, token] for token, name in enumerate(market.tokens)}
    frame = pd.DataFrame(
        {
            "loan_id": loans.loan_id.copy(),
            "lender": names[accounts.lender[a]],
            "borrower": names[accounts.borrower[a]],
            "state": np.array(LOAN_STATES, dtype=object)[loans.state],
            "opened": loans.opened.copy(),
            "maturity": np.where(loans.maturity == NEVER, -1, loans.maturity),
            "exposure": at.exposure * market.unit,
            "account": market.first_loan[a],
            "gap": at.gaps[a] * market.unit,
            "uncollateralised_exposure": at.uncollateralised[a] * market.unit,
            "collateral_value": accounts.value[a] * market.unit,
            "margin_calls": accounts.calls[a],
            "deliveries": accounts.deliveries[a],
            "returns": accounts.returns[a],
            "unmet_days": accounts.unmet_days[a],
            **posted,
        }
    )
    return frame.sort_values("loan_id", ignore_index=True)


def participants_frame(market: Source) -> pd.DataFrame:
    """One row a participant, columns as in `abm.tables.meanings.PARTICIPANTS`; sorted by name."""
    at = market.final or Snapshot.of(market, copy=False)
    accounts, standing, unit = at.accounts, market.standing, market.unit
    number = len(market.population.names)

    def by(side: Ints, amount: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.bincount(side, weights=amount.astype(np.float64), minlength=number) * unit

    causes = np.array([*CAUSES, ""], dtype=object)
    return pd.DataFrame(
        {
            "participant": list(market.population.names),
            "role": list(market.population.roles),
            "size": market.population.size,
            "lent": by(accounts.lender, accounts.exposure),
            "borrowed": by(accounts.borrower, accounts.exposure),
            "uncollateralised_exposure": by(accounts.lender, at.uncollateralised),
            "expected_exposure": market.exposures.mean(),
            "exposure_q975": market.exposures.quantile(),
            "requirement_shortfall": by(accounts.lender, np.maximum(-at.gaps, 0)),
            "over_collateralisation": by(accounts.borrower, np.maximum(at.gaps, 0)),
            "wallet_value": (at.wallets[:number] @ at.prices) * unit,
            "posted_value": by(accounts.borrower, at.claims @ at.prices),
            "equity": np.where(standing.equity < UNLIMITED, standing.equity, np.nan) * unit,
            "losses": standing.losses * unit,
            "recovered": standing.recovered * unit,
            "default_day": standing.default_day,
            "default_cause": causes[standing.default_cause],
            **_sheet_columns(market.sheet, number, unit),
        }
    )


def _sheet_columns(sheet: Sheet | None, number: int, unit: float) -> dict[str, npt.NDArray[Any]]:
    """The lines of balance sheets, and what they come to; empty where none are kept."""
    if sheet is None:
        none = np.full(number, np.nan)
        return dict.fromkeys((*(f"sheet_{line}" for line in LINES), *SHEET_TOTALS), none)
    lines = {f"sheet_{line}": sheet.lines[:, at] * unit for at, line in enumerate(LINES)}
    totals = (sheet.assets * unit, sheet.liabilities * unit, sheet.equity * unit, sheet.leverage)
    return lines | dict(zip(SHEET_TOTALS, totals, strict=True))


def exposures_frame(market: Source) -> pd.DataFrame:
    """One row a day and borrower, columns as in `abm.tables.meanings.EXPOSURES`; day 0 left out."""
    borrows = [row for row, role in enumerate(market.population.roles) if role != "lender"]
    return market.exposures.frame(market.population.names, borrows)


def network_view(market: Source) -> nx.MultiDiGraph:
    """The live market as a graph, built anew at each call.

    Nodes carry role, size, wallet value, equity and whether they defaulted; edges, keyed by
    loan_id, exposure, coverage, gap, uncollateralised_exposure and state. Money is in money; what
    belongs to a margin account of several loans is on the edge of each.
    """
    import networkx as nx

    graph = nx.MultiDiGraph()
    for row in market.participants_frame().to_dict("records"):
        graph.add_node(
            row["participant"],
            role=row["role"],
            size=row["size"],
            wallet_value=row["wallet_value"],
            equity=row["equity"],
            defaulted=row["default_day"] >= 0,
        )
    loans = market.loans_frame()
    account_exposure = loans.groupby("account")["exposure"].transform("sum")
    loans["coverage"] = 1 + loans["gap"] / account_exposure.where(account_exposure > 0)
    columns = ["lender", "borrower", "loan_id", "exposure", "coverage", "gap"]
    columns += ["uncollateralised_exposure", "state"]
    for lender, borrower, key, *attributes in loans[columns].itertuples(index=False, name=None):
        graph.add_edge(lender, borrower, key=key, **dict(zip(columns[3:], attributes, strict=True)))
    return graph


def grid(market: Source) -> mesa.space.NetworkGrid:
    """The participants on a network of their pairs, a node each, in the order of the population."""
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(range(len(market.population.names)))
    accounts = market.books.accounts
    graph.add_edges_from(zip(accounts.lender.tolist(), accounts.borrower.tolist(), strict=True))
    space = mesa.space.NetworkGrid(graph)
    for node, agent in enumerate(market.participants.values()):
        space.place_agent(agent, node)
    return space
