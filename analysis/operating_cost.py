"""What margining on Ethereum costs: gas of the paper's models as recorded, and gas of runs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.results import KEYS
from analysis.summary import require

RECORD = Path(__file__).parent / "data" / "gas.csv"
"""Gas of the paper's models on the contracts, measured and written by `python -m abm.chain.gas`."""

GWEI = 1e-9
DAYS_A_YEAR = 365
TOKENS = 5
"""Collateral tokens of a loan in the paper."""
PER_SLOT = 4
"""Prices, or amounts, of tokens that share a storage slot of the contracts."""

COUNTS = ("days", "margin_calls", "deliveries", "returns", "borrower_issuances")
_NO_CALL = {0: 3, 1: 3, 2: 4}
"""Models without a trigger always have a call; the model whose gas without one they would have."""


class Fees(NamedTuple):
    """What gas costs."""

    gas_price: float
    """In gwei."""
    ether_price: float
    """In money."""

    @property
    def per_gas(self) -> float:
        """Money for a unit of gas."""
        return self.gas_price * GWEI * self.ether_price


class GasTerms(NamedTuple):
    """What the gas of a design depends on."""

    model: int
    """The paper's model."""
    tokens: int
    """Priced tokens, all of them collateral."""


@cache
def _read() -> pd.DataFrame:
    return pd.read_csv(RECORD)


def recorded() -> pd.DataFrame:
    """Recorded gas, one row a model, number of tokens and batch.

    Columns: `model`, `tokens`, `batch` (loans in a transaction), `days`, `calls`; per loan and day
    `gas_day`, and `gas_day_on_demand` if the margin run is sent only on days with a call; per call
    `gas_call`; per loan of a margin run that comes to that `gas_no_call`, `gas_delivery`,
    `gas_delivery_with_mint`, `gas_return`; per transaction `gas_post` (prices) and `gas_mint`; per
    delivery `gas_allow`, for allowances that borrowers renew, `allowances` of them.
    """
    return _read().copy()


def largest_batch() -> int:
    """Loans in a transaction, where most were recorded."""
    return int(_read()["batch"].max())


def priced(table: pd.DataFrame, fees: Fees) -> pd.DataFrame:
    """A table of gas with `money_day`, `money_call` and `money_year` (365 days) beside it."""
    day, call = table["gas_day"] * fees.per_gas, table["gas_call"] * fees.per_gas
    return table.assign(money_day=day, money_call=call, money_year=day * DAYS_A_YEAR)


def yearly_costs(fees: Fees, tokens: int = TOKENS) -> pd.DataFrame:
    """Money for a loan and year of 365 days, by the paper's model, as recorded.

    Args:
        fees: what gas costs.
        tokens: a recorded number of tokens.

    Returns:
        by `model`: `alone` with a transaction a loan on every day; `on_demand` with one only on
        days with a call, and prices every day; `batched` with the largest recorded batch.
    """
    table = recorded()
    table = table[table["tokens"] == tokens].set_index("model")
    alone, batched = (
        table[table["batch"] == batch] for batch in (table["batch"].min(), table["batch"].max())
    )
    days = {
        "alone": alone["gas_day"],
        "on_demand": alone["gas_day_on_demand"],
        "batched": batched["gas_day"],
    }
    return pd.DataFrame(days) * fees.per_gas * DAYS_A_YEAR


def measured_costs(runs: pd.DataFrame, loan_days: pd.Series) -> pd.DataFrame:
    """Gas of the runs whose ledger was on the contracts.

    Args:
        runs: one row a run: the keys, `gas`, `margin_calls`.
        loan_days: open loans summed over the days of each run, by the keys.

    Returns:
        The rows with gas and known loan-days, with `loan_days`, `gas_loan_day` (gas over
        loan-days) and `gas_call` (gas over margin calls, NaN without any).

    Raises:
        ResultsError: a column is missing.
    """
    require(runs, [*KEYS, "gas", "margin_calls"])
    runs = _with_loan_days(runs[runs["gas"] > 0], loan_days)
    calls = runs["margin_calls"].where(runs["margin_calls"] > 0)
    return runs.assign(gas_loan_day=runs["gas"] / runs["loan_days"], gas_call=runs["gas"] / calls)


