"""The day's statistics of a market, measured over its margin accounts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.books import Books
from abm.books.compiled import compiled, inlined, unsigned
from abm.books.ledger import Holdings
from abm.books.loan_book import ACTIVE, Account, Accounts
from abm.books.tally import COUNTED
from abm.books.terms import Terms, fraction_of
from abm.measures.moments import CloseOuts, Morning, basis_points

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LANES = 4
"""Sums by lender that are made side by side."""

TAIL = 0.025
"""Part of the loans over which expected shortfall is the mean (Basel III's 97.5 % level)."""

COUNTABLE = 9.2e18
"""What stays below this as a float fits int64."""

_VALUES = frozenset(name for name in COUNTED if name.endswith("_value"))


@inlined
def gap_of(account: Account, terms: Terms) -> float:
    """Gap `(1-α)·C - L` of an account in money units, exact to the rounding of floats of its size.

    The excess over the requirement times a fraction: where their product does not fit int64, whole
    units and the rest are taken apart.
    """
    term = terms[account.agreement]
    excess = account.value - account.required
    numerator, denominator = term.required_denominator, term.required_numerator
    product = float(excess) * numerator
    if abs(product) < COUNTABLE:
        return excess * numerator / denominator + account.slack
    if abs(product) >= COUNTABLE * denominator:
        return product / denominator + account.slack
    whole, rest = fraction_of(excess, numerator, denominator)
    return whole + (rest / denominator + account.slack)


@inlined
def uncovered(account: Account) -> int:
    """What a default would leave of an account at market value, `(L - C)⁺`, in money units."""
    return max(account.exposure - account.value, 0)


def gaps_and_exposures(books: Books, closing: CloseOuts) -> tuple[Floats, Floats]:
    """Gap and uncollateralised exposure of every margin account, in money units.

    Both have shape (accounts,) and are 0 for accounts without an open loan. Those in close-out have
    no gap, since nothing is called any more; their exposure is what is lent above what is left.
    """
    gaps, exposures = np.zeros((2, len(books.accounts)))
    _write_gaps_and_exposures(books, gaps, exposures)
    exposures[closing.rows] = closing.uncollateralised
    return gaps, exposures


@compiled
def _write_gaps_and_exposures(books: Books, gaps: Floats, exposures: Floats) -> None:
    for a in range(len(gaps)):
        account = books.accounts[a]
        if account.state == ACTIVE and account.open_loans:
            gaps[a] = gap_of(account, books.terms)
            exposures[a] = uncovered(account)


class Sums(NamedTuple):
    """Sums over the accounts that are margined, in money units."""

    exposure: float
    value: float
    gap: float
    uncollateralised: float
    requirement_shortfall: float
    requirement_shortfall_max: float
    over_collateralisation: float
    over_collateralisation_max: float
    short: int
    """Number of accounts whose collateral is worth less than what it secures."""
    active: int
    loans: int


@compiled
def _sums(accounts: Accounts, terms: Terms, by_lender: Floats, exposures: Floats) -> Sums:
    """Add up over accounts, and exposures by lender into the first of some rows of zeros.

    Accounts in succession mostly have the same lender: they go into different rows first, so that
    no addition has to wait for the one before. Writes the uncollateralised exposures that are not
    zero into the front of an array.
    """
    lent, held, total, bare = 0.0, 0.0, 0.0, 0.0
    under, most_under, over, most_over = 0.0, 0.0, 0.0, 0.0
    short, active, loans = 0, 0, 0
    for row in range(len(accounts)):
        account = accounts[unsigned(row)]
        exposure = account.exposure
        if account.state != ACTIVE or account.open_loans == 0:
            continue
        active += 1
        loans += account.open_loans
        gap = gap_of(account, terms)
        lent += exposure
        held += account.value
        total += gap
        by_lender[unsigned(row % LANES), account.lender] += exposure
        missing = uncovered(account)
        if missing:
            exposures[short] = missing
            short += 1
            bare += missing
        if gap < 0:
            under -= gap
            most_under = max(most_under, -gap)
        else:
            over += gap
            most_over = max(most_over, gap)
    for lane in range(1, LANES):
        for lender in range(by_lender.shape[1]):
            by_lender[0, lender] += by_lender[lane, lender]
    return Sums(
        lent,
        held,
        total,
        bare,
        under,
        most_under,
        over,
        most_over,
        short,
        active,
        loans,
    )


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


@compiled
def concentration(values: Floats) -> float:
    """Herfindahl-Hirschman index: the sum of squared shares; 0 where there is nothing."""
    total, squares = 0.0, 0.0
    for value in values:
        total += value
        squares += value * value
    return squares / (total * total) if total > 0 else 0.0


def longest_reuse_chain(books: Books) -> int:
    """Longest chain of lenders that post on what they received: how often collateral was re-used.

    A link is an account whose collateral is posted further at the moment. A cycle of re-use counts
    each participant in it once.
    """
    if not books.reused.any():
        return 0
    import networkx as nx

    accounts = books.accounts
    posted_on = books.reused.any(axis=1)
    reusing = np.unique(accounts.lender[posted_on])
    posts = posted_on & np.isin(accounts.borrower, reusing)
    graph = nx.DiGraph()
    graph.add_nodes_from(reusing.tolist())
    pairs = zip(accounts.borrower[posts].tolist(), accounts.lender[posts].tolist(), strict=True)
    graph.add_edges_from(pair for pair in pairs if pair[1] in graph)
    groups = nx.condensation(graph)
    for group in groups:
        groups.nodes[group]["weight"] = len(groups.nodes[group]["members"])
    longest: dict[int, int] = {}
    for group in nx.topological_sort(groups):
        before = max((longest[p] for p in groups.predecessors(group)), default=0)
        longest[group] = before + groups.nodes[group]["weight"]
    return max(longest.values())


def measure(
    books: Books, held: Holdings, prices: Ints, unit: float, before: Morning, closing: CloseOuts
) -> dict[str, float]:
    """The statistics of a day that the books alone determine, by column name; money in money.

    `abm.measures.standard` says what each means.

    Args:
        books: the market.
        held: what its accounts hold, as `Ledger.check_conservation` has counted it.
        prices: published prices of the day, in money units: those that the accounts were valued at.
        unit: the smallest money unit.
        before: the day before any movement.
        closing: what is being closed out, at the end of the day.
    """
    by_lender = np.zeros((LANES, books.ledger.collateral_row - 1))
    exposures = np.empty(len(books.accounts))
    sums = _sums(books.accounts, books.terms, by_lender, exposures)
    posted = held.collateral * prices
    primary = float(sum(posted.tolist()))
    reused = float((books.reused.sum(axis=0) * prices).sum()) if len(books.reused) else 0.0
    bare, lent, after = exposures[: sums.short], sums.exposure, sums.uncollateralised
    if len(closing.rows):
        bare = np.concatenate([bare, closing.uncollateralised])
        lent, after = lent + float(closing.lent.sum()), float(bare.sum())
    row = {
        "open_loans": sums.loans,
        "lent_before": before.lent * unit,
        "lent": lent * unit,
        "exposure": sums.exposure * unit,
        "collateral_value": sums.value * unit,
        "coverage": 1 + sums.gap / sums.exposure if sums.exposure else np.nan,
        "gap_before": before.gap * unit,
        "gap": sums.gap * unit,
        "close_out_gap": closing.gap * unit,
        "absolute_gap": (sums.requirement_shortfall + sums.over_collateralisation) * unit,
        "uncollateralised_before": before.uncollateralised * unit,
        "uncollateralised_after": after * unit,
        "uncollateralised_close_out": (after - sums.uncollateralised) * unit,
        "uncollateralised_before_bp": basis_points(before.uncollateralised, before.lent),
        "uncollateralised_after_bp": basis_points(after, lent),
        "uncollateralised_after_largest": bare.max(initial=0) * unit,
        "uncollateralised_after_es": expected_shortfall(bare, sums.active + len(closing.rows))
        * unit,
        "uncollateralised_after_loans": np.count_nonzero(bare),
        "requirement_shortfall_before": before.shortfall * unit,
        "requirement_shortfall_before_bp": basis_points(before.shortfall, before.lent),
        "requirement_shortfall_bp": basis_points(sums.requirement_shortfall, lent),
        "requirement_shortfall": sums.requirement_shortfall * unit,
        "requirement_shortfall_max": sums.requirement_shortfall_max * unit,
        "over_collateralisation": sums.over_collateralisation * unit,
        "over_collateralisation_max": sums.over_collateralisation_max * unit,
        "close_out_exposure": (lent - sums.exposure) * unit,
        "reuse_outstanding": reused * unit,
        "reuse_chain": longest_reuse_chain(books),
        "collateral_velocity": (primary + reused) / primary if primary else np.nan,
        "hhi_lenders": concentration(by_lender[0]),
        "hhi_collateral": concentration(posted.astype(np.float64)),
        "wallet_value": float(held.participants[:-1] @ prices[:-1]) * unit,
    }
    for name, total in zip(COUNTED, books.totals.tolist(), strict=True):
        row[name] = total * unit if name in _VALUES else int(total)
    return row
