"""Conformance: the same market on columns and on contracts, compared day by day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from abm.books.tally import COUNTED
from abm.model import CollateralMarket
from scenarios.prices import PricePanel
from scenarios.scenario import Scenario

_ACCOUNTS = (
    "state",
    "open_loans",
    "exposure",
    "required",
    "lower",
    "upper",
    "value",
    "advanced",
    "unmet",
    "unmet_days",
    "calls",
    "deliveries",
    "returns",
)
_LOANS = ("state", "maturity", "recall_fails")


@dataclass(frozen=True)
class Difference:
    """The first thing in which the two ledgers differ."""

    day: int
    what: str
    columns: float
    evm: float

    def __str__(self) -> str:
        return (
            f"day {self.day}: {self.what}: {self.columns:,.15g} in columns,"
            f" {self.evm:,.15g} in the contracts"
        )


@dataclass(frozen=True)
class Verification:
    """What a comparison of the two ledgers came to."""

    days: int
    """Days that are equal, day 0 and the settlement after the window among them."""
    loans: int
    figures: int
    """Numbers that were compared and equal."""
    calls: int
    deliveries: int
    returns: int
    issuances: int
    transactions: int
    gas: int
    difference: Difference | None


def verify(
    scenario: Scenario | str,
    *,
    rng: int | None = None,
    prices: PricePanel | None = None,
    **changes: Any,
) -> Verification:
    """Run a scenario on both ledgers until the first difference.

    Args:
        scenario: what to run; its own choice of ledger does not matter.
        rng: seed of both runs.
        prices: a price panel to use instead of the scenario's.
        changes: fields of the scenario to replace, as `CollateralMarket` takes them.

    Raises:
        InputError: the contracts do not support a term of the scenario, or the extra is missing.
    """
    from abm.chain.day import chain_of

    evm = CollateralMarket(scenario, rng=rng, prices=prices, **{**changes, "ledger": "evm"})
    columns = CollateralMarket(scenario, rng=rng, prices=prices, **{**changes, "ledger": "columns"})
    days = figures = 0
    difference = None
    while True:
        compared, difference = compare(columns, evm)
        figures += compared
        if difference or columns.final is not None:
            break
        days += 1
        if columns.running:
            columns.step()
            evm.step()
        else:
            columns.conclude()
            evm.conclude()
    frame = evm.days_frame()
    return Verification(
        days=days + (difference is None),
        loans=len(columns.books.loans),
        figures=figures,
        calls=int(frame["margin_calls"].sum()),
        deliveries=int(frame["deliveries"].sum()),
        returns=int(frame["returns"].sum()),
        issuances=int(frame["borrower_issuances"].sum() + frame["lender_issuances"].sum()),
        transactions=len(chain_of(evm).platform.gas),
        gas=sum(entry.gas for entry in chain_of(evm).platform.gas),
        difference=difference,
    )


def compare(columns: CollateralMarket, evm: CollateralMarket) -> tuple[int, Difference | None]:
    """Compare two markets on the same day: how many numbers are equal, and the first that is not.

    Every balance comes first, then deposits and supply, then accounts, loans and the day's counts.
    """
    figures = 0
    for what, left, right in _pairs(columns, evm):
        differ = np.argwhere(np.asarray(left != right))
        if len(differ):
            at = tuple(differ[0].tolist())
            label = _label(columns, what, at)
            return figures, Difference(columns.day, label, float(left[at]), float(right[at]))
        figures += left.size
    return figures, None


def _pairs(
    columns: CollateralMarket, evm: CollateralMarket
) -> Iterator[tuple[str, npt.NDArray[Any], npt.NDArray[Any]]]:
    """Name and values of all that must be equal."""
    one, other = columns.books, evm.books
    for name in ("balance", "minted", "burned", "capacity"):
        yield name, getattr(one.ledger, name), getattr(other.ledger, name)
    if len(one.returning):
        yield "returning", one.returning.sum(axis=0), other.returning.sum(axis=0)
    for name in _LOANS:
        yield f"loans.{name}", getattr(one.loans, name), getattr(other.loans, name)
    concluded = columns.final is not None
    if concluded:
        # Values and counts of a day are those of a margin run, of which there is none now.
        return
    for name in _ACCOUNTS:
        yield f"accounts.{name}", getattr(one.accounts, name), getattr(other.accounts, name)
    yield "totals", one.totals, other.totals
    yield "losses", columns.standing.losses, evm.standing.losses
    yield "default_day", columns.standing.default_day, evm.standing.default_day


def _label(market: CollateralMarket, what: str, at: tuple[int, ...]) -> str:
    """A position in one of the compared arrays in words."""
    names, tokens, ledger = market.population.names, market.tokens, market.ledger.arrays
    if what in ("balance", "capacity"):
        row, token = at
        if row < len(names):
            holder = f"wallet of {names[row]}"
        elif row < ledger.collateral_row:
            holder = "wallet of the outside market"
        elif row < ledger.transit_row:
            holder = f"collateral of loan {market.first_loan[row - ledger.collateral_row]}"
        else:
            accounts = len(market.first_loan)
            holder = (
                f"in transit to loan {market.first_loan[(row - ledger.transit_row) % accounts]}"
            )
        return f"{what} of {tokens[token]} ({holder})"
    if what in ("minted", "burned"):
        return f"{tokens[at[0]]} {what}"
    if what == "returning":
        return f"{tokens[at[1]]} instructed to go back of loan {market.first_loan[at[0]]}"
    if what.startswith("accounts."):
        return f"{what.removeprefix('accounts.')} of loan {market.first_loan[at[0]]}"
    if what.startswith("loans."):
        return f"{what.removeprefix('loans.')} of loan {market.books.loans.loan_id[at[0]]}"
    if what == "totals":
        return COUNTED[at[0]]
    return f"{what} of {names[at[0]]}"


def overview(done: Verification) -> Mapping[str, str]:
    """A verification as a user reads it."""
    return {
        "days": str(done.days),
        "loans": str(done.loans),
        "figures compared": f"{done.figures:,}",
        "margin calls": f"{done.calls:,}",
        "deliveries, returns": f"{done.deliveries:,}, {done.returns:,}",
        "issuances": f"{done.issuances:,}",
        "transactions": f"{done.transactions:,}",
        "gas": f"{done.gas:,}",
    }
