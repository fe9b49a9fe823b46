"""The day's statistics of a market, measured over its margin accounts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.books import Books
from abm.books.compiled import compiled, inlined, unsigned
from abm.books.loan_book import ACTIVE, Account, Accounts
from abm.books.terms import Terms, fraction_of
from abm.formulas import risk
from abm.measures.moments import CloseOuts

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LANES = 4
"""Sums by lender that are made side by side."""

COUNTABLE = 9.2e18
"""What stays below this as a float fits int64."""

concentration = compiled(risk.concentration)
_tail_mean = inlined(risk.tail_mean)


@inlined
def gap_of(account: Account, terms: Terms, discount: int) -> float:
    """Gap `(1-α)·C - L` of an account in money units, exact to the rounding of floats of its size.

    `discount` is what its collateral is worth above what it counts for.

    The excess over the requirement times a fraction: where their product does not fit int64, whole
    units and the rest are taken apart.
    """
    term = terms[account.agreement]
    excess = account.value - discount - account.required
    numerator, denominator = term.required_denominator, term.required_numerator
    product = float(excess) * numerator
    if abs(product) < COUNTABLE:
        return excess * numerator / denominator + account.slack
    if abs(product) >= COUNTABLE * denominator:
        return product / denominator + account.slack
    whole, rest = fraction_of(excess, numerator, denominator)
    return whole + (rest / denominator + account.slack)


@inlined
def discount_of(discount: Ints, a: int) -> int:
    """What the collateral of an account is worth above what it counts for."""
    return discount[a] if len(discount) else 0


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
            gaps[a] = gap_of(account, books.terms, discount_of(books.schedules.discount, a))
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
def add_up(
    accounts: Accounts, terms: Terms, discount: Ints, by_lender: Floats, exposures: Floats
) -> Sums:
    """Add up over accounts, and exposures by lender into the first of some rows.

    Accounts in succession mostly have the same lender: they go into different rows first, so that
    no addition has to wait for the one before. Writes the uncollateralised exposures that are not
    zero into the front of an array.
    """
    for lane in range(LANES):
        for lender in range(by_lender.shape[1]):
            by_lender[lane, lender] = 0.0
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
        gap = gap_of(account, terms, discount_of(discount, unsigned(row)))
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


@compiled
def expected_shortfall(losses: Floats, population: int, tail: float = risk.TAIL) -> float:
    """Mean of the largest `tail` of a population of losses, of which those not given are 0.

    Args:
        losses: shape (n,), none below 0; left in another order.
        population: number of losses, n or more.
        tail: part of them, above 0 and at most 1.
    """
    k = tail * population
    number = len(losses)
    if k <= 0 or number == 0:
        return 0.0
    whole = int(np.ceil(k))
    if number < whole:
        total = 0.0
        for loss in losses:
            total += loss
        return total / k
    first = number - whole
    if first:
        select(losses, first)
    return _tail_mean(losses[first:], k)


@inlined
def select(values: Floats, position: int) -> None:
    """Order values such that none from a position on is below one before it (Hoare's Find)."""
    low, high = 0, len(values) - 1
    while low < high:
        pivot = values[position]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if j < position:
            low = i
        if position < i:
            high = j


def longest_reuse_chain(books: Books) -> int:
    """Longest chain of lenders that post on what they received: how often collateral was re-used.

    A link is an account whose collateral is posted further at the moment. A cycle of re-use counts
    each participant in it once.
    """
    by_dealers = books.by_lender
    if not books.reused[by_dealers].any():
        return 0
    import networkx as nx

    accounts = books.accounts
    posted_on = np.zeros(len(accounts), np.bool_)
    posted_on[by_dealers] = books.reused[by_dealers].any(axis=1)
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
