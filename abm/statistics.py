"""The day's statistics of a market, measured over its margin accounts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books import Books
from abm.compiled import compiled, inlined
from abm.loan_book import ACTIVE, LIQUIDATING
from abm.tally import COUNTED

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

TAIL = 0.025
"""Part of the loans over which expected shortfall is the mean (Basel III's 97.5 % level)."""

_VALUES = frozenset(name for name in COUNTED if name.endswith("_value"))


@inlined
def gap_of(books: Books, a: int) -> float:
    """Gap `(1-α)·C - L` of an account in money units, exact to the rounding of one float."""
    accounts = books.accounts
    t = accounts.agreement[a]
    numerator, denominator = books.terms.required_numerator[t], books.terms.required_denominator[t]
    excess = accounts.value[a] - accounts.required[a]
    return excess * denominator / numerator + accounts.slack[a]


def gaps(books: Books) -> Floats:
    """Gap of every active account with open loans, 0 for the others; in money units."""
    result = np.zeros(len(books.accounts))
    _write_gaps(books, result)
    return result


@compiled
def _write_gaps(books: Books, result: Floats) -> None:
    accounts = books.accounts
    for a in range(len(result)):
        if accounts.state[a] == ACTIVE and accounts.open_loans[a]:
            result[a] = gap_of(books, a)


@compiled
def _sums(
    books: Books, sums: Floats, by_lender: Floats, uncollateralised: Floats
) -> tuple[int, int, int]:
    """Add up over accounts, and by lender; gives numbers of short and all accounts, and loans.

    Writes the uncollateralised exposures of the short accounts into the front of the array.
    """
    accounts = books.accounts
    short, active, loans = 0, 0, 0
    for a in range(len(accounts.lender)):
        exposure = accounts.exposure[a]
        if accounts.state[a] == LIQUIDATING:
            sums[7] += exposure
            continue
        if accounts.state[a] != ACTIVE or accounts.open_loans[a] == 0:
            continue
        active += 1
        loans += accounts.open_loans[a]
        gap = gap_of(books, a)
        sums[0] += exposure
        sums[1] += accounts.value[a]
        sums[2] += gap
        by_lender[accounts.lender[a]] += exposure
        if gap < 0:
            uncollateralised[short] = -gap
            short += 1
            sums[3] -= gap
            sums[4] = max(sums[4], -gap)
        else:
            sums[5] += gap
            sums[6] = max(sums[6], gap)
    return short, active, loans


@compiled
def _by_token(balance: Ints, start: int, stop: int, held: Ints) -> None:
    """Add up the tokens held in some rows of the ledger."""
    for row in range(start, stop):
        for token in range(balance.shape[1]):
            held[token] += balance[row, token]


def expected_shortfall(losses: Floats, population: int, tail: float = TAIL) -> float:
    """Mean of the largest `tail` of a population of losses, of which those not given are 0.

    With `k = tail · population` losses in the tail, the last one counts with its fraction
    (Acerbi and Tasche 2002).
    """
    k = tail * population
    if k <= 0 or not len(losses):
        return 0.0
    whole = int(np.ceil(k))
    if len(losses) > whole:
        losses = np.partition(losses, len(losses) - whole)[-whole:]
    if len(losses) == whole:
        return float((losses.sum() - (whole - k) * losses.min()) / k)
    return float(losses.sum() / k)


def concentration(values: Floats) -> float:
    """Herfindahl-Hirschman index: the sum of squared shares; 0 where there is nothing."""
    total = values.sum()
    return float(((values / total) ** 2).sum()) if total > 0 else 0.0


def measure(books: Books, prices: Ints, participants: int, unit: float) -> dict[str, float]:
    """The statistics of a day that the books alone determine, by column name; money in money.

    `abm.columns.DAYS` says what each means.
    """
    ledger, accounts = books.ledger, books.accounts
    sums, by_lender = np.zeros(8), np.zeros(participants)
    uncollateralised = np.empty(len(accounts))
    short, active, loans = _sums(books, sums, by_lender, uncollateralised)
    held = np.zeros(len(prices), np.int64)
    _by_token(ledger.balance, ledger.collateral_row, ledger.transit_row, held)
    posted = held * prices
    wallets = ledger.balance[:participants, :-1].sum(axis=0) @ prices[:-1]
    reused = float((books.reused.sum(axis=0) * prices).sum())
    primary = float(posted.sum())
    row = {
        "open_loans": loans,
        "exposure": sums[0] * unit,
        "collateral_value": sums[1] * unit,
        "coverage": 1 + sums[2] / sums[0] if sums[0] else np.nan,
        "gap": sums[2] * unit,
        "absolute_gap": (sums[3] + sums[5]) * unit,
        "uncollateralised_exposure": sums[3] * unit,
        "uncollateralised_max": sums[4] * unit,
        "uncollateralised_es": expected_shortfall(uncollateralised[:short], active) * unit,
        "uncollateralised_loans": short,
        "over_collateralisation": sums[5] * unit,
        "over_collateralisation_max": sums[6] * unit,
        "close_out_exposure": sums[7] * unit,
        "reuse_outstanding": reused * unit,
        "collateral_velocity": (primary + reused) / primary if primary else np.nan,
        "hhi_lenders": concentration(by_lender),
        "hhi_collateral": concentration(posted.astype(np.float64)),
        "wallet_value": float(wallets) * unit,
    }
    for name, total in zip(COUNTED, books.totals.tolist(), strict=True):
        row[name] = total * unit if name in _VALUES else int(total)
    return row