def estimated_costs(
    runs: pd.DataFrame, loan_days: pd.Series, terms: Mapping[Any, GasTerms]
) -> pd.DataFrame:
    """What the runs on the simulator's ledger would have cost on the contracts, by their counts.

    With `u` the recorded gas of Model `m` with `n` tokens, per loan of transactions of `b` loans,

        G = days · u_post + (deliveries - issuances) · u_delivery + issuances · u_delivery with mint
            + deliveries · u_allow + returns · u_return
            + (loan-days - deliveries - returns) · u_no call.

    A call that moves nothing counts as no call. Where more loans are open than the largest recorded
    batch holds, calls and deliveries are transactions of their own, and a loan that delivers is
    looked at in both: `deliveries · u_no call` is added. Not in it: opening, repayment and
    close-out of loans. Of 35 runs on the contracts, of all models over four tokens in markets of 1
    to 72 loans, it was 1 to 8 % above the measured gas.

    Args:
        runs: one row a run: the keys, `gas`, `open_loans_max`, and `COUNTS`.
        loan_days: open loans summed over the days of each run, by the keys.
        terms: by `scenario_id`; designs without, or with more tokens than recorded, are left out.

    Returns:
        The rows that had no gas and have terms, with `gas_alone` and `gas_batched`: gas per loan
        and day with a transaction a loan, and with one for all loans or the largest recorded batch,
        whichever is less.

    Raises:
        ResultsError: a column is missing.
    """
    require(runs, [*KEYS, "gas", "open_loans_max", *COUNTS])
    largest, tokens = (int(_read()[name].max()) for name in ("batch", "tokens"))
    known = {design for design, given in terms.items() if given.tokens <= tokens}
    runs = _with_loan_days(runs[(runs["gas"] == 0) & runs[KEYS[0]].isin(known)], loan_days)
    rows = runs.to_dict("records")
    together = [min(int(row["open_loans_max"]), largest) for row in rows]
    return runs.assign(
        gas_alone=[_estimate(row, unit_gas(terms[row[KEYS[0]]], 1)) for row in rows],
        gas_batched=[
            _estimate(row, unit_gas(terms[row[KEYS[0]]], batch), row["open_loans_max"] > batch)
            for row, batch in zip(rows, together, strict=True)
        ],
    )


@cache
def unit_gas(terms: GasTerms, batch: int) -> Mapping[str, float]:
    """Recorded gas of a price post, and per loan of a margin run by outcome.

    A price post, and a margin run without a call, cost something by themselves, something a token,
    and something a storage slot of `PER_SLOT` tokens: three unknowns, of three recorded numbers of
    tokens. What a margin run with a call costs beyond that is on the straight line between the
    recorded numbers of tokens. Between recorded batches gas is on the straight line over 1/batch,
    for a transaction costs something by itself, and something for every loan.

    Args:
        terms: model and number of tokens.
        batch: loans in a transaction.

    Returns:
        `post`, `no_call`, `delivery`, `delivery_with_mint`, `return`, `allow`.
    """
    still = _sizes(_NO_CALL.get(terms.model, terms.model), "no_call")
    found = {
        "post": _by_slots(_sizes(terms.model, "post"), terms.tokens),
        "no_call": _by_slots(still, terms.tokens),
    }
    for name in ("delivery", "delivery_with_mint", "return"):
        more = _sizes(terms.model, name) - still
        beyond = [np.interp(terms.tokens, more.index, more[column]) for column in more]
        found[name] = found["no_call"] + np.array(beyond)
    allowed = _sizes(terms.model, "allow")
    found["allow"] = np.array([np.interp(terms.tokens, allowed.index, allowed[b]) for b in allowed])
    shares = 1 / still.columns.to_numpy(np.float64)
    return {
        name: float(np.interp(1 / batch, shares[::-1], by_batch[::-1]))
        for name, by_batch in found.items()
    }


def _sizes(model: int, name: str) -> pd.DataFrame:
    """Recorded gas of a model, a row a number of tokens and a column a batch."""
    table = _read()
    return table[table["model"] == model].pivot_table(f"gas_{name}", "tokens", "batch")


def _by_slots(sizes: pd.DataFrame, tokens: int) -> np.ndarray:
    """Gas by batch of what touches each token, and each slot of tokens, once."""

    def terms(numbers: np.ndarray) -> np.ndarray:
        return np.column_stack([np.ones_like(numbers), numbers, -(-numbers // PER_SLOT)])

    parts = np.linalg.solve(terms(sizes.index.to_numpy()), sizes.to_numpy())
    return (terms(np.array([tokens])) @ parts)[0]


def _estimate(run: Mapping[Any, Any], unit: Mapping[str, float], halves: bool = False) -> float:
    """Gas per loan and day; `halves` if calls and deliveries are not in one transaction."""
    moved = run["deliveries"] + run["returns"]
    gas = (
        run["days"] * unit["post"]
        + (run["deliveries"] - run["borrower_issuances"]) * unit["delivery"]
        + run["borrower_issuances"] * unit["delivery_with_mint"]
        + run["returns"] * unit["return"]
        + run["deliveries"] * unit["allow"]
        + max(run["loan_days"] - moved, 0) * unit["no_call"]
        + halves * run["deliveries"] * unit["no_call"]
    )
    return float(gas / run["loan_days"])


def _with_loan_days(runs: pd.DataFrame, loan_days: pd.Series) -> pd.DataFrame:
    """The runs of which loan-days are known, and some."""
    joined = runs.merge(loan_days.rename("loan_days").reset_index(), on=list(KEYS))
    return joined[joined["loan_days"] > 0].reset_index(drop=True)
